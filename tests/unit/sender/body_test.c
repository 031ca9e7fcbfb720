/* SPDX-License-Identifier: MIT */
/* before_send on the way into a body, and bodies for which there is no memory. */
#include "support/sender_rig.h"

#include "base/mem.h"

static const struct dlr_capture_step accepted = {.http_status = 200};

static struct sender_rig *open_with_hook(datalyr_batch_mode batch)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    settings.batch = batch;
    settings.hooks.before_send = sender_rig_before_send;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, NULL, 0, accepted);
    return rig;
}

static void track_abc(struct sender_rig *rig)
{
    assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    assert_int_equal(sender_rig_track(rig, "b"), DATALYR_OK);
    assert_int_equal(sender_rig_track(rig, "c"), DATALYR_OK);
    (void)sender_rig_flush(rig);
}

static void before_send_refuses_one_event_of_a_batch(void **state)
{
    struct sender_rig *rig = open_with_hook(DATALYR_BATCH_ALWAYS);
    const char *body;

    (void)state;
    rig->refused_id[0] = 'b';
    track_abc(rig);
    sender_rig_run(rig, 0);
    body = dlr_capture_at(rig->capture, 0)->body;
    assert_int_equal(dlr_capture_at(rig->capture, 0)->batch_size, 2);
    assert_non_null(strstr(body, "[{\"eventId\":\"a\"},{\"eventId\":\"c\"}]"));
    assert_int_equal(rig->dropped[DATALYR_DROP_BEFORE_SEND], 1);
    assert_string_equal(rig->dropped_ids, "b ");
    assert_string_equal(rig->delivered_ids, "a c ");
    assert_int_equal(rig->before_send_calls, 3);
    sender_rig_close(rig);
}

static void before_send_replaces_an_event_compactly(void **state)
{
    struct sender_rig *rig = open_with_hook(DATALYR_BATCH_NEVER);

    (void)state;
    rig->replaced_id[0] = 'b';
    track_abc(rig);
    sender_rig_run(rig, 0);
    assert_int_equal(dlr_capture_count(rig->capture), 3);
    assert_string_equal(dlr_capture_at(rig->capture, 1)->body,
                        "{\"eventId\":\"x\",\"scrubbed\":1}");
    /* Hooks go on telling of the event as it was recorded. */
    assert_string_equal(rig->delivered_ids, "a b c ");
    sender_rig_close(rig);
}

static void a_refused_single_event_makes_no_request(void **state)
{
    struct sender_rig *rig = open_with_hook(DATALYR_BATCH_NEVER);

    (void)state;
    rig->refused_id[0] = 'b';
    track_abc(rig);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 2);
    assert_int_equal(sender_rig_ledger(rig).dropped[DATALYR_DROP_BEFORE_SEND],
                     1);
    sender_rig_close(rig);
}

static datalyr_decision replace_badly(const datalyr_record *event,
                                      datalyr_replacement *replacement,
                                      void *user_data)
{
    (void)event;
    (void)user_data;
    assert_int_equal(datalyr_replace(replacement, "[1]", 3), DATALYR_INVALID);
    assert_int_equal(datalyr_replace(replacement, "{", 1), DATALYR_INVALID);
    assert_int_equal(datalyr_replace(replacement, NULL, 0), DATALYR_INVALID);
    return DATALYR_REPLACE;
}

static datalyr_decision replace_without_text(const datalyr_record *event,
                                             datalyr_replacement *replacement,
                                             void *user_data)
{
    (void)event;
    (void)replacement;
    (void)user_data;
    return DATALYR_REPLACE;
}

static void a_bad_replacement_never_lets_the_original_out(void **state)
{
    struct dlr_sender_settings settings = sender_rig_settings();

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sender_rig *rig;

        settings.hooks.before_send =
            i == 0 ? replace_badly : replace_without_text;
        rig = sender_rig_open(settings);
        track_abc(rig);
        sender_rig_run(rig, 0);
        assert_int_equal(rig->submits, 0);
        assert_int_equal(rig->dropped[DATALYR_DROP_BEFORE_SEND], 3);
        sender_rig_close(rig);
    }
    assert_int_equal(datalyr_replace(NULL, "{}", 2), DATALYR_INVALID);
}

/* Each allocation of a round fails in turn. Whatever is missing, the events are
 * delivered later: none is dropped for want of memory. */
static void try_with_failure_at(uint64_t n, bool has_hook)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;
    datalyr_ledger ledger;

    settings.batch = DATALYR_BATCH_ALWAYS;
    settings.compression = DATALYR_COMPRESSION_GZIP;
    if (has_hook) {
        settings.hooks.before_send = sender_rig_before_send;
    }
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, NULL, 0, accepted);
    rig->replaced_id[0] = 'b';
    track_abc(rig);
    dlr_mem_set_fail_at(n);
    sender_rig_run(rig, 5000);
    dlr_mem_set_fail_at(0);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.delivered, 3);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 0);
    sender_rig_close(rig);
}

static void no_event_is_lost_for_want_of_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        try_with_failure_at(n, false);
        try_with_failure_at(n, true);
    }
}

static void without_any_memory_the_sender_waits_and_does_not_spin(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    track_abc(rig);
    dlr_mem_set_fail_from(1);
    sender_rig_run(rig, 5000); /* fails if it spins */
    dlr_mem_set_fail_at(0);
    sender_rig_run(rig, 5000);
    assert_int_equal(sender_rig_ledger(rig).delivered, 3);
    sender_rig_close(rig);
}

/* Requests that are never answered hold what they were made of, packed or not:
 * what they may hold is a share of the log, so that something can go for what is
 * new. */
static void hold_all_requests(datalyr_compression_mode mode)
{
    static const struct dlr_capture_step never = {.delay_polls =
                                                      DLR_CAPTURE_NEVER};
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    config.max_events = 100000;
    config.max_bytes = (size_t)3 << 20;
    settings.max_in_flight_events = 75000;
    settings.max_batch_bytes = (size_t)512 << 10;
    settings.body_budget = (size_t)1 << 20;
    settings.batch = DATALYR_BATCH_ALWAYS;
    settings.compression = mode;
    rig = sender_rig_open_with(settings, config);
    dlr_capture_script(rig->capture, NULL, 0, never);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(queue_rig_append_len(rig->queue_rig, 1000),
                         DATALYR_OK);
        if (i % 1000 == 999) {
            sender_rig_step(rig);
            assert_true(rig->queue->in_flight_events * 1000 <=
                        settings.body_budget +
                            (size_t)settings.max_in_flight * 1000);
        }
    }
    assert_true(rig->queue->in_flight_events > 900);
    sender_rig_close(rig);
}

static void
requests_never_hold_so_much_that_nothing_can_be_evicted(void **state)
{
    (void)state;
    hold_all_requests(DATALYR_COMPRESSION_NONE);
    hold_all_requests(DATALYR_COMPRESSION_GZIP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_send_refuses_one_event_of_a_batch),
        cmocka_unit_test(before_send_replaces_an_event_compactly),
        cmocka_unit_test(a_refused_single_event_makes_no_request),
        cmocka_unit_test(a_bad_replacement_never_lets_the_original_out),
        cmocka_unit_test(no_event_is_lost_for_want_of_memory),
        cmocka_unit_test(without_any_memory_the_sender_waits_and_does_not_spin),
        cmocka_unit_test(
            requests_never_hold_so_much_that_nothing_can_be_evicted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
