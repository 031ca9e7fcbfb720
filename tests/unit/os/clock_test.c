/* SPDX-License-Identifier: MIT */
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

static void realtime_agrees_with_the_c_library(void **state)
{
    int64_t before_ms = (int64_t)time(NULL) * 1000;
    int64_t now_ms = dlr_clock_realtime_ms();

    (void)state;
    /* time() may come from a coarser clock; a whole unit off is a mistake of a
     * factor, which is what is looked for here. */
    assert_true(now_ms > before_ms - 60000 && now_ms < before_ms + 3600000);
}

static void monotonic_clock_never_goes_back(void **state)
{
    int64_t before_ns = dlr_clock_monotonic_ns();

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t now_ns = dlr_clock_monotonic_ns();

        assert_true(now_ns >= before_ns);
        before_ns = now_ns;
    }
    assert_true(dlr_clock_monotonic_ms() >= before_ns / 1000000);
}

static int64_t give(void *self)
{
    int64_t *time_ms = self;

    return *time_ms;
}

static void clock_that_is_held_still_is_asked(void **state)
{
    int64_t time_ms = 42;
    struct dlr_clock clock = {give, give, &time_ms};

    (void)state;
    assert_int_equal(dlr_clock_wall_ms(&clock), 42);
    time_ms = 43;
    assert_int_equal(dlr_clock_now_ms(&clock), 43);
    assert_int_equal(dlr_clock_near_ms(&clock), 43);
}

static void recent_time_follows_the_exact_one(void **state)
{
    struct dlr_clock clock = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t before_ms = dlr_clock_monotonic_ms();
        int64_t recent_ms = dlr_clock_near_ms(&clock);

        /* A machine that was stopped meanwhile may be late. */
        assert_true(recent_ms >= before_ms - 1000);
        assert_true(recent_ms <= dlr_clock_monotonic_ms());
    }
}

static void zero_clock_is_the_machines_own(void **state)
{
    struct dlr_clock clock = {0};
    int64_t before_ms = dlr_clock_monotonic_ms();

    (void)state;
    assert_true(dlr_clock_now_ms(&clock) >= before_ms);
    assert_true(dlr_clock_wall_ms(&clock) > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(realtime_agrees_with_the_c_library),
        cmocka_unit_test(monotonic_clock_never_goes_back),
        cmocka_unit_test(clock_that_is_held_still_is_asked),
        cmocka_unit_test(zero_clock_is_the_machines_own),
        cmocka_unit_test(recent_time_follows_the_exact_one),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
