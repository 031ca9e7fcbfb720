/* SPDX-License-Identifier: MIT */
/* When what leaves the queue: cycles, back-off, holds, order, limits. */
#include "sender/state.h"
#include "support/sender_rig.h"

#define DAY_MS INT64_C(86400000)

static const struct dlr_capture_step accepted = {.http_status = 200};
static const struct dlr_capture_step failing = {.http_status = 500};
static const struct dlr_capture_step never = {.delay_polls = DLR_CAPTURE_NEVER};

static void track_many(struct sender_rig *rig, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "e%u", i);
        assert_int_equal(sender_rig_track(rig, id), DATALYR_OK);
    }
}

/* One event whose requests all fail, asked for now. */
static struct sender_rig *open_failing(uint32_t retry_limit)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    settings.retry_limit = retry_limit;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, NULL, 0, failing);
    assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    (void)sender_rig_flush(rig);
    return rig;
}

static void nothing_is_sent_before_flush_at_or_the_interval(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    sender_rig_step(rig);
    assert_true(rig->wait_ms >= 10000); /* asleep until somebody calls */
    track_many(rig, 19);
    sender_rig_step(rig);
    assert_int_equal(rig->submits, 0);
    assert_int_equal(rig->wait_ms, 10000);
    rig->queue_rig->now_ms += 9999;
    sender_rig_step(rig);
    assert_int_equal(rig->submits, 0);
    rig->queue_rig->now_ms += 1;
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 19);
    assert_int_equal(rig->delivered, 19);
    sender_rig_close(rig);
}

static void flush_at_sends_at_once_and_what_comes_later_waits(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    track_many(rig, 20);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->delivered, 20);
    assert_int_equal(dlr_capture_peak(rig->capture), 10);
    track_many(rig, 1);
    sender_rig_run(rig, 9999);
    assert_int_equal(rig->delivered, 20);
    sender_rig_run(rig, 1);
    assert_int_equal(rig->delivered, 21);
    sender_rig_close(rig);
}

static void a_single_event_is_sent_as_it_lies_in_the_log(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());
    const struct dlr_capture_record *record;

    (void)state;
    assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    assert_int_equal(sender_rig_flush(rig), 1);
    sender_rig_run(rig, 0);
    record = dlr_capture_at(rig->capture, 0);
    assert_string_equal(record->body, "{\"eventId\":\"a\"}");
    assert_int_equal(record->batch_size, 0);
    assert_int_equal(record->timeout_ms, 10000);
    assert_false(record->is_gzip);
    sender_rig_close(rig);
}

static void each_retry_waits_longer_between_half_and_whole(void **state)
{
    static const int64_t longest_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
    struct sender_rig *rig = open_failing(6);

    (void)state;
    sender_rig_run(rig, 36000);
    assert_true(rig->error_count >= 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(rig->errors[i].attempt, i + 1);
        assert_true(rig->errors[i].retry_in_ms >= longest_ms[i] / 2);
        assert_true(rig->errors[i].retry_in_ms <= longest_ms[i]);
    }
    sender_rig_close(rig);
}

static void after_the_retries_events_rest_one_interval(void **state)
{
    struct sender_rig *rig = open_failing(3);

    (void)state;
    sender_rig_run(rig, 8000); /* 1 + 2 + 4 s at most, then the rest */
    assert_int_equal(rig->submits, 4);
    assert_int_equal(rig->errors[3].attempt, 4);
    assert_int_equal(rig->errors[3].retry_in_ms, 10000);
    assert_int_equal(sender_rig_ledger(rig).pending, 1);
    sender_rig_run(rig, 11000);
    assert_true(rig->submits > 4);
    assert_int_equal(rig->errors[4].attempt, 1);
    sender_rig_close(rig);
}

static void after_ten_cycles_events_are_given_up(void **state)
{
    struct sender_rig *rig = open_failing(3);
    datalyr_ledger ledger;

    (void)state;
    sender_rig_run(rig, DAY_MS);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(rig->submits, 40); /* the vendor's worst case */
    assert_int_equal(ledger.dropped[DATALYR_DROP_MAX_FLUSH_ATTEMPTS], 1);
    assert_int_equal(rig->dropped[DATALYR_DROP_MAX_FLUSH_ATTEMPTS], 1);
    assert_string_equal(rig->dropped_ids, "a ");
    assert_int_equal(rig->error_count, 40);
    assert_int_equal(rig->errors[39].retry_in_ms, -1);
    assert_int_equal(ledger.requests, 40);
    assert_int_equal(ledger.retries, 39);
    assert_int_equal(ledger.failures, 40);
    sender_rig_close(rig);
}

static void no_retries_means_one_attempt_a_cycle(void **state)
{
    struct sender_rig *rig = open_failing(0);

    (void)state;
    sender_rig_run(rig, DAY_MS);
    assert_int_equal(rig->submits, 10);
    sender_rig_close(rig);
}

static void a_flush_ends_the_rest(void **state)
{
    struct sender_rig *rig = open_failing(3);

    (void)state;
    sender_rig_run(rig, 8000);
    assert_int_equal(rig->submits, 4);
    dlr_capture_script(rig->capture, NULL, 0, accepted);
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->delivered, 1);
    sender_rig_close(rig);
}

static void a_flush_does_not_end_a_back_off(void **state)
{
    struct sender_rig *rig = open_failing(3);

    (void)state;
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 1);
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 1);
    sender_rig_close(rig);
}

static void one_failing_request_does_not_hold_back_the_others(void **state)
{
    static const struct dlr_capture_step script[] = {{.http_status = 503}};
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    dlr_capture_script(rig->capture, script, 1, accepted);
    track_many(rig, 20);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->delivered, 19);
    sender_rig_run(rig, 1000);
    assert_int_equal(rig->delivered, 20);
    sender_rig_close(rig);
}

/* ---- Retry-After */

static void check_hold(int32_t status)
{
    struct dlr_capture_step script[] = {
        {.http_status = status, .retry_after_ms = 5000}};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    settings.max_in_flight = 1;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, script, 1, accepted);
    track_many(rig, 20);
    sender_rig_run(rig, 4999);
    assert_int_equal(rig->submits, 1);
    assert_int_equal(rig->errors[0].retry_in_ms, 5000);
    (void)sender_rig_flush(rig); /* not even a flush ends it */
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 1);
    sender_rig_run(rig, 1);
    assert_int_equal(rig->delivered, 20);
    sender_rig_close(rig);
}

static void retry_after_holds_the_whole_host(void **state)
{
    (void)state;
    check_hold(429);
    check_hold(503);
}

static void retry_after_on_another_status_holds_that_request_only(void **state)
{
    static const struct dlr_capture_step script[] = {
        {.http_status = 500, .retry_after_ms = 5000}};
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    dlr_capture_script(rig->capture, script, 1, accepted);
    track_many(rig, 20);
    sender_rig_run(rig, 4999);
    assert_int_equal(rig->delivered, 19);
    sender_rig_run(rig, 1);
    assert_int_equal(rig->delivered, 20);
    sender_rig_close(rig);
}

static void during_a_hold_the_sender_sleeps(void **state)
{
    static const struct dlr_capture_step script[] = {
        {.http_status = 429, .retry_after_ms = 30000}};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    settings.max_in_flight = 1;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, script, 1, accepted);
    track_many(rig, 20);
    sender_rig_run(rig, 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(sender_rig_track(rig, "more"), DATALYR_OK);
        sender_rig_step(rig);
        assert_int_equal(rig->wait_ms, 30000);
    }
    sender_rig_close(rig);
}

static void the_rate_limit_holds_with_its_burst(void **state)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    settings.max_requests_per_second = 50;
    rig = sender_rig_open(settings);
    track_many(rig, 200);
    sender_rig_run(rig, 0);
    assert_int_equal(rig->submits, 50);
    sender_rig_run(rig, 1000);
    assert_int_equal(rig->submits, 100);
    sender_rig_run(rig, 2000);
    assert_int_equal(rig->submits, 200);
    sender_rig_close(rig);
}

/* ---- order */

/* Delivers eight events in order although requests fail in this way. */
static void check_order(const struct dlr_capture_step *script, size_t count,
                        datalyr_batch_mode batch)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    settings.max_in_flight = 1;
    settings.batch = batch;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, script, count, accepted);
    track_many(rig, 8);
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 60000);
    assert_string_equal(rig->delivered_ids, "e0 e1 e2 e3 e4 e5 e6 e7 ");
    assert_int_equal(dlr_capture_peak(rig->capture), 1);
    sender_rig_close(rig);
}

static void one_in_flight_keeps_the_order_over_failures(void **state)
{
    static const struct dlr_capture_step script[] = {
        {.http_status = 500}, {.http_status = 200}, {.http_status = -1}};

    (void)state;
    check_order(script, 3, DATALYR_BATCH_NEVER);
}

/* The halves of a refused batch, and their halves, keep their places, also
 * when one of them has to wait. */
static void one_in_flight_keeps_the_order_over_splits(void **state)
{
    static const struct dlr_capture_step script[] = {{.http_status = 413},
                                                     {.http_status = 413},
                                                     {.http_status = 500},
                                                     {.http_status = 200},
                                                     {.http_status = 503}};

    (void)state;
    check_order(script, 2, DATALYR_BATCH_ALWAYS);
    check_order(script, 5, DATALYR_BATCH_ALWAYS);
}

/* ---- close */

static void stopping_hands_back_everything_once(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());
    datalyr_ledger ledger;

    (void)state;
    dlr_capture_script(rig->capture, &failing, 1, never);
    track_many(rig, 30);
    for (int i = 0; i < 5; i++) {
        sender_rig_step(rig);
    }
    assert_int_equal(dlr_capture_in_flight(rig->capture), 10);
    dlr_queue_close(rig->queue);
    dlr_sender_stop(rig->sender, DLR_STOP_DROP);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger.dropped[DATALYR_DROP_CLOSE_TIMEOUT], 30);
    assert_int_equal(rig->dropped[DATALYR_DROP_CLOSE_TIMEOUT], 30);
    assert_int_equal(rig->dropped_without_body, 0);
    assert_int_equal(dlr_capture_in_flight(rig->capture), 0);
    sender_rig_close(rig);
}

/* ---- hooks and pressure */

/* A hook that answers each drop with an event must not keep the sender from
 * its work: with a full queue that event causes the next drop. */
static void a_drop_hook_that_tracks_does_not_starve_the_sender(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct sender_rig *rig;

    (void)state;
    config.max_events = 30;
    rig = sender_rig_open_with(sender_rig_settings(), config);
    dlr_capture_script(rig->capture, NULL, 0, never);
    rig->should_track = true;
    track_many(rig, 40);
    sender_rig_step(rig);
    assert_true(rig->dropped[DATALYR_DROP_QUEUE_OVERFLOW] >= 10);
    assert_int_equal(rig->wait_ms, 0); /* there is more to report */
    sender_rig_step(rig);
    assert_true(sender_rig_ledger(rig).calls < 100);
    rig->should_track = false;
    sender_rig_close(rig);
}

static void overflow_is_logged_once(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct sender_rig *rig;
    const char *found;

    (void)state;
    config.max_events = 5;
    rig = sender_rig_open_with(sender_rig_settings(), config);
    track_many(rig, 20);
    sender_rig_run(rig, 0);
    track_many(rig, 20);
    sender_rig_run(rig, 0);
    found = strstr(rig->log, "queue is full");
    assert_non_null(found);
    assert_null(strstr(found + 1, "queue is full"));
    sender_rig_close(rig);
}

static void a_transport_that_takes_nothing_is_asked_again_later(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    dlr_capture_refuse(rig->capture, DATALYR_NOMEM, 3);
    track_many(rig, 1);
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 2999);
    assert_int_equal(rig->delivered, 0);
    sender_rig_run(rig, 1);
    assert_int_equal(rig->delivered, 1);
    assert_int_equal(sender_rig_ledger(rig).requests, 1);
    sender_rig_close(rig);
}

/* Nobody calls it any more, and nothing else would wake it. */
static void a_sender_that_sleeps_gives_back_the_memory_of_a_burst(void **state)
{
    static char event[4000];
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());
    bool wakes;

    (void)state;
    memset(event, ' ', sizeof event);
    memcpy(event, "{\"eventId\":\"a\"", 14);
    event[sizeof event - 1] = '}';
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(dlr_queue_append(rig->queue,
                                          dlr_text_n(event, sizeof event), NULL,
                                          &wakes),
                         DATALYR_OK);
    }
    sender_rig_run(rig, 0);
    assert_int_equal(sender_rig_ledger(rig).delivered, 1000);
    assert_true(rig->queue->spare_count > DLR_LOG_SPARES);
    sender_rig_run(rig, 20000);
    assert_int_equal(rig->queue->spare_count, DLR_LOG_SPARES);
    sender_rig_step(rig);
    assert_true(rig->wait_ms > 2 * DLR_LOG_SHED_MS);
    sender_rig_close(rig);
}

static void a_queue_of_failures_stays_below_the_job_limit(void **state)
{
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    config.max_events = 20000;
    settings.max_in_flight = 100;
    settings.max_in_flight_events = 15000;
    rig = sender_rig_open_with(settings, config);
    dlr_capture_script(rig->capture, NULL, 0, failing);
    track_many(rig, 10000);
    sender_rig_run(rig, 499);
    assert_int_equal(rig->submits, 4096);
    dlr_capture_script(rig->capture, NULL, 0, accepted);
    sender_rig_run(rig, 60000);
    assert_int_equal(rig->delivered, 10000);
    sender_rig_close(rig);
}

/* Somebody closes while the first body is on its way. */
static datalyr_status submit_and_stop(struct dlr_transport *spy,
                                      struct dlr_request *request)
{
    atomic_store(&sender_rig_of(spy)->sender->stop, 1 + DLR_STOP_DROP);
    return sender_rig_submit(spy, request);
}

static void a_stop_is_seen_between_two_requests(void **state)
{
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    rig->spy.submit = submit_and_stop;
    dlr_capture_script(rig->capture, NULL, 0, never);
    track_many(rig, 20);
    sender_rig_step(rig);
    assert_int_equal(rig->submits, 1);
    sender_rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_flush_at_or_the_interval),
        cmocka_unit_test(flush_at_sends_at_once_and_what_comes_later_waits),
        cmocka_unit_test(a_single_event_is_sent_as_it_lies_in_the_log),
        cmocka_unit_test(each_retry_waits_longer_between_half_and_whole),
        cmocka_unit_test(after_the_retries_events_rest_one_interval),
        cmocka_unit_test(after_ten_cycles_events_are_given_up),
        cmocka_unit_test(no_retries_means_one_attempt_a_cycle),
        cmocka_unit_test(a_flush_ends_the_rest),
        cmocka_unit_test(a_flush_does_not_end_a_back_off),
        cmocka_unit_test(one_failing_request_does_not_hold_back_the_others),
        cmocka_unit_test(retry_after_holds_the_whole_host),
        cmocka_unit_test(retry_after_on_another_status_holds_that_request_only),
        cmocka_unit_test(during_a_hold_the_sender_sleeps),
        cmocka_unit_test(the_rate_limit_holds_with_its_burst),
        cmocka_unit_test(one_in_flight_keeps_the_order_over_failures),
        cmocka_unit_test(one_in_flight_keeps_the_order_over_splits),
        cmocka_unit_test(stopping_hands_back_everything_once),
        cmocka_unit_test(a_drop_hook_that_tracks_does_not_starve_the_sender),
        cmocka_unit_test(overflow_is_logged_once),
        cmocka_unit_test(a_transport_that_takes_nothing_is_asked_again_later),
        cmocka_unit_test(a_sender_that_sleeps_gives_back_the_memory_of_a_burst),
        cmocka_unit_test(a_queue_of_failures_stays_below_the_job_limit),
        cmocka_unit_test(a_stop_is_seen_between_two_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
