/* SPDX-License-Identifier: MIT */
/*
 * Bundle: messages of the live stream, rendered once and shared by all who are
 * shown them. Who is shown which is left to stream.c.
 */
#ifndef DLD_API_BUNDLE_H
#define DLD_API_BUNDLE_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One message of a bundle: its row, and where its text ends. */
struct dld_mark {
    uint64_t seq;
    size_t end;
};

struct dld_bundle {
    struct dld_bundle *next; /* the one made after it */
    struct dlr_buf text;
    struct dld_mark *marks;
    uint32_t count;
    uint32_t capacity;
    atomic_uint owners;
};

/* Those that may still be read, oldest first. All zero is empty. */
struct dld_bundles {
    struct dld_bundle *first;
    struct dld_bundle *last;
    size_t bytes;
};

/* Makes an empty one; NULL: out of memory. */
struct dld_bundle *dld_bundle_new(size_t max_bytes);
/* Appends a message or, if there is no room for it, nothing. */
bool dld_bundle_add(struct dld_bundle *bundle, uint64_t seq,
                    struct dlr_text message);
/* Where the text of message `index` begins. */
size_t dld_bundle_begin(const struct dld_bundle *bundle, uint32_t index);

struct dld_bundle *dld_bundle_share(struct dld_bundle *bundle);
/* Any thread. Accepts NULL. */
void dld_bundle_release(struct dld_bundle **bundle);

/* Takes the caller's share. */
void dld_bundles_keep(struct dld_bundles *bundles, struct dld_bundle **bundle);
/* Lets go of those that nobody else has. */
void dld_bundles_sweep(struct dld_bundles *bundles);
void dld_bundles_clear(struct dld_bundles *bundles);

#endif
