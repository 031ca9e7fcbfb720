/* SPDX-License-Identifier: MIT */
/*
 * Clock: the time of day and a clock that never steps. Text of a time is left
 * to base/time.h.
 */
#ifndef DLR_OS_CLOCK_H
#define DLR_OS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970, UTC; steps when somebody sets the clock. */
int64_t dlr_clock_realtime_ms(void);

/* Since some moment in the past; for waiting and for measuring. */
int64_t dlr_clock_monotonic_ms(void);
int64_t dlr_clock_monotonic_ns(void);

/* The same as it was at the last tick of the kernel, up to 10 ms ago: for ages
 * that are compared with times of seconds, at a quarter of the price. */
int64_t dlr_clock_recent_ms(void);

/* Time as an argument: policy code asks this, tests hold it still. All-zero is
 * the machine's own clock. */
struct dlr_clock {
    int64_t (*realtime_ms)(void *self);
    int64_t (*monotonic_ms)(void *self);
    void *self;
};

static inline int64_t dlr_clock_wall_ms(const struct dlr_clock *clock)
{
    return clock->realtime_ms == NULL ? dlr_clock_realtime_ms()
                                      : clock->realtime_ms(clock->self);
}

static inline int64_t dlr_clock_now_ms(const struct dlr_clock *clock)
{
    return clock->monotonic_ms == NULL ? dlr_clock_monotonic_ms()
                                       : clock->monotonic_ms(clock->self);
}

static inline int64_t dlr_clock_near_ms(const struct dlr_clock *clock)
{
    return clock->monotonic_ms == NULL ? dlr_clock_recent_ms()
                                       : clock->monotonic_ms(clock->self);
}

#endif
