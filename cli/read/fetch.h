/* SPDX-License-Identifier: MIT */
/* Fetch: questions to a collector's read API, one at a time. */
#ifndef CLI_READ_FETCH_H
#define CLI_READ_FETCH_H

#include "args.h"

/* The largest answer that is taken. */
#define CLI_FETCH_MAX ((size_t)256 << 20)

struct cli_fetch {
    const struct cli_args *args;
    const char *collector; /* where it is, lent */
    const char *read_key;  /* lent; NULL: none */
    void *curl;
    struct dlr_buf url;
    struct dlr_buf body; /* of the last answer: checked JSON */
    long status;         /* 0: no answer came */
    char error[256];
};

/* Flags of every command that reads. */
#define CLI_FETCH_FLAGS                                                      \
    {"collector", "URL",                                                     \
     "where the collector is; default: $DATALYR_COLLECTOR, else "            \
     "http://127.0.0.1:8484"},                                               \
    {                                                                        \
        "read-key", "KEY",                                                   \
            "key that may read; not needed on the collector's own machine; " \
            "default: $DATALYR_READ_KEY"                                     \
    }

/* False when out of memory. */
bool cli_fetch_open(struct cli_fetch *fetch, const struct cli_args *args);
void cli_fetch_close(struct cli_fetch *fetch);

/* Begins a question at a path such as "/api/v1/events"; then parameters. */
void cli_fetch_begin(struct cli_fetch *fetch, const char *path);
void cli_fetch_add(struct cli_fetch *fetch, struct dlr_text name,
                   struct dlr_text value);

/* Asks. False if no answer came, or one that is no JSON; `error` says why. */
bool cli_fetch_run(struct cli_fetch *fetch);

/* Says why the answer is of no use, and returns the exit code for it. */
int cli_fetch_complain(const struct cli_fetch *fetch);

#endif
