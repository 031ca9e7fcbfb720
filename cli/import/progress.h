/* SPDX-License-Identifier: MIT */
/* Progress: how far an import is, for the person or the log that watches it. */
#ifndef CLI_IMPORT_PROGRESS_H
#define CLI_IMPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cli_progress {
    bool is_bar;      /* stderr is a terminal */
    int64_t every_ms; /* between lines elsewhere; 0: none */
    int64_t started_ms;
    int64_t last_ms;
    bool is_drawn; /* the bar is on the screen */
};

/* The state to show. */
struct cli_state {
    uint64_t done_bytes;
    uint64_t total_bytes; /* 0: unknown */
    uint64_t accepted;
    uint64_t delivered;
    uint64_t rejected;
};

void cli_progress_start(struct cli_progress *progress, bool is_bar,
                        int64_t every_ms);

/* True if it is time to show something. */
bool cli_progress_is_due(const struct cli_progress *progress, int64_t now_ms);

/* Shows the state: as a bar, or as a line (always where `as_line`). */
void cli_progress_show(struct cli_progress *progress,
                       const struct cli_state *state, bool as_line);

/* Takes the bar away, before other text is printed. */
void cli_progress_clear(struct cli_progress *progress);

#endif
