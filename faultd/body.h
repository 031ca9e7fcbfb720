/* SPDX-License-Identifier: MIT */
/*
 * Body: the events in a request's body, packed or not, single or in a list.
 * Whether they are good events is not asked; only that they can be named.
 */
#ifndef DLF_BODY_H
#define DLF_BODY_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

struct yyjson_doc;
struct yyjson_val;

struct dlf_body {
    struct dlr_buf unpacked; /* when it was gzip */
    struct dlr_text text;    /* the JSON */
    struct yyjson_doc *doc;
    struct yyjson_val *list; /* of events, or NULL: the root is the event */
    size_t event_count;      /* 0: no events in it, or not JSON */
};

/* One event of a body; texts are lent by the body, NULs in them and all. */
struct dlf_event {
    struct dlr_text id; /* empty if it has none */
    const char *name;   /* "" if it has none */
};

/* Reads a body, which lends its bytes. False: malformed, with no events. */
bool dlf_body_read(struct dlf_body *body, struct dlr_text bytes,
                   bool is_gzipped);
void dlf_body_clear(struct dlf_body *body);

/* Calls `each` for the events in their order, until it returns false. */
void dlf_body_each(const struct dlf_body *body,
                   bool (*each)(void *self, size_t index,
                                const struct dlf_event *event),
                   void *self);

/* Whether an event of that name is in it. `body` is a struct dlf_body. */
bool dlf_body_has_name(const void *body, const char *name);

#endif /* DLF_BODY_H */
