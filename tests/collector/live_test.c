/* SPDX-License-Identifier: MIT */
/*
 * Those who wait for events, with a store that fails when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/live.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <stdio.h>

/* Longer than any machine needs; only a failure takes so long. */
#define PATIENCE_MS 20000

static atomic_bool is_ill;
static atomic_uint scans;
static atomic_uint_fast64_t rows;
static struct dlr_mutex lock = DLR_MUTEX_INIT;
static struct dlr_cond answered;
static bool is_answered;

/* ---------------------------------- what stands in for server and store */

void __wrap_dld_request_resume(struct dld_request *request);

void __wrap_dld_request_resume(struct dld_request *request)
{
    (void)request;
    dlr_mutex_lock(&lock);
    is_answered = true;
    dlr_cond_signal(&answered);
    dlr_mutex_unlock(&lock);
}

static datalyr_status scan(void *self, const struct dld_scan *wanted,
                           dld_visit visit, void *visitor, datalyr_error *error)
{
    uint64_t last = atomic_load(&rows);
    bool should_go_on = true;
    bool should_fail = atomic_load(&is_ill);

    (void)self;
    (void)snprintf(error->message, sizeof error->message, "ill");
    for (uint64_t seq = wanted->after + 1;
         seq <= last && seq < wanted->before && should_go_on && !should_fail;
         seq++) {
        struct dld_row row = {
            .seq = seq,
            .workspace = 1,
            .id = DLR_TEXT("id"),
            .doc = DLR_TEXT("{\"event\":\"view\",\"userId\":\"u\"}"),
        };

        should_go_on = visit(visitor, &row);
    }
    atomic_fetch_add(&scans, 1);
    return should_fail ? DATALYR_IO : DATALYR_OK;
}

static bool stats(void *self, uint32_t workspace, struct dld_store_stats *out)
{
    (void)self;
    (void)workspace;
    *out = (struct dld_store_stats){.last_seq = atomic_load(&rows)};
    return true;
}

/* ------------------------------------------------------------------ tests */

struct bench {
    struct dld_store store;
    struct dld_live *live;
    struct dld_api api;
    struct dld_request request;
    struct dld_work work;
};

static struct bench bench;

static int begin(void **state)
{
    (void)state;
    bench = (struct bench){.store = {.scan = scan, .stats = stats}};
    bench.work = (struct dld_work){
        .api = &bench.api, .request = &bench.request, .workspace = 1};
    atomic_store(&is_ill, false);
    atomic_store(&scans, 0);
    atomic_store(&rows, 0);
    is_answered = false;
    assert_int_equal(dlr_cond_init(&answered), 0);
    assert_int_equal(dld_live_start(&bench.store, &bench.live), DATALYR_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    dld_live_stop(bench.live);
    dld_live_free(bench.live);
    dlr_buf_clear(&bench.request.reply.body);
    dlr_cond_clear(&answered);
    return 0;
}

static void wait_for(uint64_t wanted, size_t body_max)
{
    struct dld_waiter *waiter = dlr_calloc(1, sizeof *waiter);

    assert_non_null(waiter);
    waiter->work = &bench.work;
    waiter->wanted = wanted;
    dld_filter_init(&waiter->filter);
    waiter->deadline_ms = dlr_clock_monotonic_ms() + PATIENCE_MS;
    dlr_buf_init(&waiter->body, body_max);
    dld_live_wait(bench.live, &waiter);
}

static void await_scans(unsigned count)
{
    int64_t end_ms = dlr_clock_monotonic_ms() + PATIENCE_MS;

    while (atomic_load(&scans) < count) {
        assert_true(dlr_clock_monotonic_ms() < end_ms);
    }
}

static int await_answer(void)
{
    int64_t end_ms = dlr_clock_monotonic_ms() + 2 * PATIENCE_MS;

    dlr_mutex_lock(&lock);
    while (!is_answered && dlr_clock_monotonic_ms() < end_ms) {
        (void)dlr_cond_wait_ms(&answered, &lock, 1000);
    }
    dlr_mutex_unlock(&lock);
    assert_true(is_answered);
    return bench.request.reply.status;
}

static void commit(uint64_t last)
{
    atomic_store(&rows, last);
    dld_live_commit(bench.live, last);
}

static void rows_that_could_not_be_read_are_looked_at_again(void **state)
{
    (void)state;
    wait_for(2, 100000);
    await_scans(1);
    atomic_store(&is_ill, true);
    commit(1);
    await_scans(2);
    atomic_store(&is_ill, false);
    commit(2);
    assert_int_equal(await_answer(), 200);
}

static void a_wait_on_a_store_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    atomic_store(&is_ill, true);
    wait_for(1, 100000);
    assert_int_equal(await_answer(), 503);
}

static void events_that_do_not_fit_are_no_half_answer(void **state)
{
    (void)state;
    wait_for(10, 700);
    commit(10);
    assert_int_equal(await_answer(), 503);
}

static void events_that_fit_are_answered(void **state)
{
    (void)state;
    commit(4);
    wait_for(10, 100000);
    commit(10);
    assert_int_equal(await_answer(), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            rows_that_could_not_be_read_are_looked_at_again, begin, end),
        cmocka_unit_test_setup_teardown(
            a_wait_on_a_store_that_cannot_be_read_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(
            events_that_do_not_fit_are_no_half_answer, begin, end),
        cmocka_unit_test_setup_teardown(events_that_fit_are_answered, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
