/* SPDX-License-Identifier: MIT */
/*
 * Limiter: tokens used, not tokens left, so that zero memory is a full bucket.
 */
#include "ingest/limiter.h"

static double drain(const struct dld_bucket *bucket,
                    const struct dld_limit *limit, int64_t now_ms)
{
    double passed_ms =
        now_ms > bucket->at_ms ? (double)(now_ms - bucket->at_ms) : 0;
    double used = bucket->used - passed_ms * (double)limit->per_second / 1000;

    return used > 0 ? used : 0;
}

static uint64_t seconds_for(double tokens, const struct dld_limit *limit)
{
    double seconds = tokens / (double)limit->per_second;
    uint64_t whole = (uint64_t)seconds;

    return (double)whole < seconds ? whole + 1 : whole;
}

struct dld_limit_answer dld_bucket_take(struct dld_bucket *bucket,
                                        const struct dld_limit *limit,
                                        int64_t now_ms)
{
    struct dld_limit_answer answer = {.is_allowed = true};
    double used = drain(bucket, limit, now_ms);

    if (limit->per_second == 0) {
        return answer;
    }
    answer.is_allowed = used + 1 <= (double)limit->burst;
    if (answer.is_allowed) {
        used += 1;
    } else {
        answer.wait_seconds =
            seconds_for(used + 1 - (double)limit->burst, limit);
        answer.wait_seconds =
            answer.wait_seconds == 0 ? 1 : answer.wait_seconds;
    }
    bucket->used = used;
    bucket->at_ms = now_ms;
    answer.remaining = (uint64_t)((double)limit->burst - used);
    answer.reset_seconds = seconds_for(used, limit);
    return answer;
}

uint64_t dld_bucket_left(const struct dld_bucket *bucket,
                         const struct dld_limit *limit, int64_t now_ms)
{
    return (uint64_t)((double)limit->burst - drain(bucket, limit, now_ms));
}

void dld_bucket_use(struct dld_bucket *bucket, const struct dld_limit *limit,
                    uint64_t count, int64_t now_ms)
{
    bucket->used = drain(bucket, limit, now_ms) + (double)count;
    bucket->at_ms = now_ms;
}
