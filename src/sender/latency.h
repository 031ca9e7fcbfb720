/* SPDX-License-Identifier: MIT */
/*
 * Latency: percentiles of request times over the last minutes, in fixed memory.
 */
#ifndef DLR_SENDER_LATENCY_H
#define DLR_SENDER_LATENCY_H

#include "os/thread.h"

#include <stdint.h>

/* Eight steps for each power of two up to about nine minutes, in us. */
#define DLR_LATENCY_STEPS 240u

/* Written by the sender, read by any thread. */
struct dlr_latency {
    struct dlr_mutex lock;
    uint32_t counts[2][DLR_LATENCY_STEPS]; /* this window and the one before */
    int64_t started_ms;                    /* of this window */
};

int dlr_latency_init(struct dlr_latency *latency, int64_t now_ms);
void dlr_latency_clear(struct dlr_latency *latency);
void dlr_latency_add(struct dlr_latency *latency, int64_t latency_us,
                     int64_t now_ms);

/* Fills milliseconds for each of `count` fractions such as 0.99, ascending; 0
 * where nothing was measured. */
void dlr_latency_read(struct dlr_latency *latency, const double *fractions,
                      double *out_ms, uint32_t count);

#endif
