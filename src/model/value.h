/* SPDX-License-Identifier: MIT */
/*
 * Value: writes the caller's property values as JSON. Which properties an
 * event has is left to model/properties.h.
 */
#ifndef DLR_MODEL_VALUE_H
#define DLR_MODEL_VALUE_H

#include "base/json_check.h"
#include "model/built.h"

#include <datalyr.h>

/* Where a value stands, for the message that refuses it: links live on the
 * stack of the recursion and are read only when something is wrong. */
struct dlr_path {
    const struct dlr_path *parent;
    const char *name; /* NULL inside a list */
    size_t index;     /* in a list */
};

/* Appends one value. On DATALYR_INVALID `error` (may be NULL) names the
 * property; with DATALYR_NOMEM the buffer has no room and says so itself. */
datalyr_status dlr_value_put(struct dlr_buf *out, const datalyr_value *value,
                             const struct dlr_path *path, datalyr_error *error);

/* The same for a JSON text, with a listener to the members of its root. */
datalyr_status dlr_value_put_json(struct dlr_buf *out,
                                  const datalyr_value *value,
                                  const struct dlr_path *path,
                                  const struct dlr_json_listener *listener,
                                  datalyr_error *error);

/* Appends `"name":value`. */
datalyr_status dlr_member_put(struct dlr_buf *out, const datalyr_member *member,
                              const struct dlr_path *parent,
                              datalyr_error *error);

#endif
