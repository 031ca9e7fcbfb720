/* SPDX-License-Identifier: MIT */
/*
 * Event: one event object of any DATALYR SDK, with its fields under one name
 * each. Where a row is stored, and whose it is, is left to others.
 */
#ifndef DLD_EVENT_EVENT_H
#define DLD_EVENT_EVENT_H

#include "base/buf.h"
#include "base/json_read.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum dld_event_kind {
    DLD_EVENT_TRACK,
    DLD_EVENT_IDENTIFY,
    DLD_EVENT_ALIAS,
    DLD_EVENT_GROUP,
    DLD_EVENT_PAGE,
};

/* Texts are slices of the document, or of the arena where they had escapes.
 * An empty text is an absent one. */
struct dld_event {
    enum dld_event_kind kind;
    struct dlr_text doc; /* the whole object, compact */
    struct dlr_text id;
    struct dlr_text name;
    struct dlr_text user;
    struct dlr_text anonymous;
    struct dlr_text session;
    struct dlr_text link;      /* previous id of an alias, id of a group */
    struct dlr_text workspace; /* as the event claims it */
    struct dlr_text library;
    struct dlr_text version;
    struct dlr_json_value properties; /* an object, or DLR_JSON_NONE */
    struct dlr_json_value context;    /* the same */
    int64_t time_ms;
    bool has_time;
    bool is_id_derived;
};

/* Why an event cannot be stored; texts are constants. */
struct dld_event_fault {
    const char *error; /* NULL: nothing */
    const char *hint;
    const char *field;
};

/* Reads an event object. `doc` is checked and compact. Strings with escapes are
 * decoded into `arena`, a buffer over fixed storage with room for the document
 * and DLD_EVENT_ARENA_EXTRA. An event without id gets one that
 * depends on its content, if it has a time; else it is left empty. */
void dld_event_read(struct dlr_text doc, struct dlr_buf *arena,
                    struct dld_event *event, struct dld_event_fault *fault);

/* Longest id that is made: 256 UTF-16 units of at most three bytes. */
#define DLD_EVENT_ARENA_EXTRA 832

#endif
