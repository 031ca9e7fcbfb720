/* SPDX-License-Identifier: MIT */
/*
 * Properties: the one object of an event that its caller shapes, with what the
 * call itself puts into it.
 */
#ifndef DLR_MODEL_PROPERTIES_H
#define DLR_MODEL_PROPERTIES_H

#include "base/buf.h"

#include <datalyr.h>

/* Properties that a client adds to each event that has none of that name. */
struct dlr_defaults {
    struct dlr_buf text; /* a JSON object without its braces; may be empty */
};

struct dlr_properties {
    const char *what;    /* "properties" or "traits", for messages */
    datalyr_value given; /* the caller's: object, JSON, builder or none */
    const datalyr_member *first; /* the call's own, before the caller's */
    size_t first_count;
    const datalyr_member *last; /* the call's own, after the caller's */
    size_t last_count;
    const datalyr_member *fallback; /* one, where there is none; may be NULL */
    const struct dlr_defaults *defaults; /* may be NULL */
};

/* Appends the object. A name of the call's own wins over the caller's, whose
 * member is left out: a trait `groupId` cannot move a user to another group. */
datalyr_status dlr_properties_put(struct dlr_buf *out,
                                  const struct dlr_properties *properties,
                                  datalyr_error *error);

/* Encodes `value` once for all events. DATALYR_INVALID with `error` filled, or
 * DATALYR_NOMEM. */
datalyr_status dlr_defaults_init(struct dlr_defaults *defaults,
                                 const datalyr_value *value,
                                 datalyr_error *error);
void dlr_defaults_clear(struct dlr_defaults *defaults);

#endif
