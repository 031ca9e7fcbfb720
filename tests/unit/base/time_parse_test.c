/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* 2026-03-04T05:06:07Z */
#define MOMENT_MS INT64_C(1772600767000)

static void assert_reads(const char *text, int64_t expected_ms,
                         bool expected_zone)
{
    bool has_zone = !expected_zone;
    int64_t ms = -1;

    if (!dlr_time_parse(dlr_text_of(text), &ms, &has_zone)) {
        fail_msg("refused: %s", text);
    }
    if (ms != expected_ms || has_zone != expected_zone) {
        fail_msg("%s: %lld, zone %d", text, (long long)ms, (int)has_zone);
    }
}

static void iso_texts_are_read_with_their_zone(void **state)
{
    (void)state;
    assert_reads("2026-03-04T05:06:07Z", MOMENT_MS, true);
    assert_reads("2026-03-04t05:06:07z", MOMENT_MS, true);
    assert_reads("2026-03-04 05:06:07Z", MOMENT_MS, true);
    assert_reads("2026-03-04 05:06:07 UTC", MOMENT_MS, true);
    assert_reads("2026-03-04T05:06:07UTC", MOMENT_MS, true);
    assert_reads("2026-03-04 05:06:07 +00:00", MOMENT_MS, true);
    assert_reads("2026-03-04T10:36:07+05:30", MOMENT_MS, true);
    assert_reads("2026-03-04T10:36:07+0530", MOMENT_MS, true);
    assert_reads("2026-03-04T10:06:07+05", MOMENT_MS, true);
    assert_reads("2026-03-03T21:06:07-08:00", MOMENT_MS, true);
    assert_reads("2026-03-04T05:06:07-00:00", MOMENT_MS, true);
    assert_reads("2026-03-04T05:06Z", MOMENT_MS - 7000, true);
}

static void text_without_zone_is_utc_and_says_so(void **state)
{
    int64_t ms;

    (void)state;
    assert_reads("2026-03-04T05:06:07", MOMENT_MS, false);
    assert_reads("2010-12-01 08:26:00", INT64_C(1291191960000), false);
    assert_reads("2026-03-04", INT64_C(1772582400000), false);
    assert_true(dlr_time_parse(DLR_TEXT("2026-03-04"), &ms, NULL));
}

static void fraction_is_cut_to_milliseconds(void **state)
{
    (void)state;
    assert_reads("2026-03-04T05:06:07.1Z", MOMENT_MS + 100, true);
    assert_reads("2026-03-04T05:06:07.08Z", MOMENT_MS + 80, true);
    assert_reads("2026-03-04T05:06:07.089Z", MOMENT_MS + 89, true);
    assert_reads("2026-03-04T05:06:07.0899Z", MOMENT_MS + 89, true);
    assert_reads("2026-03-04T05:06:07,089999999", MOMENT_MS + 89, false);
}

static void leap_second_is_the_next_minute(void **state)
{
    (void)state;
    assert_reads("2016-12-31T23:59:60Z", INT64_C(1483228800000), true);
}

static void ends_of_the_range_are_kept(void **state)
{
    int64_t ms;

    (void)state;
    assert_reads("0000-01-01T00:00:00Z", DLR_TIME_MIN_MS, true);
    assert_reads("9999-12-31T23:59:59.999Z", DLR_TIME_MAX_MS, true);
    assert_false(
        dlr_time_parse(DLR_TEXT("0000-01-01T00:00:00+00:01"), &ms, NULL));
    assert_false(
        dlr_time_parse(DLR_TEXT("9999-12-31T23:59:59-00:01"), &ms, NULL));
}

static void what_has_no_single_meaning_is_refused(void **state)
{
    static const char *const refused[] = {
        "",
        " ",
        "NOW",
        "1751373296",
        "2026",
        "2026-03",
        "2026-3-4",
        "26-03-04",
        "03/04/2026",
        "2026-02-29",
        "2026-03-04T",
        "2026-03-04 ",
        "2026-03-04T05",
        "2026-03-04T05:06:",
        "2026-03-04T05:06:07.",
        "2026-03-04T05:06:07.0123456789Z",
        "2026-03-04T24:00:00Z",
        "2026-03-04T05:60:00Z",
        "2026-03-04T05:06:61Z",
        "2026-03-04T05:06:07+",
        "2026-03-04T05:06:07+5",
        "2026-03-04T05:06:07+05:",
        "2026-03-04T05:06:07+053",
        "2026-03-04T05:06:07+24:00",
        "2026-03-04T05:06:07+05:60",
        "2026-03-04T05:06:07ZZ",
        "2026-03-04T05:06:07Z ",
        "2026-03-04T05:06:07 ",
        "2026-03-04T05:06:07  Z",
        "2026-03-04T05:06:07 CET",
        " 2026-03-04",
        "+002026-03-04T05:06:07Z",
        "2026-03-04\n05:06:07",
        "2026-03-04T05:06:07Z0",
        "2026-03-04Z",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (dlr_time_parse(dlr_text_of(refused[i]), &ms, NULL)) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    assert_false(dlr_time_parse(DLR_TEXT("2026-03-04\0"), &ms, NULL));
}

static void formatted_text_reads_back(void **state)
{
    (void)state;
    for (int64_t ms = DLR_TIME_MIN_MS; ms <= DLR_TIME_MAX_MS;
         ms += INT64_C(86399999983)) {
        char text[DLR_TIME_TEXT_CAP];

        assert_true(dlr_time_format_iso(ms, text));
        assert_reads(text, ms, true);
    }
}

static void assert_http(const char *text, int64_t now_ms, int64_t expected_ms)
{
    int64_t ms = -1;

    assert_true(dlr_time_parse_http(dlr_text_of(text), now_ms, &ms));
    assert_true(ms == expected_ms);
}

static void three_forms_of_http_dates_are_read(void **state)
{
    /* The examples of RFC 9110. */
    const int64_t example_ms = INT64_C(784111777000);

    (void)state;
    assert_http("Sun, 06 Nov 1994 08:49:37 GMT", MOMENT_MS, example_ms);
    assert_http("Sunday, 06-Nov-94 08:49:37 GMT", MOMENT_MS, example_ms);
    assert_http("Sun Nov  6 08:49:37 1994", MOMENT_MS, example_ms);
    assert_http("Wed Mar 14 05:06:07 2026", MOMENT_MS,
                MOMENT_MS + 10 * INT64_C(86400000));
}

static void two_digit_year_is_at_most_fifty_years_ahead(void **state)
{
    const int64_t in_2076_ms = INT64_C(3348248400000);

    (void)state;
    assert_http("Saturday, 06-Feb-76 21:00:00 GMT", MOMENT_MS, in_2076_ms);
    assert_http("Sunday, 06-Feb-77 21:00:00 GMT", MOMENT_MS,
                INT64_C(224110800000));
    assert_http("Friday, 06-Feb-26 21:00:00 GMT", MOMENT_MS,
                INT64_C(1770411600000));
}

static void broken_http_dates_are_refused(void **state)
{
    static const char *const refused[] = {
        "",
        "10",
        "Sun",
        "Sun, ",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sunday Nov  6 08:49:37 1994",
        "06 Nov 1994 08:49:37 GMT",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (dlr_time_parse_http(dlr_text_of(refused[i]), MOMENT_MS, &ms)) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_texts_are_read_with_their_zone),
        cmocka_unit_test(text_without_zone_is_utc_and_says_so),
        cmocka_unit_test(fraction_is_cut_to_milliseconds),
        cmocka_unit_test(leap_second_is_the_next_minute),
        cmocka_unit_test(ends_of_the_range_are_kept),
        cmocka_unit_test(what_has_no_single_meaning_is_refused),
        cmocka_unit_test(formatted_text_reads_back),
        cmocka_unit_test(three_forms_of_http_dates_are_read),
        cmocka_unit_test(two_digit_year_is_at_most_fifty_years_ahead),
        cmocka_unit_test(broken_http_dates_are_refused),
    };

    return cmocka_run_group_tests_name("time_parse", tests, NULL, NULL);
}
