/* SPDX-License-Identifier: MIT */
/*
 * Pool: a stack, so that the buffer used last, whose pages are warm, is used
 * first.
 */
#include "sender/pool.h"

#include <string.h>

void dlr_pool_take(struct dlr_pool *pool, struct dlr_buf *out)
{
    if (pool->count == 0) {
        dlr_buf_init(out, SIZE_MAX / 2);
        return;
    }
    pool->count -= 1;
    *out = pool->bufs[pool->count];
    pool->bytes -= out->cap;
    dlr_buf_rewind(out, 0);
}

void dlr_pool_give(struct dlr_pool *pool, struct dlr_buf *buf, size_t max_bytes,
                   int64_t now_ms)
{
    bool has_room =
        pool->bytes <= max_bytes && buf->cap <= max_bytes - pool->bytes;

    if (buf->cap == 0 || pool->count == DLR_POOL_BUFS || !has_room) {
        dlr_buf_clear(buf);
        return;
    }
    pool->bufs[pool->count++] = *buf;
    pool->bytes += buf->cap;
    pool->used_ms = now_ms;
    memset(buf, 0, sizeof *buf);
}

int64_t dlr_pool_shed(struct dlr_pool *pool, int64_t now_ms)
{
    int64_t left_ms = pool->used_ms + DLR_POOL_KEEP_MS - now_ms;

    if (left_ms <= 0) {
        dlr_pool_clear(pool);
    }
    return pool->count == 0 ? INT64_MAX : left_ms;
}

void dlr_pool_clear(struct dlr_pool *pool)
{
    while (pool->count > 0) {
        pool->count -= 1;
        dlr_buf_clear(&pool->bufs[pool->count]);
    }
    pool->bytes = 0;
}
