/* SPDX-License-Identifier: MIT */
/*
 * Rejects: records that did not become events, and events that were given up,
 * with the reason: into the --rejects file, or the first few to stderr.
 */
#ifndef CLI_IMPORT_REJECTS_H
#define CLI_IMPORT_REJECTS_H

#include "base/buf.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct cli_rejects {
    const char *path; /* NULL: no file */
    FILE *file;
    uint64_t shown_count;
    pthread_mutex_t lock; /* guards what stands below, and writing to file */
    uint64_t count;       /* of records */
    struct dlr_buf line;
    int error; /* errno of the first failed write; 0: none */
};

struct cli_reject {
    const char *file;
    uint64_t line;
    struct dlr_text reason;
    struct dlr_text original;
};

/* Opens the file (path may be NULL), to append if `goes_on`. An exit code after
 * saying what is wrong. */
int cli_rejects_open(struct cli_rejects *rejects, const char *path,
                     bool goes_on);

/* One record. False if the file cannot be written any more. */
bool cli_rejects_add(struct cli_rejects *rejects,
                     const struct cli_reject *reject);

/* One event that was given up; any thread. */
void cli_rejects_add_dropped(struct cli_rejects *rejects, const char *reason,
                             struct dlr_text json);

/* True if a write has failed. */
bool cli_rejects_failed(struct cli_rejects *rejects);

/* Closes; CLI_EXIT_LOCAL after saying so if anything could not be written. */
int cli_rejects_close(struct cli_rejects *rejects);

#endif
