/* SPDX-License-Identifier: MIT */
/* Pure parts of the sender: waiting times, the bucket, the heap of jobs,
 * percentiles, copies for hooks. */
#include "sender/pace.h"

#include "base/mem.h"
#include "sender/job.h"
#include "sender/latency.h"
#include "sender/records.h"
#include "support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void back_off_doubles_up_to_ten_seconds(void **state)
{
    static const int64_t longest_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
    struct test_random random = {7};

    (void)state;
    for (uint32_t retry = 0; retry < 6; retry++) {
        int64_t low = INT64_MAX;
        int64_t high = 0;

        for (int i = 0; i < 20000; i++) {
            int64_t wait =
                dlr_pace_backoff_ms(retry, test_random_next(&random));

            low = wait < low ? wait : low;
            high = wait > high ? wait : high;
        }
        assert_true(low >= longest_ms[retry] / 2);
        assert_true(low < longest_ms[retry] / 2 + 50);
        assert_true(high <= longest_ms[retry]);
        assert_true(high > longest_ms[retry] - 50);
    }
    assert_true(dlr_pace_backoff_ms(UINT32_MAX, UINT64_MAX) <= 10000);
}

static void parking_grows_to_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(dlr_pace_park_ms(0), 1000);
    assert_int_equal(dlr_pace_park_ms(1), 2000);
    assert_int_equal(dlr_pace_park_ms(8), 256000);
    assert_int_equal(dlr_pace_park_ms(9), 300000);
    assert_int_equal(dlr_pace_park_ms(UINT32_MAX), 300000);
}

static void the_bucket_never_gives_more_than_its_rate(void **state)
{
    static const uint64_t rates[] = {1, 3, 50, 1000, 1000000};
    struct test_random random = {9};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        uint64_t burst = rates[i] < 100 ? rates[i] : 100;
        struct dlr_bucket bucket;
        int64_t now_ms = 1000;
        uint64_t taken = 0;

        dlr_bucket_init(&bucket, rates[i], now_ms);
        while (now_ms < 11000) {
            for (uint64_t tries = test_random_below(&random, 300); tries > 0;
                 tries--) {
                bool has_token = dlr_bucket_wait_ms(&bucket, now_ms) == 0;

                assert_int_equal(dlr_bucket_take(&bucket, now_ms), has_token);
                taken += has_token ? 1 : 0;
            }
            now_ms += (int64_t)test_random_below(&random, 40);
        }
        assert_true(taken <= burst + rates[i] * 10 + 1);
        assert_true(taken >= 10 * (rates[i] < 50 ? rates[i] : 50) - 1);
    }
}

static void the_wait_for_a_token_is_right_to_the_millisecond(void **state)
{
    struct dlr_bucket bucket;

    (void)state;
    dlr_bucket_init(&bucket, 3, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(dlr_bucket_take(&bucket, 0));
    }
    assert_int_equal(dlr_bucket_wait_ms(&bucket, 0), 334);
    assert_false(dlr_bucket_take(&bucket, 333));
    assert_true(dlr_bucket_take(&bucket, 334));
    /* A clock that went back gives nothing and breaks nothing. */
    assert_false(dlr_bucket_take(&bucket, -1000000));
    assert_true(dlr_bucket_take(&bucket, INT64_C(1) << 50));
}

static void no_rate_means_no_limit(void **state)
{
    struct dlr_bucket bucket;

    (void)state;
    dlr_bucket_init(&bucket, 0, 0);
    for (int i = 0; i < 100000; i++) {
        assert_true(dlr_bucket_take(&bucket, 0));
    }
    assert_int_equal(dlr_bucket_wait_ms(&bucket, 0), 0);
}

/* ---- the heap */

static void check_heap(bool is_strict)
{
    static struct dlr_job jobs[500];
    struct dlr_job_heap heap = {.is_strict = is_strict};
    struct test_random random = {3};
    const struct dlr_job *before = NULL;

    assert_true(dlr_job_heap_reserve(&heap, 500));
    for (uint64_t i = 0; i < 500; i++) {
        jobs[i].ordinal = (i * 263) % 500;
        jobs[i].next_at_ms = (int64_t)test_random_below(&random, 20);
        dlr_job_heap_push(&heap, &jobs[i]);
    }
    for (int i = 0; i < 500; i++) {
        jobs[i].next_at_ms = (int64_t)test_random_below(&random, 20);
    }
    dlr_job_heap_reorder(&heap);
    for (int i = 0; i < 500; i++) {
        const struct dlr_job *job = dlr_job_heap_pop(&heap);

        assert_non_null(job);
        if (before != NULL &&
            (is_strict || before->next_at_ms == job->next_at_ms)) {
            assert_true(before->ordinal < job->ordinal);
        } else if (before != NULL) {
            assert_true(before->next_at_ms < job->next_at_ms);
        }
        before = job;
    }
    assert_null(dlr_job_heap_pop(&heap));
    dlr_job_heap_clear(&heap);
}

static void jobs_come_by_time_or_strictly_by_order(void **state)
{
    (void)state;
    check_heap(false);
    check_heap(true);
}

static void split_jobs_keep_their_places(void **state)
{
    struct dlr_job jobs[18] = {{.ordinal = 0, .width = DLR_JOB_WIDTH}};

    (void)state;
    /* The first half again and again, as deep as the largest batch goes. */
    for (int i = 1; i < 18; i++) {
        dlr_job_place_behind(&jobs[0], &jobs[i]);
        assert_true(jobs[0].ordinal < jobs[i].ordinal);
        assert_true(i == 1 || jobs[i].ordinal < jobs[i - 1].ordinal);
    }
    assert_true(jobs[1].ordinal + jobs[1].width <= DLR_JOB_WIDTH);
}

/* ---- percentiles */

static void percentiles_are_right_to_ten_percent(void **state)
{
    static const double fractions[] = {0.5, 0.9, 0.99};
    struct dlr_latency latency;
    double found[3];

    (void)state;
    assert_int_equal(dlr_latency_init(&latency, 0), 0);
    dlr_latency_read(&latency, fractions, found, 3);
    assert_true(found[0] < 0.001 && found[2] < 0.001);
    for (int i = 1; i <= 1000; i++) {
        dlr_latency_add(&latency, i * 1000, 0);
    }
    dlr_latency_add(&latency, -5, 0);
    dlr_latency_read(&latency, fractions, found, 3);
    assert_true(found[0] > 450 && found[0] < 550);
    assert_true(found[1] > 810 && found[1] < 990);
    assert_true(found[2] > 891 && found[2] < 1089);
    dlr_latency_add(&latency, INT64_MAX, 0);
    dlr_latency_clear(&latency);
}

/* ---- copies for hooks */

static void records_end_in_nul_and_have_their_ids(void **state)
{
    struct dlr_records *records = calloc(1, sizeof *records);
    const datalyr_record *view;

    (void)state;
    assert_non_null(records);
    for (unsigned i = 0; i < DLR_RECORDS_MAX; i++) {
        char json[64];
        int len =
            snprintf(json, sizeof json, "{\"eventId\":\"id\\u002d%u\"}", i);

        assert_true(dlr_records_add(records, dlr_text_n(json, (size_t)len)));
    }
    assert_false(dlr_records_add(records, DLR_TEXT("{}")));
    view = dlr_records_view(records);
    for (unsigned i = 0; i < DLR_RECORDS_MAX; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "id-%u", i);
        assert_string_equal(view[i].event_id, id);
        assert_int_equal(strlen(view[i].json), view[i].json_len);
    }
    dlr_records_reset(records);
    dlr_mem_set_fail_from(1);
    assert_true(dlr_records_add(records, DLR_TEXT("{}"))); /* memory is kept */
    dlr_mem_set_fail_at(0);
    assert_string_equal(dlr_records_view(records)[0].event_id, "");
    dlr_records_clear(records);
    free(records);
}

static void the_largest_event_fits_alone(void **state)
{
    struct dlr_records *records = calloc(1, sizeof *records);
    size_t len = (size_t)8 << 20;
    char *json = malloc(len);

    (void)state;
    assert_non_null(records);
    assert_non_null(json);
    memset(json, ' ', len);
    assert_true(dlr_records_add(records, dlr_text_n(json, len)));
    assert_false(dlr_records_add(records, dlr_text_n(json, len)));
    assert_int_equal(records->count, 1);
    dlr_records_clear(records);
    free(records);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(back_off_doubles_up_to_ten_seconds),
        cmocka_unit_test(parking_grows_to_five_minutes),
        cmocka_unit_test(the_bucket_never_gives_more_than_its_rate),
        cmocka_unit_test(the_wait_for_a_token_is_right_to_the_millisecond),
        cmocka_unit_test(no_rate_means_no_limit),
        cmocka_unit_test(jobs_come_by_time_or_strictly_by_order),
        cmocka_unit_test(split_jobs_keep_their_places),
        cmocka_unit_test(percentiles_are_right_to_ten_percent),
        cmocka_unit_test(records_end_in_nul_and_have_their_ids),
        cmocka_unit_test(the_largest_event_fits_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
