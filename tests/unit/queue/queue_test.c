/* SPDX-License-Identifier: MIT */
/* Overflow policies under the ceilings of events and of bytes. */
#include "support/queue_rig.h"

/* Three segments of 16 KiB: the smallest ceiling that a client can have. */
#define SMALL_BYTES   ((uint64_t)48 << 10)
#define SEGMENT_BYTES ((size_t)16 << 10)

static struct dlr_queue_config small_config(void)
{
    struct dlr_queue_config config = queue_rig_config();

    config.max_bytes = SMALL_BYTES;
    return config;
}

static void the_event_ceiling_evicts_the_oldest(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    struct dlr_slice slice;
    datalyr_ledger ledger;
    char texts[64];

    (void)state;
    config.max_events = 3;
    rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "b"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "c"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "d"), DATALYR_OK);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.pending, 3);
    assert_int_equal(ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW], 1);
    assert_conserved(&ledger);
    assert_true(dlr_queue_take(&rig->queue, 10, 1000, &slice));
    assert_string_equal(queue_rig_texts(&slice, texts, sizeof texts), "b,c,d");
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    queue_rig_close(rig);
}

static void events_in_flight_are_never_evicted(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    struct dlr_slice slice;
    datalyr_ledger ledger;

    (void)state;
    config.max_events = 2;
    rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "b"), DATALYR_OK);
    assert_true(dlr_queue_take(&rig->queue, 2, 1000, &slice));
    assert_int_equal(queue_rig_append(rig, "c"), DATALYR_QUEUE_FULL);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_QUEUE_FULL], 1);
    assert_int_equal(ledger.in_flight, 2);
    assert_int_equal(ledger.pending, 2);
    assert_conserved(&ledger);
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    assert_int_equal(queue_rig_append(rig, "c"), DATALYR_OK);
    queue_rig_close(rig);
}

static void refuse_keeps_the_old_and_refuses_the_new(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    datalyr_ledger ledger;

    (void)state;
    config.max_events = 2;
    config.overflow = DATALYR_REFUSE_NEW;
    rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "b"), DATALYR_OK);
    assert_int_equal(queue_rig_append(rig, "c"), DATALYR_QUEUE_FULL);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.accepted, 2);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 0);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

static void the_byte_ceiling_holds_whatever_the_sizes(void **state)
{
    struct queue_rig *rig = queue_rig_open(small_config());
    datalyr_ledger ledger;

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(queue_rig_append_len(rig, 1 + i * 37 % 6000),
                         DATALYR_OK);
        ledger = queue_rig_ledger(rig);
        assert_true(ledger.queue_bytes <= SMALL_BYTES);
        assert_conserved(&ledger);
        if (i % 50 == 0) {
            dlr_queue_tidy(&rig->queue);
        }
    }
    ledger = queue_rig_ledger(rig);
    assert_true(ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW] > 0);
    queue_rig_close(rig);
}

static void refuse_under_the_byte_ceiling_evicts_nothing(void **state)
{
    struct dlr_queue_config config = small_config();
    struct queue_rig *rig;
    datalyr_ledger ledger;
    unsigned accepted = 0;

    (void)state;
    config.overflow = DATALYR_REFUSE_NEW;
    rig = queue_rig_open(config);
    while (queue_rig_append_len(rig, 4000) == DATALYR_OK) {
        accepted++;
    }
    assert_int_equal(accepted, 12); /* four in each of three segments */
    ledger = queue_rig_ledger(rig);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 0);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

/* The slice in flight holds two of three segments. What waits lies in the last
 * one: evicting it makes that segment empty, and the new event has room. */
static void evicting_the_last_segment_makes_room_in_it(void **state)
{
    struct queue_rig *rig = queue_rig_open(small_config());
    struct dlr_slice slice;
    datalyr_ledger ledger;

    (void)state;
    rig->queue.config.keeps_dropped = false;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&rig->queue, 8, SIZE_MAX, &slice));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(datalyr_ledger_refused(&ledger), 0);
    assert_true(ledger.queue_bytes <= SMALL_BYTES);
    assert_conserved(&ledger);
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    queue_rig_close(rig);
}

static void an_event_that_no_queue_could_hold_evicts_nothing(void **state)
{
    struct queue_rig *rig = queue_rig_open(small_config());
    datalyr_ledger ledger;

    (void)state;
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    assert_int_equal(queue_rig_append_len(rig, 49141), DATALYR_TOO_LARGE);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.pending, 1);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_TOO_LARGE], 1);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

static void an_event_as_large_as_the_log_gets_the_whole_log(void **state)
{
    struct queue_rig *rig = queue_rig_open(small_config());
    size_t largest = (size_t)SMALL_BYTES - DLR_RECORD_HEAD_BYTES;
    datalyr_ledger ledger;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(queue_rig_append_len(rig, 2000), DATALYR_OK);
    }
    assert_int_equal(queue_rig_append_len(rig, largest), DATALYR_OK);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.pending, 1);
    assert_int_equal(ledger.queue_bytes, SMALL_BYTES);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

static void above_max_event_bytes_is_too_large(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;

    (void)state;
    config.max_event_bytes = 100;
    rig = queue_rig_open(config);
    assert_int_equal(queue_rig_append_len(rig, 100), DATALYR_OK);
    assert_int_equal(queue_rig_append_len(rig, 101), DATALYR_TOO_LARGE);
    queue_rig_close(rig);
}

static void a_closed_queue_refuses_as_closed(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());
    datalyr_ledger ledger;

    (void)state;
    dlr_queue_close(&rig->queue);
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_CLOSED);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_CLOSED], 1);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

/* What another thread records while this one releases a segment, for which it
 * lets go of the lock. */
static void retire_and_append(void *self, struct dlr_segment *segment)
{
    struct queue_rig *rig = self;

    dlr_memory_segments.retire(NULL, segment);
    if (!rig->queue.is_closed) {
        (void)queue_rig_append(rig, "meanwhile");
    }
}

static void the_event_ceiling_holds_while_a_segment_is_released(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    datalyr_ledger ledger;

    (void)state;
    config.max_events = 2;
    config.max_bytes = (uint64_t)96 << 10;
    rig = queue_rig_open(config);
    rig->queue.maker.retire = retire_and_append;
    rig->queue.maker.self = rig;
    assert_int_equal(queue_rig_append_len(rig, 40000), DATALYR_OK);
    assert_int_equal(queue_rig_append_len(rig, 40000), DATALYR_OK);
    assert_int_equal(queue_rig_append_len(rig, 40000), DATALYR_OK);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.calls, 4);
    assert_int_equal(ledger.pending, 2);
    assert_conserved(&ledger);
    dlr_queue_close(&rig->queue);
    queue_rig_close(rig);
}

/* ---- waking the sender */

static bool append_wakes(struct queue_rig *rig, size_t len)
{
    bool wakes;

    assert_int_equal(dlr_queue_append(&rig->queue, dlr_text_n(rig->filler, len),
                                      NULL, &wakes),
                     DATALYR_OK);
    return wakes;
}

static void the_sender_is_woken_once_when_enough_waits(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());

    (void)state;
    assert_true(dlr_queue_sleep(&rig->queue, 3));
    assert_false(append_wakes(rig, 10));
    assert_false(append_wakes(rig, 10));
    assert_true(append_wakes(rig, 10));
    assert_false(append_wakes(rig, 10));
    assert_false(dlr_queue_sleep(&rig->queue, 3));
    queue_rig_close(rig);
}

/* With a large flush_at the queue would evict what it could have sent. */
static void a_filling_queue_wakes_the_sender_before_it_evicts(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    struct dlr_queue_look look;
    bool was_woken = false;

    (void)state;
    config.max_events = 100;
    config.flush_at = 100000;
    rig = queue_rig_open(config);
    assert_true(dlr_queue_sleep(&rig->queue, config.flush_at));
    for (unsigned i = 0; i < 100; i++) {
        was_woken = append_wakes(rig, 10) || was_woken;
    }
    assert_true(was_woken);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.due_in_ms, 0);
    queue_rig_close(rig);
}

static void a_log_that_runs_out_of_bytes_is_due(void **state)
{
    struct dlr_queue_config config = small_config();
    struct queue_rig *rig;
    struct dlr_queue_look look;
    bool was_woken = false;
    datalyr_ledger ledger;

    (void)state;
    rig = queue_rig_open(config);
    rig->queue.wants_spare = true; /* leaves the other reason to wake out */
    assert_true(dlr_queue_sleep(&rig->queue, config.flush_at));
    for (unsigned i = 0; i < 6; i++) { /* two in each of three segments */
        was_woken = append_wakes(rig, 8000) || was_woken;
    }
    ledger = queue_rig_ledger(rig);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 0);
    assert_true(was_woken);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.due_in_ms, 0);
    queue_rig_close(rig);
}

/* Otherwise on_drop would come when the sender happens to wake up: with a
 * Retry-After minutes later, or never with the body. */
static void an_eviction_wakes_the_sender_for_its_report(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;

    (void)state;
    config.max_events = 2;
    rig = queue_rig_open(config);
    (void)append_wakes(rig, 10);
    (void)append_wakes(rig, 10);
    assert_true(dlr_queue_sleep(&rig->queue, UINT64_MAX));
    assert_true(append_wakes(rig, 10));
    assert_false(append_wakes(rig, 10)); /* it is on its way */
    queue_rig_close(rig);
}

static void without_a_drop_hook_evictions_wake_nobody(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    unsigned wakes = 0;

    (void)state;
    config.max_events = 2;
    config.keeps_dropped = false;
    rig = queue_rig_open(config);
    assert_true(dlr_queue_sleep(&rig->queue, UINT64_MAX));
    for (unsigned i = 0; i < 1000; i++) {
        wakes += append_wakes(rig, 10) ? 1u : 0u;
    }
    assert_int_equal(wakes, 0);
    queue_rig_close(rig);
}

/* ---- spares */

static void spares_stay_below_the_ceiling(void **state)
{
    struct queue_rig *rig = queue_rig_open(small_config());
    datalyr_ledger ledger;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        rig->queue.wants_spare = true;
        dlr_queue_tidy(&rig->queue);
        ledger = queue_rig_ledger(rig);
        assert_true(ledger.queue_bytes <= SMALL_BYTES);
        assert_true(rig->queue.spare_count <= DLR_LOG_SPARES);
        assert_int_equal(queue_rig_append_len(rig, SEGMENT_BYTES - 100),
                         DATALYR_OK);
    }
    queue_rig_close(rig);
}

/* Records `count` segments full of events, and delivers them. */
static void pass_burst(struct queue_rig *rig, unsigned count)
{
    struct dlr_slice slice;

    while (rig->queue.segment_count <= count) {
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&rig->queue, UINT32_MAX, SIZE_MAX, &slice));
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
}

static uint32_t spares_after(struct queue_rig *rig, int64_t ms)
{
    rig->now_ms += ms;
    dlr_queue_tidy(&rig->queue);
    return rig->queue.spare_count;
}

static struct queue_rig *open_roomy(void)
{
    struct dlr_queue_config config = queue_rig_config();

    config.max_events = UINT64_MAX;
    return queue_rig_open(config);
}

static void the_next_burst_finds_the_segments_of_the_last(void **state)
{
    struct queue_rig *rig = open_roomy();
    uint64_t held;

    (void)state;
    pass_burst(rig, 10);
    held = queue_rig_ledger(rig).queue_bytes;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(spares_after(rig, 400) > DLR_LOG_SPARES);
        pass_burst(rig, rig->queue.segment_count + rig->queue.spare_count - 1);
        assert_true(queue_rig_ledger(rig).queue_bytes <= held);
    }
    assert_true(rig->queue.spare_count >= 8);
    queue_rig_close(rig);
}

static void spares_that_nobody_needs_are_given_back_by_halves(void **state)
{
    struct queue_rig *rig = open_roomy();
    struct dlr_queue_look look;
    uint32_t left;

    (void)state;
    pass_burst(rig, 12);
    left = spares_after(rig, 0);
    assert_true(left > 8);
    assert_int_equal(spares_after(rig, DLR_LOG_SHED_MS - 1), left);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.tidy_in_ms, 1);
    while (left > DLR_LOG_SPARES) {
        uint32_t before = left;

        left = spares_after(rig, DLR_LOG_SHED_MS);
        assert_true(left < before);
        assert_true(left - DLR_LOG_SPARES >= (before - DLR_LOG_SPARES) / 2);
    }
    assert_true(rig->queue.spare_limit <= DLR_LOG_SPARES + 2);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_true(look.tidy_in_ms == INT64_MAX);
    queue_rig_close(rig);
}

/* The sender would turn round and round until the last answer is in. */
static void a_closed_queue_has_no_spares_to_make(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());
    struct dlr_queue_look look;

    (void)state;
    rig->queue.wants_spare = true;
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_int_equal(look.tidy_in_ms, 0);
    dlr_queue_close(&rig->queue);
    dlr_queue_look(&rig->queue, rig->now_ms, &look);
    assert_true(look.tidy_in_ms == INT64_MAX);
    queue_rig_close(rig);
}

static void a_forgotten_queue_holds_nothing(void **state)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());

    (void)state;
    assert_int_equal(queue_rig_append(rig, "a"), DATALYR_OK);
    rig->queue.wants_spare = true;
    dlr_queue_tidy(&rig->queue);
    dlr_queue_forget(&rig->queue); /* what it leaves, a sanitizer sees */
    assert_int_equal(queue_rig_ledger(rig).queue_bytes, 0);
    assert_null(rig->queue.first);
    queue_rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_event_ceiling_evicts_the_oldest),
        cmocka_unit_test(events_in_flight_are_never_evicted),
        cmocka_unit_test(refuse_keeps_the_old_and_refuses_the_new),
        cmocka_unit_test(the_byte_ceiling_holds_whatever_the_sizes),
        cmocka_unit_test(refuse_under_the_byte_ceiling_evicts_nothing),
        cmocka_unit_test(evicting_the_last_segment_makes_room_in_it),
        cmocka_unit_test(an_event_that_no_queue_could_hold_evicts_nothing),
        cmocka_unit_test(an_event_as_large_as_the_log_gets_the_whole_log),
        cmocka_unit_test(above_max_event_bytes_is_too_large),
        cmocka_unit_test(a_closed_queue_refuses_as_closed),
        cmocka_unit_test(the_event_ceiling_holds_while_a_segment_is_released),
        cmocka_unit_test(the_sender_is_woken_once_when_enough_waits),
        cmocka_unit_test(a_filling_queue_wakes_the_sender_before_it_evicts),
        cmocka_unit_test(a_log_that_runs_out_of_bytes_is_due),
        cmocka_unit_test(an_eviction_wakes_the_sender_for_its_report),
        cmocka_unit_test(without_a_drop_hook_evictions_wake_nobody),
        cmocka_unit_test(spares_stay_below_the_ceiling),
        cmocka_unit_test(the_next_burst_finds_the_segments_of_the_last),
        cmocka_unit_test(spares_that_nobody_needs_are_given_back_by_halves),
        cmocka_unit_test(a_closed_queue_has_no_spares_to_make),
        cmocka_unit_test(a_forgotten_queue_holds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
