/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_DAY INT64_C(86400000)

static void known_moments_have_their_text(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1772600767089), "2026-03-04T05:06:07.089Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(4107542399999), "2100-02-28T23:59:59.999Z"},
        {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
        {DLR_TIME_MIN_MS, "0000-01-01T00:00:00.000Z"},
        {DLR_TIME_MAX_MS, "9999-12-31T23:59:59.999Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[DLR_TIME_TEXT_CAP];

        assert_true(dlr_time_format_iso(cases[i].ms, text));
        assert_string_equal(text, cases[i].text);
    }
}

static void times_outside_of_four_digit_years_are_refused(void **state)
{
    struct dlr_time_cache cache = {0};
    char text[DLR_TIME_TEXT_CAP];

    (void)state;
    assert_false(dlr_time_format_iso(DLR_TIME_MIN_MS - 1, text));
    assert_false(dlr_time_format_iso(DLR_TIME_MAX_MS + 1, text));
    assert_false(dlr_time_format_iso(INT64_MIN, text));
    assert_false(dlr_time_format_iso(INT64_MAX, text));
    assert_null(dlr_time_cache_text(&cache, INT64_MAX));
    assert_null(dlr_time_cache_text(&cache, INT64_MIN));
}

/* Each day of the range, counted up by hand. */
static void calendar_walks_through_every_day(void **state)
{
    static const int32_t lengths[] = {31, 28, 31, 30, 31, 30,
                                      31, 31, 30, 31, 30, 31};
    int64_t ms = DLR_TIME_MIN_MS;

    (void)state;
    for (int32_t year = 0; year <= 9999; year++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int32_t month = 1; month <= 12; month++) {
            int32_t length = lengths[month - 1] + (month == 2 && is_leap);

            for (int32_t day = 1; day <= length; day++) {
                struct dlr_civil civil;
                int64_t back;

                assert_true(dlr_time_to_civil(ms, &civil));
                assert_true(civil.year == year && civil.month == month &&
                            civil.day == day && civil.hour == 0);
                assert_true(dlr_time_from_civil(&civil, &back));
                assert_true(back == ms);
                ms += MS_PER_DAY;
            }
        }
    }
    assert_true(ms == DLR_TIME_MAX_MS + 1);
}

static void random_times_agree_with_the_c_library(void **state)
{
    struct test_random random = {8};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t ms = (int64_t)test_random_below(&random, DLR_TIME_MAX_MS -
                                                             DLR_TIME_MIN_MS) +
                     DLR_TIME_MIN_MS;
        time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
        char expected[64];
        char text[DLR_TIME_TEXT_CAP];
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        (void)snprintf(expected, sizeof expected,
                       "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                       tm.tm_sec, (int)((ms % 1000 + 1000) % 1000));
        assert_true(dlr_time_format_iso(ms, text));
        assert_string_equal(text, expected);
    }
}

static void cache_gives_the_text_that_formatting_gives(void **state)
{
    struct dlr_time_cache cache = {0};
    struct test_random random = {9};
    int64_t ms = INT64_C(-5000);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char expected[DLR_TIME_TEXT_CAP];

        assert_true(dlr_time_format_iso(ms, expected));
        assert_string_equal(dlr_time_cache_text(&cache, ms), expected);
        /* The same moment, near ones, back and forth, far ones, bad ones. */
        switch (test_random_below(&random, 8)) {
        case 0:
            break;
        case 1:
            ms -= (int64_t)test_random_below(&random, 2000);
            break;
        case 2:
            ms = (int64_t)test_random_below(&random, DLR_TIME_MAX_MS);
            break;
        case 3:
            assert_null(dlr_time_cache_text(&cache, DLR_TIME_MAX_MS + 1));
            break;
        default:
            ms += (int64_t)test_random_below(&random, 300);
            break;
        }
    }
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    static const struct dlr_civil bad[] = {
        {2026, 2, 29, 0, 0, 0, 0},   {2100, 2, 29, 0, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0, 0},   {2026, 0, 1, 0, 0, 0, 0},
        {2026, 13, 1, 0, 0, 0, 0},   {2026, 1, 0, 0, 0, 0, 0},
        {2026, 1, 32, 0, 0, 0, 0},   {-1, 1, 1, 0, 0, 0, 0},
        {10000, 1, 1, 0, 0, 0, 0},   {2026, 1, 1, 24, 0, 0, 0},
        {2026, 1, 1, 0, 60, 0, 0},   {2026, 1, 1, 0, 0, 60, 0},
        {2026, 1, 1, 0, 0, 0, 1000}, {2026, 1, 1, -1, 0, 0, 0},
        {2026, 1, 1, 0, -1, 0, 0},   {2026, 1, 1, 0, 0, -1, 0},
        {2026, 1, 1, 0, 0, 0, -1},
    };
    struct dlr_civil leap_day = {2000, 2, 29, 0, 0, 0, 0};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(dlr_time_from_civil(&bad[i], &ms));
    }
    assert_true(dlr_time_from_civil(&leap_day, &ms));
    assert_true(ms == INT64_C(951782400000));
}

static void number_is_seconds_below_1e12_and_milliseconds_above(void **state)
{
    static const struct {
        double number;
        int64_t ms;
    } cases[] = {
        {0, 0},
        {-1, -1000},
        {1751373296, INT64_C(1751373296000)},
        {1751373296.5, INT64_C(1751373296500)},
        {1751373296.123, INT64_C(1751373296123)},
        {1751373296123.0, INT64_C(1751373296123)},
        {1e12, INT64_C(1000000000000)},
        {253402300799.0, INT64_C(253402300799000)},
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(dlr_time_from_number(cases[i].number, &ms));
        assert_true(ms == cases[i].ms);
    }
    assert_false(dlr_time_from_number(999999999999.0, &ms));
    assert_false(dlr_time_from_number(1e300, &ms));
    assert_false(dlr_time_from_number(-1e300, &ms));
    assert_false(dlr_time_from_number(NAN, &ms));
    assert_false(dlr_time_from_number(INFINITY, &ms));
    assert_false(dlr_time_from_number(253402300799999.6, &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_moments_have_their_text),
        cmocka_unit_test(times_outside_of_four_digit_years_are_refused),
        cmocka_unit_test(calendar_walks_through_every_day),
        cmocka_unit_test(random_times_agree_with_the_c_library),
        cmocka_unit_test(cache_gives_the_text_that_formatting_gives),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(number_is_seconds_below_1e12_and_milliseconds_above),
    };

    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
