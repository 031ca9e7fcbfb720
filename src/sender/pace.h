/* SPDX-License-Identifier: MIT */
/*
 * Pace: how long to wait. Pure; the clock and the dice are arguments.
 */
#ifndef DLR_SENDER_PACE_H
#define DLR_SENDER_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Wait before retry number `retry` (0 is the first): min(1000 * 2^n, 10000) ms
 * times something between 0.5 and 1, which `dice` decides. */
int64_t dlr_pace_backoff_ms(uint32_t retry, uint64_t dice);

/* Wait before a parked host is asked again: 1 s, doubling up to 5 minutes. */
int64_t dlr_pace_park_ms(uint32_t times);

/* A token bucket over the requests to one host. `per_second` 0: no limit. */
struct dlr_bucket {
    uint64_t per_second;
    int64_t burst;
    int64_t microtokens; /* millionths of a request */
    int64_t filled_ms;
};

void dlr_bucket_init(struct dlr_bucket *bucket, uint64_t per_second,
                     int64_t now_ms);

/* Takes one token; false if there is none. */
bool dlr_bucket_take(struct dlr_bucket *bucket, int64_t now_ms);

/* Until there is a token; 0 if there is one. */
int64_t dlr_bucket_wait_ms(struct dlr_bucket *bucket, int64_t now_ms);

#endif
