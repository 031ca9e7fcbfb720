/* SPDX-License-Identifier: MIT */
/*
 * Journal: what the subcommands of `datalyr journal` share: the owners in a
 * directory and what each of them left.
 */
#ifndef CLI_JOURNAL_JOURNAL_H
#define CLI_JOURNAL_JOURNAL_H

#include "args.h"
#include "queue/estate.h"

/* One owner and the sum of its files. */
struct cli_journal {
    char owner[DLR_OWNER_CAP];
    bool is_alive;
    bool is_readable; /* false: another version's or byte order's */
    uint8_t destination[DLR_DESTINATION_BYTES];
    uint64_t files;
    uint64_t bytes;
    uint64_t pending;
    uint64_t damaged_bytes;
    int64_t oldest_ms; /* wall clock; 0: none pending */
};

/* Looks at one pending event. False ends the walk. */
typedef bool (*cli_journal_event)(void *self, struct dlr_text json,
                                  int64_t accepted_ms);

/* Opens DIR, the second argument; an exit code after saying what is wrong. */
int cli_journal_open_dir(const struct cli_args *args, int *dir);

/* Calls `each` for every owner, oldest first. Returns an exit code. */
int cli_journal_each(int dir,
                     bool (*each)(void *self,
                                  const struct cli_journal *journal),
                     void *self);

/* Walks over the pending events of one owner. */
int cli_journal_walk(int dir, const char *owner, cli_journal_event each,
                     void *self);

/* The subcommands. */
int cli_journal_list(struct cli_args *args, int dir);
int cli_journal_show(struct cli_args *args, int dir);
int cli_journal_export(struct cli_args *args, int dir);
int cli_journal_send(struct cli_args *args, int dir);
int cli_journal_discard(struct cli_args *args, int dir);

#endif
