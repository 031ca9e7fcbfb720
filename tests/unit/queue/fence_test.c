/* SPDX-License-Identifier: MIT */
/* Flush as a fence, and callers that wait for room: both by threads, both
 * without a time that decides. */
#include "support/queue_rig.h"

#include "os/clock.h"

/* Longer than any test may take: whoever waits that long was forgotten. */
#define FOR_EVER_MS 100000

static void count_wake(void *self)
{
    unsigned *wakes = self;

    *wakes += 1;
}

static uint64_t wait_until(struct queue_rig *rig, int64_t deadline_ms)
{
    unsigned wakes = 0;

    return dlr_queue_wait_settled(&rig->queue, deadline_ms, count_wake, &wakes);
}

static void an_empty_queue_passes_at_once_and_wakes_nobody(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());
    unsigned wakes = 0;

    (void)state;
    assert_int_equal(dlr_queue_wait_settled(
                         &rig->queue, dlr_clock_monotonic_ms() + FOR_EVER_MS,
                         count_wake, &wakes),
                     0);
    assert_int_equal(wakes, 0);
    queue_rig_close(rig);
}

static void a_passed_deadline_tells_what_is_left_and_asks_for_it(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());
    struct dlr_queue_look look;
    struct dlr_slice slice;

    (void)state;
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "b"), DATALYR_OK);
    assert_true(dlr_queue_take(&rig->queue, 1, SIZE_MAX, &slice));
    assert_int_equal(wait_until(rig, 0), 2);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.due_in_ms, 0);
    assert_int_equal(look.flushes, 1);
    assert_false(look.is_asked); /* nobody waits any more */
    /* What comes later was not asked for. */
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    assert_int_equal(queue_rig_append(rig, "c"), DATALYR_OK);
    assert_true(dlr_queue_take(&rig->queue, 1, SIZE_MAX, &slice));
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.due_in_ms, 10000);
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    queue_rig_close(rig);
}

struct waiter {
    struct queue_rig *rig;
    struct dlr_thread thread;
    uint64_t left;
    datalyr_status status;
    unsigned wakes;
    size_t len;
    _Atomic int64_t until_ms;
};

static void wait_at_fence(void *self)
{
    struct waiter *waiter = self;

    waiter->left = dlr_queue_wait_settled(
        &waiter->rig->queue, dlr_clock_monotonic_ms() + FOR_EVER_MS, count_wake,
        &waiter->wakes);
}

static void wait_until_told(void *self)
{
    struct waiter *waiter = self;

    waiter->left = dlr_queue_wait_settled_by(
        &waiter->rig->queue, &waiter->until_ms, count_wake, &waiter->wakes);
}

/* Lets the other thread come as far as the fence. */
static void await_fence(struct queue_rig *rig)
{
    bool is_there = false;

    while (!is_there) {
        dlr_mutex_lock(&rig->queue.lock);
        is_there = rig->queue.fences != NULL;
        dlr_mutex_unlock(&rig->queue.lock);
    }
}

static void a_fence_covers_what_is_queued_and_in_flight_only(void **state)
{
    struct waiter waiter = {.rig = queue_rig_open(queue_rig_config())};
    struct dlr_queue *queue = &waiter.rig->queue;
    struct dlr_slice in_flight;
    struct dlr_slice queued;

    (void)state;
    assert_int_equal(queue_rig_append(waiter.rig, "a"), DATALYR_OK);
    assert_true(dlr_queue_take(queue, 1, SIZE_MAX, &in_flight));
    assert_int_equal(queue_rig_append(waiter.rig, "b"), DATALYR_OK);
    assert_int_equal(
        dlr_thread_start(&waiter.thread, "waiter", wait_at_fence, &waiter), 0);
    await_fence(waiter.rig);
    assert_int_equal(queue_rig_append(waiter.rig, "later"), DATALYR_OK);
    assert_true(dlr_queue_take(queue, 1, SIZE_MAX, &queued));
    dlr_queue_drop(queue, &queued, DATALYR_DROP_PERMANENT_CLIENT_ERROR);
    dlr_queue_deliver(queue, &in_flight, NULL, 0, 0);
    dlr_thread_join(&waiter.thread); /* although "later" is pending */
    assert_int_equal(waiter.left, 0);
    assert_int_equal(waiter.wakes, 1);
    assert_int_equal(queue_rig_ledger(waiter.rig).pending, 1);
    queue_rig_close(waiter.rig);
}

static void a_deadline_may_be_brought_forward_but_not_put_off(void **state)
{
    struct waiter waiter = {.rig = queue_rig_open(queue_rig_config())};
    int64_t far_ms = dlr_clock_monotonic_ms() + FOR_EVER_MS;

    (void)state;
    waiter.until_ms = far_ms;
    assert_int_equal(queue_rig_append(waiter.rig, "a"), DATALYR_OK);
    assert_int_equal(
        dlr_thread_start(&waiter.thread, "waiter", wait_until_told, &waiter),
        0);
    await_fence(waiter.rig);
    dlr_queue_bring_forward(&waiter.rig->queue, &waiter.until_ms, far_ms + 1);
    assert_true(waiter.until_ms == far_ms);
    dlr_queue_bring_forward(&waiter.rig->queue, &waiter.until_ms, 1);
    dlr_thread_join(&waiter.thread);
    assert_int_equal(waiter.left, 1);
    queue_rig_close(waiter.rig);
}

static void an_eviction_passes_the_fence(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct waiter waiter = {0};

    (void)state;
    config.max_events = 1;
    waiter.rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(waiter.rig, "a"), DATALYR_OK);
    assert_int_equal(
        dlr_thread_start(&waiter.thread, "waiter", wait_at_fence, &waiter), 0);
    await_fence(waiter.rig);
    assert_int_equal(queue_rig_append(waiter.rig, "b"), DATALYR_OK);
    dlr_thread_join(&waiter.thread);
    assert_int_equal(waiter.left, 0);
    queue_rig_close(waiter.rig);
}

/* ---- block */

static void append_blocking(void *self)
{
    struct waiter *waiter = self;
    bool wakes;

    struct dlr_waiter room = {count_wake, &waiter->wakes};

    waiter->status = dlr_queue_append(
        &waiter->rig->queue, dlr_text_n(waiter->rig->filler, waiter->len),
        &room, &wakes);
}

static void await_blocked(struct queue_rig *rig)
{
    bool is_there = false;

    while (!is_there) {
        dlr_mutex_lock(&rig->queue.lock);
        is_there = rig->queue.blocked > 0;
        dlr_mutex_unlock(&rig->queue.lock);
    }
}

static struct dlr_queue_config blocking_config(void)
{
    struct dlr_queue_config config = queue_rig_config();

    config.overflow = DATALYR_BLOCK;
    config.block_timeout_ms = FOR_EVER_MS;
    return config;
}

/* Another thread waits for the place of the only event there may be. */
static void block_at_one_event(struct waiter *waiter)
{
    struct dlr_queue_config config = blocking_config();

    config.max_events = 1;
    waiter->rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(waiter->rig, "a"), DATALYR_OK);
    assert_int_equal(
        dlr_thread_start(&waiter->thread, "waiter", append_blocking, waiter),
        0);
    await_blocked(waiter->rig);
}

static void a_blocked_caller_goes_on_when_an_event_is_settled(void **state)
{
    struct waiter waiter = {.len = 5};
    struct dlr_slice slice;

    (void)state;
    block_at_one_event(&waiter);
    assert_true(dlr_queue_take(&waiter.rig->queue, 1, SIZE_MAX, &slice));
    dlr_queue_deliver(&waiter.rig->queue, &slice, NULL, 0, 0);
    dlr_thread_join(&waiter.thread);
    assert_int_equal(waiter.status, DATALYR_OK);
    assert_true(waiter.wakes >= 1);
    queue_rig_close(waiter.rig);
}

/* The slice is settled in steps, and its segments leave after the last one: a
 * caller that waits for bytes must hear of that too. */
static void
a_caller_that_waits_for_bytes_hears_of_a_segment_that_leaves(void **state)
{
    struct dlr_queue_config config = blocking_config();
    struct waiter waiter = {.len = 16000};
    struct dlr_slice slice;

    (void)state;
    config.max_bytes = (uint64_t)16 << 10; /* one segment */
    waiter.rig = queue_rig_open(config);
    for (unsigned i = 0; i < DLR_LOG_STEP; i++) {
        assert_int_equal(queue_rig_append_len(waiter.rig, 200), DATALYR_OK);
    }
    assert_true(
        dlr_queue_take(&waiter.rig->queue, DLR_LOG_STEP, SIZE_MAX, &slice));
    assert_int_equal(
        dlr_thread_start(&waiter.thread, "waiter", append_blocking, &waiter),
        0);
    await_blocked(waiter.rig);
    dlr_queue_deliver(&waiter.rig->queue, &slice, NULL, 0, 0);
    dlr_thread_join(&waiter.thread);
    assert_int_equal(waiter.status, DATALYR_OK);
    queue_rig_close(waiter.rig);
}

static void a_blocked_caller_is_refused_when_its_time_is_over(void **state)
{
    struct dlr_queue_config config = blocking_config();
    struct waiter waiter = {.len = 5};
    datalyr_ledger ledger;

    (void)state;
    config.max_events = 1;
    config.block_timeout_ms = 5;
    waiter.rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(waiter.rig, "a"), DATALYR_OK);
    append_blocking(&waiter);
    assert_int_equal(waiter.status, DATALYR_QUEUE_FULL);
    ledger = queue_rig_ledger(waiter.rig);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_QUEUE_FULL], 1);
    assert_conserved(&ledger);
    queue_rig_close(waiter.rig);
}

static void closing_ends_the_wait_for_room(void **state)
{
    struct waiter waiter = {.len = 5};

    (void)state;
    block_at_one_event(&waiter);
    dlr_queue_close(&waiter.rig->queue);
    dlr_thread_join(&waiter.thread);
    assert_int_equal(waiter.status, DATALYR_CLOSED);
    queue_rig_close(waiter.rig);
}

static void the_librarys_own_thread_is_refused_instead_of_blocked(void **state)
{
    struct dlr_queue_config config = blocking_config();
    struct queue_rig *rig;

    (void)state;
    config.max_events = 1;
    rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "b"), DATALYR_QUEUE_FULL);
    queue_rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_passes_at_once_and_wakes_nobody),
        cmocka_unit_test(a_passed_deadline_tells_what_is_left_and_asks_for_it),
        cmocka_unit_test(a_fence_covers_what_is_queued_and_in_flight_only),
        cmocka_unit_test(a_deadline_may_be_brought_forward_but_not_put_off),
        cmocka_unit_test(an_eviction_passes_the_fence),
        cmocka_unit_test(a_blocked_caller_goes_on_when_an_event_is_settled),
        cmocka_unit_test(
            a_caller_that_waits_for_bytes_hears_of_a_segment_that_leaves),
        cmocka_unit_test(a_blocked_caller_is_refused_when_its_time_is_over),
        cmocka_unit_test(closing_ends_the_wait_for_room),
        cmocka_unit_test(the_librarys_own_thread_is_refused_instead_of_blocked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
