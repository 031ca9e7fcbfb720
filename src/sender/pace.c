/* SPDX-License-Identifier: MIT */
/*
 * Pace: back-off, parking and the rate limit.
 *
 * DESIGN
 * Jitter spreads the retries of many clients that failed together; it only
 * shortens, so that the longest wait is the documented one.
 */
#include "sender/pace.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS   10000
#define PARK_MAX_MS      300000

/* The vendor's limit is stated for a second; a burst of a tenth of it lets a
 * small queue go at once without tripping a server that counts in windows. */
#define BURST_MAX 100

#define MICRO 1000000

static int64_t doubled(int64_t first, uint32_t times, int64_t limit)
{
    int64_t value = first;

    while (times > 0 && value < limit) {
        value *= 2;
        times--;
    }
    return value < limit ? value : limit;
}

int64_t dlr_pace_backoff_ms(uint32_t retry, uint64_t dice)
{
    int64_t longest = doubled(BACKOFF_FIRST_MS, retry, BACKOFF_MAX_MS);
    int64_t half = longest / 2;

    return half + (int64_t)(dice % (uint64_t)(longest - half + 1));
}

int64_t dlr_pace_park_ms(uint32_t times)
{
    return doubled(BACKOFF_FIRST_MS, times, PARK_MAX_MS);
}

void dlr_bucket_init(struct dlr_bucket *bucket, uint64_t per_second,
                     int64_t now_ms)
{
    bucket->per_second = per_second;
    bucket->burst =
        per_second < BURST_MAX ? (int64_t)per_second : (int64_t)BURST_MAX;
    bucket->microtokens = bucket->burst * MICRO;
    bucket->filled_ms = now_ms;
}

static void fill(struct dlr_bucket *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->filled_ms;
    int64_t full = bucket->burst * MICRO;

    if (passed_ms <= 0) {
        return;
    }
    bucket->filled_ms = now_ms;
    /* More than a minute fills any bucket, and cannot overflow below. */
    passed_ms = passed_ms > 60000 ? 60000 : passed_ms;
    bucket->microtokens += passed_ms * (int64_t)bucket->per_second * 1000;
    if (bucket->microtokens > full) {
        bucket->microtokens = full;
    }
}

bool dlr_bucket_take(struct dlr_bucket *bucket, int64_t now_ms)
{
    if (bucket->per_second == 0) {
        return true;
    }
    fill(bucket, now_ms);
    if (bucket->microtokens < MICRO) {
        return false;
    }
    bucket->microtokens -= MICRO;
    return true;
}

int64_t dlr_bucket_wait_ms(struct dlr_bucket *bucket, int64_t now_ms)
{
    int64_t missing;
    int64_t per_ms;

    if (bucket->per_second == 0) {
        return 0;
    }
    fill(bucket, now_ms);
    missing = MICRO - bucket->microtokens;
    per_ms = (int64_t)bucket->per_second * 1000;
    return missing <= 0 ? 0 : (missing + per_ms - 1) / per_ms;
}
