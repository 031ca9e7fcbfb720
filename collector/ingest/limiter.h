/* SPDX-License-Identifier: MIT */
/*
 * Limiter: a token bucket. Whose bucket it is, is left to the caller.
 */
#ifndef DLD_INGEST_LIMITER_H
#define DLD_INGEST_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct dld_limit {
    uint64_t per_second; /* 0: no limit */
    uint64_t burst;
};

/* All zero is a full bucket. */
struct dld_bucket {
    double used;
    int64_t at_ms;
};

struct dld_limit_answer {
    bool is_allowed;
    uint64_t remaining;
    uint64_t wait_seconds;  /* until the next request is allowed, at least 1 */
    uint64_t reset_seconds; /* until the bucket is full */
};

struct dld_limit_answer dld_bucket_take(struct dld_bucket *bucket,
                                        const struct dld_limit *limit,
                                        int64_t now_ms);

/* How many tokens there are now, and taking that many or fewer. Of a limit
 * above 0. */
uint64_t dld_bucket_left(const struct dld_bucket *bucket,
                         const struct dld_limit *limit, int64_t now_ms);
void dld_bucket_use(struct dld_bucket *bucket, const struct dld_limit *limit,
                    uint64_t count, int64_t now_ms);

#endif
