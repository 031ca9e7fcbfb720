/* SPDX-License-Identifier: MIT */
/*
 * Pool: buffers of bodies that were sent, for those that come next.
 *
 * DESIGN
 * Memory that goes back to the kernel comes again with pages to be cleared: for
 * a batch of 300 KB that costs as much as everything else done for it. What
 * nobody used for a second is released after all.
 */
#ifndef DLR_SENDER_POOL_H
#define DLR_SENDER_POOL_H

#include "base/buf.h"

#include <stdint.h>

/* As many requests as are usually under way. */
#define DLR_POOL_BUFS 10u

#define DLR_POOL_KEEP_MS 1000

struct dlr_pool {
    struct dlr_buf bufs[DLR_POOL_BUFS];
    uint32_t count;
    size_t bytes;    /* that they hold */
    int64_t used_ms; /* when one was given last */
};

/* An empty buffer, a kept one if there is one. */
void dlr_pool_take(struct dlr_pool *pool, struct dlr_buf *out);

/* Takes the storage of `buf` over, leaving it all-zero. It is released where
 * the pool would hold more than `max_bytes` with it. */
void dlr_pool_give(struct dlr_pool *pool, struct dlr_buf *buf, size_t max_bytes,
                   int64_t now_ms);

/* Releases all if none was given for DLR_POOL_KEEP_MS. Returns how long that is
 * off; INT64_MAX: there is nothing to release. */
int64_t dlr_pool_shed(struct dlr_pool *pool, int64_t now_ms);

void dlr_pool_clear(struct dlr_pool *pool);

#endif
