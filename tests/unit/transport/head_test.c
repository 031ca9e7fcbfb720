/* SPDX-License-Identifier: MIT */
#include "transport/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

/* 2026-03-04T05:06:07Z */
#define NOW_MS 1772600767000

static struct dlr_head read_lines(const char *const *lines)
{
    struct dlr_head head = {0};

    for (size_t i = 0; lines[i] != NULL; i++) {
        dlr_head_read_line(&head, dlr_text_of(lines[i]));
    }
    return head;
}

/* The head of a 200 with one more line. */
static struct dlr_head read_line(const char *line)
{
    const char *lines[] = {"HTTP/1.1 200 OK\r\n", line, "\r\n", NULL};

    return read_lines(lines);
}

static int64_t retry_after(const char *value)
{
    char line[128];
    struct dlr_head head;

    (void)snprintf(line, sizeof line, "Retry-After: %s\r\n", value);
    head = read_line(line);
    return dlr_head_retry_after_ms(&head, NOW_MS);
}

static void status_is_read_from_the_first_line(void **state)
{
    struct dlr_head head = read_line("Server: x\r\n");

    (void)state;
    assert_int_equal(head.status, 200);
    assert_true(head.is_complete);
    dlr_head_read_line(&head, DLR_TEXT("HTTP/2 503\r\n"));
    assert_int_equal(head.status, 503);
    assert_false(head.is_complete);
    dlr_head_read_line(&head, DLR_TEXT("HTTP/1.1\r\n"));
    assert_int_equal(head.status, 0);
    dlr_head_read_line(&head, DLR_TEXT("HTTP/1.1 2x0 OK\r\n"));
    assert_int_equal(head.status, 0);
    dlr_head_read_line(&head, DLR_TEXT("\r\n"));
    assert_false(head.is_complete);
}

static void interim_answer_is_not_the_answer(void **state)
{
    static const char *const lines[] = {"HTTP/1.1 103 Early Hints\r\n",
                                        "X-Datalyr-Batch: 7\r\n", "\r\n", NULL};
    struct dlr_head head = read_lines(lines);

    (void)state;
    assert_false(head.is_complete);
    dlr_head_read_line(&head, DLR_TEXT("HTTP/1.1 200 OK\r\n"));
    dlr_head_read_line(&head, DLR_TEXT("\r\n"));
    assert_true(head.is_complete);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.batch_limit, 0);
}

static void names_are_read_in_any_case_and_values_trimmed(void **state)
{
    struct dlr_head head = read_line("x-dATALYR-batch:\t 500 \r\n");

    (void)state;
    assert_int_equal(head.batch_limit, 500);
    head = read_line("X-Datalyr-Batch-Size: 500\r\n");
    assert_int_equal(head.batch_limit, 0);
    head = read_line("X-Datalyr-Batch : 500\r\n");
    assert_int_equal(head.batch_limit, 0);
}

static void batch_limit_is_a_plain_number(void **state)
{
    static const struct {
        const char *line;
        uint32_t limit;
    } cases[] = {
        {"X-Datalyr-Batch: 1", 1},
        {"X-Datalyr-Batch: 4294967295", UINT32_MAX},
        {"X-Datalyr-Batch: 99999999999999999999999999", UINT32_MAX},
        {"X-Datalyr-Batch: 0", 0},
        {"X-Datalyr-Batch: -5", 0},
        {"X-Datalyr-Batch: 10 events", 0},
        {"X-Datalyr-Batch: 1e3", 0},
        {"X-Datalyr-Batch:", 0},
        {"X-Datalyr-Batch", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dlr_head head = read_line(cases[i].line);

        assert_int_equal(head.batch_limit, cases[i].limit);
    }
}

static void gzip_is_accepted_where_it_is_listed_with_weight(void **state)
{
    static const struct {
        const char *line;
        bool accepts;
    } cases[] = {
        {"Accept-Encoding: gzip", true},
        {"accept-encoding: deflate, GZIP", true},
        {"Accept-Encoding: br;q=1, gzip;q=0.001", true},
        {"Accept-Encoding: gzip ; q=1.0", true},
        {"Accept-Encoding: x-gzip", true},
        {"Accept-Encoding: ,,gzip,", true},
        {"Accept-Encoding: gzip;q=0", false},
        {"Accept-Encoding: gzip;Q=0.000", false},
        {"Accept-Encoding: gzip;v=1;q=0", false},
        {"Accept-Encoding: identity", false},
        {"Accept-Encoding: not-gzip", false},
        {"Accept-Encoding: gzipped", false},
        {"Accept-Encoding: *", false},
        {"Accept-Encoding:", false},
        {"Content-Encoding: gzip", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dlr_head head = read_line(cases[i].line);

        if (head.accepts_gzip != cases[i].accepts) {
            fail_msg("%s", cases[i].line);
        }
    }
}

static void retry_after_counts_seconds_up_to_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(retry_after("0"), 0);
    assert_int_equal(retry_after("2"), 2000);
    assert_int_equal(retry_after("300"), 300000);
    assert_int_equal(retry_after("301"), 300000);
    assert_int_equal(retry_after("99999999999999999999999"), 300000);
}

static void retry_after_that_makes_no_sense_is_none(void **state)
{
    static const char *const values[] = {
        "",
        "-1",
        "1.5",
        "soon",
        "1 2",
        "+3",
        "0x10",
        "Wed, 99 Mar 2026",
        "2s",
        "١",
        "\x01",
        "NaN",
        "Wed, 04 Mar 2026 05:06:17 GMT and a lot more text behind it"};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(retry_after(values[i]), -1);
    }
    assert_int_equal(dlr_head_retry_after_ms(&(struct dlr_head){0}, NOW_MS),
                     -1);
}

static void retry_after_may_be_a_date(void **state)
{
    (void)state;
    assert_int_equal(retry_after("Wed, 04 Mar 2026 05:06:17 GMT"), 10000);
    assert_int_equal(retry_after("Wed, 04 Mar 2026 05:06:00 GMT"), 0);
    assert_int_equal(retry_after("Wed, 04 Mar 2026 09:06:00 GMT"), 300000);
    assert_int_equal(retry_after("Mon, 01 Jan 1990 00:00:00 GMT"), 0);
}

static void retry_date_is_measured_by_the_clock_of_the_server(void **state)
{
    static const char *const lines[] = {
        "HTTP/1.1 503 Busy\r\n",
        "Retry-After: Wed, 04 Mar 2020 00:00:30 GMT\r\n",
        "Date: Wed, 04 Mar 2020 00:00:10 GMT\r\n", "\r\n", NULL};
    struct dlr_head head = read_lines(lines);

    (void)state;
    assert_int_equal(dlr_head_retry_after_ms(&head, NOW_MS), 20000);
}

static void long_location_is_cut(void **state)
{
    char line[1024];
    struct dlr_head head;

    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "Location: http://b/", sizeof "Location: http://b/" - 1);
    head = (struct dlr_head){0};
    dlr_head_read_line(&head, DLR_TEXT("HTTP/1.1 301 Moved"));
    dlr_head_read_line(&head, dlr_text_n(line, sizeof line));
    assert_int_equal(strlen(head.location), sizeof head.location - 1);
    assert_memory_equal(head.location, "http://b/aaa", 12);
}

static void trailer_changes_nothing(void **state)
{
    struct dlr_head head = read_line("X-Datalyr-Batch: 10\r\n");

    (void)state;
    dlr_head_read_line(&head, DLR_TEXT("X-Datalyr-Batch: 99\r\n"));
    assert_int_equal(head.batch_limit, 10);
    assert_true(head.is_complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_read_from_the_first_line),
        cmocka_unit_test(interim_answer_is_not_the_answer),
        cmocka_unit_test(names_are_read_in_any_case_and_values_trimmed),
        cmocka_unit_test(batch_limit_is_a_plain_number),
        cmocka_unit_test(gzip_is_accepted_where_it_is_listed_with_weight),
        cmocka_unit_test(retry_after_counts_seconds_up_to_five_minutes),
        cmocka_unit_test(retry_after_that_makes_no_sense_is_none),
        cmocka_unit_test(retry_after_may_be_a_date),
        cmocka_unit_test(retry_date_is_measured_by_the_clock_of_the_server),
        cmocka_unit_test(long_location_is_cut),
        cmocka_unit_test(trailer_changes_nothing),
    };

    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
