/* SPDX-License-Identifier: MIT */
/*
 * Query: which events a command is about: filter words and --since, --until.
 *
 *   event:NAME user:ID anonymous:ID id:ID session:ID   '=' does as well as ':'
 *   NAME=VALUE, prop.NAME=VALUE                        a property
 *   TEXT                                               anywhere in the event
 */
#ifndef CLI_READ_QUERY_H
#define CLI_READ_QUERY_H

#include "read/fetch.h"

/* Adds them as parameters of the question. An exit code after saying what is
 * not understood. */
int cli_query_add(struct cli_fetch *fetch, bool with_since);

#define CLI_QUERY_ABOUT                                                     \
    "Filters: event:NAME user:ID anonymous:ID id:ID session:ID, "           \
    "NAME=VALUE for a property, any other word for a text anywhere in the " \
    "event; all of them must fit."

#define CLI_QUERY_FLAGS                                        \
    {"since", "T",                                             \
     "from this time, or this long ago (10m), or behind this " \
     "cursor (c123)"},                                         \
    {                                                          \
        "until", "T", "up to this time"                        \
    }

#endif
