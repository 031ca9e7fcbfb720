/* SPDX-License-Identifier: MIT */
/*
 * Traits: what is said about a user or a group, the last word on each.
 */
#ifndef DLD_IDENTITY_TRAITS_H
#define DLD_IDENTITY_TRAITS_H

#include "base/buf.h"
#include "event/event.h"

/* Texts are slices of the events. All zero is empty. */
struct dld_traits {
    struct dld_trait {
        struct dlr_text name; /* with its quotes */
        struct dlr_text value;
    } * items;
    size_t count;
    size_t capacity;
};

/* Takes the traits of one $identify or $group event; later calls win. False:
 * no memory. */
bool dld_traits_add(struct dld_traits *traits, const struct dld_event *event);
/* Writes them as an object. */
void dld_traits_put(struct dlr_buf *out, const struct dld_traits *traits);
void dld_traits_clear(struct dld_traits *traits);

#endif
