/* SPDX-License-Identifier: MIT */
/*
 * Call: what track, identify, group, page and alias have in common: read the
 * options, open a client, record one event, wait for it, say what became of it.
 */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "args.h"

struct cli_call {
    const struct cli_args *args;
    datalyr_options options;
    datalyr_value properties;
};

/* Records the one event; fills `error` where it can say more than a status. */
typedef datalyr_status cli_record_fn(datalyr_client *client,
                                     const struct cli_call *call,
                                     datalyr_error *error);

/* `pair` and `whole` are the flags of the properties; NULL: has none. */
int cli_call_run(const struct cli_args *args, const char *pair,
                 const char *whole, cli_record_fn *record);

/* Reads a time as the flags have it: ISO 8601, or a number of seconds or
 * milliseconds since 1970. */
bool cli_read_time(struct dlr_text text, int64_t *ms);

/* Flags of every one of these commands, for their tables. */
#define CLI_CALL_FLAGS                                                       \
    {"anonymous", "ID", "anonymous id, such as one from the Web SDK"},       \
        {"event-id", "ID",                                                   \
         "id under which the collector stores it once; default: a new one"}, \
        {"timestamp", "T",                                                   \
         "ISO 8601 (UTC without a zone), or seconds or milliseconds since "  \
         "1970; default: now"},                                              \
        {"session", "ID", "session id"},                                     \
    {                                                                        \
        "api-key-file", "FILE", "read the key from the first line of FILE"   \
    }

#endif
