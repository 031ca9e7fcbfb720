/* SPDX-License-Identifier: MIT */
/*
 * Latency: a histogram whose steps grow by an eighth of a power of two, so that
 * every answer is right to about ten percent. Two windows take turns; together
 * they cover between five and ten minutes.
 */
#include "sender/latency.h"

#include <string.h>

#define WINDOW_MS 300000

static uint32_t step_of(int64_t latency_us)
{
    uint64_t value = latency_us < 1 ? 1 : (uint64_t)latency_us;
    uint32_t power = 0;
    uint32_t step;

    while (value >> (power + 1) != 0) {
        power++;
    }
    step = power * 8 + (uint32_t)(((value << 3) >> power) & 7u);
    return step < DLR_LATENCY_STEPS ? step : DLR_LATENCY_STEPS - 1;
}

/* The middle of a step. */
static double step_us(uint32_t step)
{
    double base = (double)((uint64_t)1 << (step / 8));

    return base * (1.0 + ((double)(step % 8) + 0.5) / 8.0);
}

int dlr_latency_init(struct dlr_latency *latency, int64_t now_ms)
{
    memset(latency, 0, sizeof *latency);
    latency->started_ms = now_ms;
    return dlr_mutex_init(&latency->lock);
}

void dlr_latency_clear(struct dlr_latency *latency)
{
    dlr_mutex_clear(&latency->lock);
}

void dlr_latency_add(struct dlr_latency *latency, int64_t latency_us,
                     int64_t now_ms)
{
    dlr_mutex_lock(&latency->lock);
    if (now_ms - latency->started_ms >= WINDOW_MS) {
        memcpy(latency->counts[1], latency->counts[0],
               sizeof latency->counts[0]);
        memset(latency->counts[0], 0, sizeof latency->counts[0]);
        latency->started_ms = now_ms;
    }
    latency->counts[0][step_of(latency_us)] += 1;
    dlr_mutex_unlock(&latency->lock);
}

void dlr_latency_read(struct dlr_latency *latency, const double *fractions,
                      double *out_ms, uint32_t count)
{
    uint64_t total = 0;
    uint64_t seen = 0;
    uint32_t next = 0;

    memset(out_ms, 0, count * sizeof *out_ms);
    dlr_mutex_lock(&latency->lock);
    for (uint32_t i = 0; i < DLR_LATENCY_STEPS; i++) {
        total += latency->counts[0][i] + latency->counts[1][i];
    }
    for (uint32_t i = 0; i < DLR_LATENCY_STEPS && total > 0; i++) {
        seen += latency->counts[0][i] + latency->counts[1][i];
        while (next < count &&
               (double)seen >= fractions[next] * (double)total) {
            out_ms[next++] = step_us(i) / 1000.0;
        }
    }
    dlr_mutex_unlock(&latency->lock);
}
