/* SPDX-License-Identifier: MIT */
/* What becomes of events by the answer: delivered, dropped, split, parked; and
 * what the sender learns from an answer. */
#include "support/sender_rig.h"

static const struct dlr_capture_step accepted = {.http_status = 200};

static struct sender_rig *open_batching(unsigned count)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    settings.batch = DATALYR_BATCH_ALWAYS;
    rig = sender_rig_open(settings);
    for (unsigned i = 0; i < count; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "e%u", i);
        assert_int_equal(sender_rig_track(rig, id), DATALYR_OK);
    }
    return rig;
}

static void flush(struct sender_rig *rig)
{
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 0);
}

static const struct dlr_capture_record *request_at(struct sender_rig *rig,
                                                   size_t index)
{
    assert_true(index < dlr_capture_count(rig->capture));
    return dlr_capture_at(rig->capture, index);
}

static void every_2xx_delivers(void **state)
{
    static const int32_t statuses[] = {200, 201, 202, 204, 299};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct dlr_capture_step step = {.http_status = statuses[i]};
        struct sender_rig *rig = sender_rig_open(sender_rig_settings());

        dlr_capture_script(rig->capture, NULL, 0, step);
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
        flush(rig);
        assert_int_equal(rig->delivered, 1);
        assert_int_equal(rig->error_count, 0);
        sender_rig_close(rig);
    }
}

static void other_4xx_drop_a_single_event_without_retry(void **state)
{
    static const int32_t statuses[] = {400, 401, 403, 404, 405, 409, 413, 422};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct dlr_capture_step step = {.http_status = statuses[i]};
        struct sender_rig *rig = sender_rig_open(sender_rig_settings());
        datalyr_ledger ledger;

        dlr_capture_script(rig->capture, NULL, 0, step);
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
        flush(rig);
        ledger = sender_rig_ledger(rig);
        assert_int_equal(ledger.dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR],
                         1);
        assert_int_equal(rig->dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR], 1);
        assert_string_equal(rig->dropped_ids, "a ");
        assert_int_equal(rig->error_count, 1);
        assert_int_equal(rig->errors[0].retry_in_ms, -1);
        assert_int_equal(rig->errors[0].http_status, statuses[i]);
        assert_int_equal(rig->submits, 1);
        sender_rig_close(rig);
    }
}

static void retried_statuses_are_retried(void **state)
{
    static const int32_t statuses[] = {-1,  301, 302, 304, 307, 408,
                                       429, 500, 502, 503, 504, 599};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct dlr_capture_step step = {.http_status = statuses[i]};
        struct sender_rig *rig = sender_rig_open(sender_rig_settings());

        dlr_capture_script(rig->capture, &step, 1, accepted);
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
        flush(rig);
        assert_int_equal(rig->delivered, 0);
        assert_int_equal(rig->error_count, 1);
        assert_int_equal(rig->errors[0].http_status,
                         statuses[i] < 0 ? 0 : statuses[i]);
        sender_rig_run(rig, 1000);
        assert_int_equal(rig->delivered, 1);
        sender_rig_close(rig);
    }
}

static void a_refused_key_is_told_once(void **state)
{
    struct dlr_capture_step step = {.http_status = 401};
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());
    const char *found;

    (void)state;
    dlr_capture_script(rig->capture, NULL, 0, step);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    }
    flush(rig);
    found = strstr(rig->log, "refuses this client");
    assert_non_null(found);
    assert_null(strstr(found + 1, "refuses this client"));
    assert_int_equal(rig->dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR], 5);
    sender_rig_close(rig);
}

static void the_advice_fits_the_status(void **state)
{
    static const struct {
        int32_t status;
        const char *advice;
    } cases[] = {{401, "check api_key and host"},
                 {403, "check api_key and host"},
                 {404, "check the address in host"},
                 {405, "check the address in host"},
                 {407, "check proxy"},
                 {418, "check host"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dlr_capture_step step = {.http_status = cases[i].status};
        struct sender_rig *rig = sender_rig_open(sender_rig_settings());

        dlr_capture_script(rig->capture, NULL, 0, step);
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
        flush(rig);
        assert_non_null(strstr(rig->log, cases[i].advice));
        sender_rig_close(rig);
    }
}

/* ---- batches */

static void a_batch_has_its_shape_and_its_id_stays(void **state)
{
    static const struct dlr_capture_step script[] = {{.http_status = 500}};
    struct sender_rig *rig = open_batching(2);
    static const char start[] =
        "{\"events\":[{\"eventId\":\"e0\"},{\"eventId\":\"e1\"}],\"batchId\":"
        "\"";
    static const char end[] = "\",\"timestamp\":\"2026-03-04T05:06:07.089Z\"}";
    const char *body;

    (void)state;
    dlr_capture_script(rig->capture, script, 1, accepted);
    (void)sender_rig_flush(rig);
    sender_rig_run(rig, 1000);
    assert_int_equal(rig->submits, 2);
    body = request_at(rig, 0)->body;
    assert_int_equal(request_at(rig, 0)->batch_size, 2);
    assert_memory_equal(body, start, sizeof start - 1);
    assert_int_equal(strlen(body), sizeof start - 1 + 36 + sizeof end - 1);
    assert_string_equal(body + sizeof start - 1 + 36, end);
    assert_string_equal(request_at(rig, 1)->body, body);
    sender_rig_close(rig);
}

static void the_guilty_event_of_a_refused_batch_is_found(void **state)
{
    /* 8 events: 8 fail, then 4 (ok), 4 fail, 2 fail, 1 ok, 1 fails, 2 ok. */
    static const struct dlr_capture_step script[] = {
        {.http_status = 400}, {.http_status = 200}, {.http_status = 400},
        {.http_status = 400}, {.http_status = 200}, {.http_status = 400}};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;
    datalyr_ledger ledger;

    (void)state;
    settings.batch = DATALYR_BATCH_ALWAYS;
    settings.max_in_flight = 1;
    rig = sender_rig_open(settings);
    for (unsigned i = 0; i < 8; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "e%u", i);
        assert_int_equal(sender_rig_track(rig, id), DATALYR_OK);
    }
    dlr_capture_script(rig->capture, script, 6, accepted);
    flush(rig);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.delivered, 7);
    assert_int_equal(ledger.dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR], 1);
    assert_string_equal(rig->dropped_ids, "e5 ");
    assert_int_equal(rig->submits, 7);
    /* Halves are other batches. */
    assert_string_not_equal(request_at(rig, 0)->body, request_at(rig, 1)->body);
    sender_rig_close(rig);
}

static void rejected_events_of_a_batch_are_dropped_by_index(void **state)
{
    static const struct dlr_capture_step step = {
        .http_status = 200,
        .body = "{\"success\":true,\"accepted\":2,\"duplicates\":1,"
                "\"rejected\":[{\"index\":3,\"error\":\"bad\\u001b[31m\"},"
                "{\"index\":0,\"eventId\":\"e0\",\"error\":\"old\"},"
                "{\"index\":0},{\"index\":99},{\"index\":-1},{}]}"};
    struct sender_rig *rig = open_batching(4);
    datalyr_ledger ledger;

    (void)state;
    dlr_capture_script(rig->capture, NULL, 0, step);
    flush(rig);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.delivered, 2);
    assert_int_equal(ledger.duplicates, 1);
    assert_int_equal(ledger.dropped[DATALYR_DROP_REJECTED_BY_SERVER], 2);
    assert_string_equal(rig->delivered_ids, "e1 e2 ");
    assert_string_equal(rig->dropped_ids, "e0 e3 ");
    assert_null(strchr(rig->log, '\x1b'));
    sender_rig_close(rig);
}

static void a_single_event_can_be_rejected_by_a_200(void **state)
{
    static const struct dlr_capture_step step = {
        .http_status = 200,
        .body = "{\"rejected\":[{\"index\":0,\"error\":\"no\"}]}"};
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    dlr_capture_script(rig->capture, NULL, 0, step);
    assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    flush(rig);
    assert_int_equal(rig->delivered, 0);
    assert_int_equal(rig->dropped[DATALYR_DROP_REJECTED_BY_SERVER], 1);
    sender_rig_close(rig);
}

static void garbage_in_a_200_is_plain_success(void **state)
{
    static const char *const bodies[] = {"",
                                         "OK",
                                         "[]",
                                         "{\"rejected\":5}",
                                         "{\"rejected\":[5]}",
                                         "{\"rejected\":[{\"index\":1.5}]}",
                                         "{\"rejected\":[{\"in",
                                         "<html>"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct dlr_capture_step step = {.http_status = 200, .body = bodies[i]};
        struct sender_rig *rig = open_batching(2);

        dlr_capture_script(rig->capture, NULL, 0, step);
        flush(rig);
        assert_int_equal(rig->delivered, 2);
        sender_rig_close(rig);
    }
}

/* ---- what the sender learns */

static void auto_switches_to_batches_when_the_server_says_so(void **state)
{
    static const struct dlr_capture_step script[] = {
        {.http_status = 200, .batch_limit = 3}};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    settings.max_in_flight = 1;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, script, 1, accepted);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    }
    flush(rig);
    assert_int_equal(rig->submits, 4); /* 1, 3, 3, 1 */
    assert_int_equal(request_at(rig, 0)->batch_size, 0);
    assert_int_equal(request_at(rig, 1)->batch_size, 3);
    assert_int_equal(request_at(rig, 2)->batch_size, 3);
    assert_int_equal(request_at(rig, 3)->batch_size, 1);
    sender_rig_close(rig);
}

/* A server that offered batches and takes none now: it was changed, or another
 * one answers at the same address. */
static void lose_batches(int32_t http_status, struct sender_rig *rig)
{
    const struct dlr_capture_step script[] = {
        {.http_status = 200, .batch_limit = 4},
        {.http_status = http_status},  /* e1 to e4 */
        {.http_status = http_status},  /* e1 and e2 */
        {.http_status = 200},          /* e1, alone */
        {.http_status = 200},          /* e2 */
        {.http_status = http_status}}; /* e3 and e4 */

    dlr_capture_script(rig->capture, script, 6, accepted);
    for (unsigned i = 0; i < 7; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "e%u", i);
        assert_int_equal(sender_rig_track(rig, id), DATALYR_OK);
    }
    flush(rig);
    sender_rig_run(rig, 100);
    assert_int_equal(rig->delivered, 7);
    assert_int_equal(request_at(rig, 1)->batch_size, 4);
    assert_int_equal(request_at(rig, 2)->batch_size, 2);
    assert_int_equal(request_at(rig, 3)->batch_size, 0);
    assert_int_equal(request_at(rig, 4)->batch_size, 0);
    assert_int_equal(request_at(rig, 5)->batch_size, 2);
}

static void auto_loses_nothing_when_batches_are_not_taken_any_more(void **state)
{
    static const int32_t statuses[] = {404, 405, 400};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct dlr_sender_settings settings = sender_rig_settings();
        struct sender_rig *rig;

        settings.max_in_flight = 1;
        rig = sender_rig_open(settings);
        lose_batches(statuses[i], rig);
        /* e5 and e6: for a 404 the offer is forgotten. */
        assert_int_equal(request_at(rig, 8)->batch_size,
                         statuses[i] == 400 ? 2 : 0);
        sender_rig_close(rig);
    }
}

static void auto_sends_a_refused_batch_of_one_as_a_single_event(void **state)
{
    static const struct dlr_capture_step script[] = {
        {.http_status = 200, .batch_limit = 4}, {.http_status = 400}};
    struct sender_rig *rig = sender_rig_open(sender_rig_settings());

    (void)state;
    dlr_capture_script(rig->capture, script, 2, accepted);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
        flush(rig);
    }
    sender_rig_run(rig, 100);
    assert_int_equal(rig->delivered, 2);
    assert_int_equal(request_at(rig, 1)->batch_size, 1);
    assert_int_equal(request_at(rig, 2)->batch_size, 0);
    sender_rig_close(rig);
}

static void never_stays_with_single_events(void **state)
{
    static const struct dlr_capture_step step = {.batch_limit = 100};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    settings.batch = DATALYR_BATCH_NEVER;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, NULL, 0, step);
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(sender_rig_track(rig, "a"), DATALYR_OK);
    }
    flush(rig);
    assert_int_equal(rig->submits, 25);
    sender_rig_close(rig);
}

static void a_batch_stays_below_its_bytes(void **state)
{
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;

    (void)state;
    settings.batch = DATALYR_BATCH_ALWAYS;
    settings.max_batch_bytes = 1024;
    rig = sender_rig_open(settings);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(sender_rig_track(rig, "abcdefghij"), DATALYR_OK);
    }
    flush(rig);
    assert_int_equal(rig->delivered, 200);
    for (size_t i = 0; i < dlr_capture_count(rig->capture); i++) {
        assert_true(request_at(rig, i)->body_len <= 1024);
        assert_true(request_at(rig, i)->batch_size > 1);
    }
    sender_rig_close(rig);
}

static bool sends_gzip(datalyr_compression_mode mode, bool server_accepts,
                       size_t event_bytes)
{
    struct dlr_capture_step step = {.accepts_gzip = server_accepts};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct sender_rig *rig;
    datalyr_ledger ledger;
    bool is_gzip;

    settings.compression = mode;
    rig = sender_rig_open(settings);
    dlr_capture_script(rig->capture, NULL, 0, step);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(queue_rig_append_len(rig->queue_rig, event_bytes),
                         DATALYR_OK);
        flush(rig);
    }
    is_gzip = request_at(rig, 1)->is_gzip;
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.body_bytes, 2 * event_bytes);
    assert_int_equal(is_gzip, ledger.sent_bytes != ledger.body_bytes);
    if (is_gzip) {
        assert_int_equal((unsigned char)request_at(rig, 1)->body[0], 0x1f);
        assert_int_equal((unsigned char)request_at(rig, 1)->body[1], 0x8b);
    }
    sender_rig_close(rig);
    return is_gzip;
}

static void gzip_follows_its_setting_and_the_server(void **state)
{
    (void)state;
    assert_true(sends_gzip(DATALYR_COMPRESSION_AUTO, true, 4000));
    assert_false(sends_gzip(DATALYR_COMPRESSION_AUTO, false, 4000));
    assert_false(sends_gzip(DATALYR_COMPRESSION_AUTO, true, 2048));
    assert_true(sends_gzip(DATALYR_COMPRESSION_AUTO, true, 2049));
    assert_false(sends_gzip(DATALYR_COMPRESSION_NONE, true, 4000));
    assert_true(sends_gzip(DATALYR_COMPRESSION_GZIP, false, 4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_2xx_delivers),
        cmocka_unit_test(other_4xx_drop_a_single_event_without_retry),
        cmocka_unit_test(retried_statuses_are_retried),
        cmocka_unit_test(a_refused_key_is_told_once),
        cmocka_unit_test(the_advice_fits_the_status),
        cmocka_unit_test(a_batch_has_its_shape_and_its_id_stays),
        cmocka_unit_test(the_guilty_event_of_a_refused_batch_is_found),
        cmocka_unit_test(rejected_events_of_a_batch_are_dropped_by_index),
        cmocka_unit_test(a_single_event_can_be_rejected_by_a_200),
        cmocka_unit_test(garbage_in_a_200_is_plain_success),
        cmocka_unit_test(auto_switches_to_batches_when_the_server_says_so),
        cmocka_unit_test(
            auto_loses_nothing_when_batches_are_not_taken_any_more),
        cmocka_unit_test(auto_sends_a_refused_batch_of_one_as_a_single_event),
        cmocka_unit_test(never_stays_with_single_events),
        cmocka_unit_test(a_batch_stays_below_its_bytes),
        cmocka_unit_test(gzip_follows_its_setting_and_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
