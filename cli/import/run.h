/* SPDX-License-Identifier: MIT */
/*
 * Run: an import under way: files in, calls of the library out. How it is set
 * up and what is said at the end is left to cmd_import.c.
 */
#ifndef CLI_IMPORT_RUN_H
#define CLI_IMPORT_RUN_H

#include "args.h"
#include "import/csv.h"
#include "import/each.h"
#include "import/mapper.h"
#include "import/position.h"
#include "import/progress.h"
#include "import/reader.h"
#include "import/rejects.h"
#include "session.h"

struct cli_import {
    const struct cli_args *args;
    const char **paths;
    char **names; /* of the sources, one a path */
    size_t file_count;
    enum cli_format format;
    char delimiter; /* '\0': the reader's */
    uint64_t rate;  /* events a second; 0: no limit */
    bool is_dry;

    const struct cli_input *input; /* the file at hand; NULL between them */
    struct cli_session session;
    struct cli_mapper mapper;
    struct cli_event event;
    struct cli_each each;
    struct cli_record record;
    struct cli_csv csv;
    struct cli_rejects rejects;
    struct cli_progress progress;
    struct cli_settled settled;
    struct cli_position position;
    struct cli_mark *marks; /* where a run that goes on begins */
    struct dlr_buf problem;
    struct dlr_buf line; /* of a dry run */

    uint64_t total_bytes;
    uint64_t done_bytes;  /* of finished files */
    uint64_t event_count; /* recorded or, in a dry run, shown */
    int64_t paced_ms;     /* --rate: when the count below began */
    uint64_t paced_count;
    int64_t saved_ms; /* when the position was written last */
    bool must_stop;   /* no point in reading on */
    int code;         /* the worst that was said so far */
};

/* The name of the file at hand as messages have it. */
const char *cli_import_file_name(const struct cli_import *import);

/* Opens each file once before anything is sent: it is there, and if it is CSV,
 * the mapped columns are in its header. */
int cli_import_check_files(struct cli_import *import);

/* Sends (or shows) what is in the files. What is wrong is said and noted. */
void cli_import_run(struct cli_import *import);

/* Between records: signals, progress, position. */
void cli_import_tick(struct cli_import *import);

/* Records the event at hand, waiting for room. False: stop reading. */
bool cli_import_deliver(struct cli_import *import, const struct cli_raw *raw,
                        bool ends_record);

/* Notes a record that made no event; the reason is in import->problem. */
void cli_import_reject(struct cli_import *import, const struct cli_raw *raw);

#endif
