/* SPDX-License-Identifier: MIT */
/* Ranges of the log in flight, at rest, split and settled. */
#include "support/queue_rig.h"

static struct queue_rig *open_with(const char *const *texts, size_t count)
{
    struct queue_rig *rig = queue_rig_open(queue_rig_config());

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(queue_rig_append(rig, texts[i]), DATALYR_OK);
    }
    return rig;
}

static const char *const letters[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void a_slice_takes_up_to_its_limits_and_at_least_one(void **state)
{
    struct queue_rig *rig = open_with(letters, 8);
    struct dlr_slice slices[4];
    char texts[64];

    (void)state;
    assert_true(dlr_queue_take(&rig->queue, 3, SIZE_MAX, &slices[0]));
    assert_string_equal(queue_rig_texts(&slices[0], texts, sizeof texts),
                        "a,b,c");
    /* Each event counts one byte more, for its comma. */
    assert_true(dlr_queue_take(&rig->queue, 100, 4, &slices[1]));
    assert_string_equal(queue_rig_texts(&slices[1], texts, sizeof texts),
                        "d,e");
    assert_true(dlr_queue_take(&rig->queue, 100, 0, &slices[2]));
    assert_string_equal(queue_rig_texts(&slices[2], texts, sizeof texts), "f");
    assert_true(dlr_queue_take(&rig->queue, 100, SIZE_MAX, &slices[3]));
    assert_string_equal(queue_rig_texts(&slices[3], texts, sizeof texts),
                        "g,h");
    for (int i = 0; i < 4; i++) {
        dlr_queue_deliver(&rig->queue, &slices[i], NULL, 0, 0);
    }
    assert_int_equal(queue_rig_ledger(rig).delivered, 8);
    queue_rig_close(rig);
}

static void an_empty_queue_has_no_slice(void **state)
{
    struct queue_rig *rig = open_with(letters, 0);
    struct dlr_slice slice;

    (void)state;
    assert_false(dlr_queue_take(&rig->queue, 10, SIZE_MAX, &slice));
    queue_rig_close(rig);
}

static void rejected_events_stay_in_flight_until_they_are_dropped(void **state)
{
    static const uint32_t rejected[] = {0, 2, 3};
    struct queue_rig *rig = open_with(letters, 4);
    struct dlr_slice slice;
    datalyr_ledger ledger;

    (void)state;
    assert_true(dlr_queue_take(&rig->queue, 10, SIZE_MAX, &slice));
    dlr_queue_deliver(&rig->queue, &slice, rejected, 3, 9);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.delivered, 1);
    assert_int_equal(ledger.duplicates, 1); /* never above what was delivered */
    assert_int_equal(ledger.in_flight, 3);
    assert_conserved(&ledger);
    assert_int_equal(slice.live, 3);
    dlr_queue_drop(&rig->queue, &slice, DATALYR_DROP_REJECTED_BY_SERVER);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.dropped[DATALYR_DROP_REJECTED_BY_SERVER], 3);
    assert_int_equal(ledger.in_flight, 0);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

static void
the_oldest_resting_event_is_evicted_before_waiting_ones(void **state)
{
    struct queue_rig *rig;
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_slice first;
    struct dlr_slice second;
    char texts[64];

    (void)state;
    config.max_events = 6;
    rig = queue_rig_open(config);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(queue_rig_append(rig, letters[i]), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&rig->queue, 2, SIZE_MAX, &first));
    assert_true(dlr_queue_take(&rig->queue, 2, SIZE_MAX, &second));
    /* They come to rest in the other order; the log decides which is older. */
    dlr_queue_rest(&rig->queue, &second);
    dlr_queue_rest(&rig->queue, &first);
    assert_int_equal(queue_rig_append(rig, "g"), DATALYR_OK);
    assert_int_equal(first.live, 1);
    assert_int_equal(queue_rig_append(rig, "h"), DATALYR_OK);
    assert_int_equal(first.live, 0);
    assert_int_equal(queue_rig_append(rig, "i"), DATALYR_OK);
    assert_int_equal(second.live, 1);
    dlr_queue_resume(&rig->queue, &first);
    dlr_queue_resume(&rig->queue, &second);
    assert_string_equal(queue_rig_texts(&second, texts, sizeof texts), "d");
    /* In flight, "d" is safe; the oldest that waits goes. */
    assert_int_equal(queue_rig_append(rig, "j"), DATALYR_OK);
    assert_int_equal(second.live, 1);
    dlr_queue_deliver(&rig->queue, &second, NULL, 0, 0);
    assert_true(dlr_queue_take(&rig->queue, 10, SIZE_MAX, &first));
    assert_string_equal(queue_rig_texts(&first, texts, sizeof texts),
                        "f,g,h,i,j");
    dlr_queue_drop(&rig->queue, &first, DATALYR_DROP_CLOSE_TIMEOUT);
    queue_rig_close(rig);
}

static void halves_of_a_split_slice_hold_each_event_once(void **state)
{
    struct queue_rig *rig = open_with(letters, 7);
    struct dlr_slice first;
    struct dlr_slice second;
    struct dlr_slice third;
    char texts[64];
    datalyr_ledger ledger;

    (void)state;
    assert_true(dlr_queue_take(&rig->queue, 10, SIZE_MAX, &first));
    dlr_queue_split(&rig->queue, &first, &second);
    assert_string_equal(queue_rig_texts(&first, texts, sizeof texts), "a,b,c");
    assert_string_equal(queue_rig_texts(&second, texts, sizeof texts),
                        "d,e,f,g");
    dlr_queue_split(&rig->queue, &first, &third);
    assert_string_equal(queue_rig_texts(&first, texts, sizeof texts), "a");
    assert_string_equal(queue_rig_texts(&third, texts, sizeof texts), "b,c");
    dlr_queue_drop(&rig->queue, &first, DATALYR_DROP_PERMANENT_CLIENT_ERROR);
    dlr_queue_deliver(&rig->queue, &second, NULL, 0, 0);
    dlr_queue_deliver(&rig->queue, &third, NULL, 0, 0);
    ledger = queue_rig_ledger(rig);
    assert_int_equal(ledger.delivered, 6);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 1);
    assert_int_equal(ledger.in_flight, 0);
    assert_conserved(&ledger);
    queue_rig_close(rig);
}

static void a_slice_of_which_all_is_dropped_one_by_one_lets_go(void **state)
{
    struct queue_rig *rig = open_with(letters, 3);
    struct dlr_slice slice;
    struct dlr_walk walk;
    struct dlr_position at;
    struct dlr_text json;

    (void)state;
    assert_true(dlr_queue_take(&rig->queue, 10, SIZE_MAX, &slice));
    walk = dlr_slice_walk(&slice);
    while (dlr_walk_next(&walk, &at, &json)) {
        dlr_queue_drop_one(&rig->queue, &slice, at, DATALYR_DROP_BEFORE_SEND);
    }
    assert_int_equal(slice.live, 0);
    assert_int_equal(rig->queue.first->pins, 0);
    assert_int_equal(queue_rig_ledger(rig).in_flight, 0);
    queue_rig_close(rig);
}

/* ---- segments */

static unsigned count_pins(const struct queue_rig *rig)
{
    unsigned pins = 0;

    for (const struct dlr_segment *segment = rig->queue.first; segment != NULL;
         segment = segment->next) {
        pins += segment->pins;
    }
    return pins;
}

static struct queue_rig *open_small_segments(void)
{
    struct dlr_queue_config config = queue_rig_config();

    config.max_bytes = (uint64_t)256 << 10; /* segments of 16 KiB */
    return queue_rig_open(config);
}

static void a_segment_leaves_from_the_middle_of_the_log(void **state)
{
    struct queue_rig *rig = open_small_segments();
    struct dlr_slice slices[3];

    (void)state;
    for (int i = 0; i < 12; i++) { /* four in each of three segments */
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(dlr_queue_take(&rig->queue, 4, SIZE_MAX, &slices[i]));
    }
    assert_int_equal(queue_rig_segments(rig), 3);
    dlr_queue_deliver(&rig->queue, &slices[1], NULL, 0, 0);
    assert_int_equal(queue_rig_segments(rig), 2);
    dlr_queue_deliver(&rig->queue, &slices[0], NULL, 0, 0);
    assert_int_equal(queue_rig_segments(rig), 1);
    dlr_queue_deliver(&rig->queue, &slices[2], NULL, 0, 0);
    assert_int_equal(queue_rig_ledger(rig).delivered, 12);
    queue_rig_close(rig);
}

static void a_slice_over_several_segments_holds_them_all(void **state)
{
    struct queue_rig *rig = open_small_segments();
    struct dlr_slice slice;
    struct dlr_slice second;

    (void)state;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&rig->queue, 40, SIZE_MAX, &slice));
    assert_int_equal(queue_rig_segments(rig), 10);
    assert_int_equal(count_pins(rig), 10);
    dlr_queue_split(&rig->queue, &slice, &second);
    dlr_queue_deliver(&rig->queue, &slice, NULL, 0, 0);
    dlr_queue_deliver(&rig->queue, &second, NULL, 0, 0);
    assert_int_equal(count_pins(rig), 0);
    assert_int_equal(queue_rig_segments(rig), 1);
    queue_rig_close(rig);
}

static void evicting_a_resting_slice_lets_its_segments_go(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct queue_rig *rig;
    struct dlr_slice slice;

    (void)state;
    config.max_bytes = (uint64_t)256 << 10;
    config.max_events = 40;
    config.keeps_dropped = false;
    rig = queue_rig_open(config);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(queue_rig_append_len(rig, 4000), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&rig->queue, 40, SIZE_MAX, &slice));
    dlr_queue_rest(&rig->queue, &slice);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(queue_rig_append_len(rig, 10), DATALYR_OK);
    }
    assert_int_equal(slice.live, 0);
    assert_int_equal(count_pins(rig), 0);
    assert_int_equal(queue_rig_segments(rig), 2);
    dlr_queue_resume(&rig->queue, &slice);
    assert_int_equal(queue_rig_ledger(rig).in_flight, 0);
    queue_rig_close(rig);
}

/* ---- a slice that is taken while others evict */

/* The lock goes to whoever comes first: under a sanitizer that is the evictor
 * for seconds, and the test took minutes. */
#ifdef __SANITIZE_THREAD__
#    define ROUNDS 500
#else
#    define ROUNDS 20000
#endif

struct evictor {
    struct queue_rig *rig;
    atomic_bool should_stop;
    struct dlr_thread thread;
};

static void evict_for_ever(void *self)
{
    struct evictor *evictor = self;

    while (!atomic_load(&evictor->should_stop)) {
        (void)queue_rig_append_len(evictor->rig, 16000);
    }
}

/* Taking happens in steps; between two of them a whole segment may be evicted.
 * What it holds is to be reported, so it stays in the log in the middle of the
 * slice, and whoever lets go of the slice must leave it alone. */
static void taking_and_evicting_at_once_keep_the_pins_right(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct evictor evictor = {0};
    struct dlr_slice slice;
    datalyr_ledger ledger;

    (void)state;
    config.max_bytes = (uint64_t)256 << 10;
    config.max_events = DLR_LOG_STEP + 4;
    evictor.rig = queue_rig_open(config);
    assert_int_equal(
        dlr_thread_start(&evictor.thread, "evictor", evict_for_ever, &evictor),
        0);
    for (int i = 0; i < ROUNDS; i++) {
        for (unsigned j = 0; j < DLR_LOG_STEP; j++) {
            (void)queue_rig_append_len(evictor.rig, 10);
        }
        if (dlr_queue_take(&evictor.rig->queue, 300, SIZE_MAX, &slice)) {
            dlr_queue_deliver(&evictor.rig->queue, &slice, NULL, 0, 0);
        }
    }
    atomic_store(&evictor.should_stop, true);
    dlr_thread_join(&evictor.thread);
    assert_int_equal(count_pins(evictor.rig), 0);
    ledger = queue_rig_ledger(evictor.rig);
    assert_int_equal(ledger.in_flight, 0);
    assert_conserved(&ledger);
    queue_rig_close(evictor.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_takes_up_to_its_limits_and_at_least_one),
        cmocka_unit_test(an_empty_queue_has_no_slice),
        cmocka_unit_test(rejected_events_stay_in_flight_until_they_are_dropped),
        cmocka_unit_test(
            the_oldest_resting_event_is_evicted_before_waiting_ones),
        cmocka_unit_test(halves_of_a_split_slice_hold_each_event_once),
        cmocka_unit_test(a_slice_of_which_all_is_dropped_one_by_one_lets_go),
        cmocka_unit_test(a_segment_leaves_from_the_middle_of_the_log),
        cmocka_unit_test(a_slice_over_several_segments_holds_them_all),
        cmocka_unit_test(evicting_a_resting_slice_lets_its_segments_go),
        cmocka_unit_test(taking_and_evicting_at_once_keep_the_pins_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
