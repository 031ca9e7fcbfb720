/* SPDX-License-Identifier: MIT */
/*
 * The token bucket of a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/limiter.h"

static void allows_the_burst_then_the_rate(void **state)
{
    struct dld_limit limit = {.per_second = 10, .burst = 5};
    struct dld_bucket bucket = {0};

    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        struct dld_limit_answer answer = dld_bucket_take(&bucket, &limit, 1000);

        assert_true(answer.is_allowed);
        assert_int_equal(answer.remaining, 4 - i);
    }
    assert_false(dld_bucket_take(&bucket, &limit, 1000).is_allowed);
    assert_false(dld_bucket_take(&bucket, &limit, 1099).is_allowed);
    assert_true(dld_bucket_take(&bucket, &limit, 1200).is_allowed);
}

static void says_when_to_come_again(void **state)
{
    struct dld_limit limit = {.per_second = 1, .burst = 2};
    struct dld_bucket bucket = {0};
    struct dld_limit_answer answer;

    (void)state;
    (void)dld_bucket_take(&bucket, &limit, 0);
    (void)dld_bucket_take(&bucket, &limit, 0);
    answer = dld_bucket_take(&bucket, &limit, 0);
    assert_false(answer.is_allowed);
    assert_int_equal(answer.wait_seconds, 1);
    assert_int_equal(answer.reset_seconds, 2);
    assert_int_equal(answer.remaining, 0);
}

static void does_not_go_back_with_the_clock(void **state)
{
    struct dld_limit limit = {.per_second = 1, .burst = 1};
    struct dld_bucket bucket = {0};

    (void)state;
    assert_true(dld_bucket_take(&bucket, &limit, 5000).is_allowed);
    assert_false(dld_bucket_take(&bucket, &limit, 1000).is_allowed);
}

static void allows_all_without_a_limit(void **state)
{
    struct dld_limit limit = {0};
    struct dld_bucket bucket = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(dld_bucket_take(&bucket, &limit, 0).is_allowed);
    }
}

static void many_are_taken_at_once_and_come_back_by_the_rate(void **state)
{
    struct dld_limit limit = {.per_second = 500, .burst = 1000};
    struct dld_bucket bucket = {0};

    (void)state;
    assert_int_equal(dld_bucket_left(&bucket, &limit, 7), 1000);
    dld_bucket_use(&bucket, &limit, 1000, 7);
    assert_int_equal(dld_bucket_left(&bucket, &limit, 7), 0);
    assert_int_equal(dld_bucket_left(&bucket, &limit, 107), 50);
    dld_bucket_use(&bucket, &limit, 20, 107);
    assert_int_equal(dld_bucket_left(&bucket, &limit, 107), 30);
    assert_true(dld_bucket_take(&bucket, &limit, 107).is_allowed);
    assert_int_equal(dld_bucket_left(&bucket, &limit, 107), 29);
    assert_int_equal(dld_bucket_left(&bucket, &limit, 10000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allows_the_burst_then_the_rate),
        cmocka_unit_test(says_when_to_come_again),
        cmocka_unit_test(does_not_go_back_with_the_clock),
        cmocka_unit_test(allows_all_without_a_limit),
        cmocka_unit_test(many_are_taken_at_once_and_come_back_by_the_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
