/* SPDX-License-Identifier: MIT */
#include "transport/capture.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct dlr_request make_request(const char *body)
{
    return (struct dlr_request){
        .body = body, .body_len = strlen(body), .timeout_ms = 1000};
}

static void requests_are_recorded_as_they_were_submitted(void **state)
{
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    char body[] = "{\"a\":1}";
    struct dlr_request request = make_request(body);
    const struct dlr_capture_record *record;

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = dlr_capture_transport(capture);
    request.batch_size = 3;
    request.is_gzip = true;
    assert_int_equal(transport->submit(transport, &request), DATALYR_OK);
    assert_int_equal(dlr_capture_in_flight(capture), 1);
    assert_ptr_equal(transport->poll(transport, 1000), &request);
    body[0] = 'X'; /* the record has a copy */
    record = dlr_capture_at(capture, 0);
    assert_int_equal(dlr_capture_count(capture), 1);
    assert_string_equal(record->body, "{\"a\":1}");
    assert_int_equal(record->batch_size, 3);
    assert_true(record->is_gzip);
    assert_int_equal(record->timeout_ms, 1000);
    assert_null(record->request);
    assert_int_equal(request.answer.http_status, 200);
    assert_int_equal(request.answer.retry_after_ms, DLR_RETRY_AFTER_NONE);
    assert_string_equal(request.answer.message, "");
    assert_null(request.handle);
    assert_null(transport->poll(transport, 1000));
    assert_int_equal(dlr_capture_in_flight(capture), 0);
    dlr_answer_clear(&request.answer);
    dlr_transport_close(&transport);
    assert_null(transport);
}

static void answers_come_as_the_script_says(void **state)
{
    static const struct dlr_capture_step steps[] = {
        {.http_status = 503, .retry_after_ms = 2000, .delay_polls = 2},
        {.http_status = DLR_CAPTURE_NO_ANSWER, .message = "cut"},
        {.batch_limit = 500, .accepts_gzip = true, .body = "{}"},
    };
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    struct dlr_request r[4];

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = dlr_capture_transport(capture);
    dlr_capture_script(capture, steps, 3,
                       (struct dlr_capture_step){.http_status = 204});
    for (size_t i = 0; i < 4; i++) {
        r[i] = make_request("x");
        assert_int_equal(transport->submit(transport, &r[i]), DATALYR_OK);
    }
    assert_int_equal(dlr_capture_peak(capture), 4);
    assert_ptr_equal(transport->poll(transport, 0), &r[1]);
    assert_ptr_equal(transport->poll(transport, 0), &r[2]);
    assert_ptr_equal(transport->poll(transport, 0), &r[3]);
    assert_null(transport->poll(transport, 0));
    assert_ptr_equal(transport->poll(transport, 0), &r[0]);
    assert_int_equal(r[0].answer.http_status, 503);
    assert_int_equal(r[0].answer.retry_after_ms, 2000);
    assert_string_equal(r[0].answer.message, "the server answered 503");
    assert_int_equal(r[1].answer.http_status, 0);
    assert_int_not_equal(r[1].answer.system_code, 0);
    assert_string_equal(r[1].answer.message, "cut");
    assert_int_equal(r[2].answer.batch_limit, 500);
    assert_true(r[2].answer.accepts_gzip);
    assert_memory_equal(r[2].answer.body.ptr, "{}", 2);
    assert_int_equal(r[3].answer.http_status, 204);
    for (size_t i = 0; i < 4; i++) {
        dlr_answer_clear(&r[i].answer);
    }
    dlr_transport_close(&transport);
}

static void test_may_finish_requests_in_any_order(void **state)
{
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    struct dlr_request r[2] = {make_request("a"), make_request("b")};

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = dlr_capture_transport(capture);
    dlr_capture_script(
        capture, NULL, 0,
        (struct dlr_capture_step){.delay_polls = DLR_CAPTURE_NEVER});
    assert_int_equal(transport->submit(transport, &r[0]), DATALYR_OK);
    assert_int_equal(transport->submit(transport, &r[1]), DATALYR_OK);
    assert_null(transport->poll(transport, -1));
    dlr_capture_finish(capture, 1, (struct dlr_capture_step){0});
    dlr_capture_finish(capture, 1, (struct dlr_capture_step){0});
    assert_ptr_equal(transport->poll(transport, 0), &r[1]);
    assert_null(transport->poll(transport, 0));
    dlr_capture_finish(capture, 0,
                       (struct dlr_capture_step){.http_status = 400});
    assert_ptr_equal(transport->poll(transport, 0), &r[0]);
    assert_int_equal(r[0].answer.http_status, 400);
    dlr_transport_close(&transport);
}

static void cancelled_request_never_comes_back(void **state)
{
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    struct dlr_request r[3] = {make_request("a"), make_request("b"),
                               make_request("c")};

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = dlr_capture_transport(capture);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(transport->submit(transport, &r[i]), DATALYR_OK);
    }
    transport->cancel(transport, &r[0]);
    transport->cancel(transport, &r[0]);
    assert_int_equal(dlr_capture_in_flight(capture), 2);
    dlr_capture_finish(capture, 1, (struct dlr_capture_step){0});
    dlr_capture_finish(capture, 2, (struct dlr_capture_step){0});
    transport->cancel(transport, &r[2]); /* finished, not polled yet */
    assert_ptr_equal(transport->poll(transport, 0), &r[1]);
    assert_null(transport->poll(transport, 0));
    assert_int_equal(dlr_capture_in_flight(capture), 0);
    assert_true(dlr_capture_at(capture, 0)->is_cancelled);
    assert_false(dlr_capture_at(capture, 1)->is_cancelled);
    transport->cancel(transport, &r[1]); /* not under way any more */
    assert_int_equal(dlr_capture_in_flight(capture), 0);
    dlr_transport_close(&transport);
}

static void submit_can_be_made_to_fail(void **state)
{
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    struct dlr_request request = make_request("a");

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = dlr_capture_transport(capture);
    dlr_capture_refuse(capture, DATALYR_NOMEM, 1);
    assert_int_equal(transport->submit(transport, &request), DATALYR_NOMEM);
    assert_null(request.handle);
    dlr_mem_set_fail_at(1);
    assert_int_equal(transport->submit(transport, &request), DATALYR_NOMEM);
    dlr_mem_set_fail_at(2);
    assert_int_equal(transport->submit(transport, &request), DATALYR_NOMEM);
    dlr_mem_set_fail_at(0);
    assert_int_equal(dlr_capture_count(capture), 0);
    assert_int_equal(transport->submit(transport, &request), DATALYR_OK);
    /* Closed while it is under way: nothing is left behind. */
    dlr_transport_close(&transport);
    assert_null(request.handle);
}

static void wakes_are_counted_and_a_child_may_abandon(void **state)
{
    struct dlr_capture *capture;
    struct dlr_transport *transport;
    struct dlr_transport *child;

    (void)state;
    assert_int_equal(dlr_capture_new(&capture), DATALYR_OK);
    transport = child = dlr_capture_transport(capture);
    transport->wake(transport);
    transport->wake(transport);
    assert_int_equal(dlr_capture_wake_count(capture), 2);
    dlr_transport_abandon(&child);
    assert_null(child);
    dlr_transport_abandon(&child);
    dlr_transport_close(&transport);
    dlr_transport_close(&transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_recorded_as_they_were_submitted),
        cmocka_unit_test(answers_come_as_the_script_says),
        cmocka_unit_test(test_may_finish_requests_in_any_order),
        cmocka_unit_test(cancelled_request_never_comes_back),
        cmocka_unit_test(submit_can_be_made_to_fail),
        cmocka_unit_test(wakes_are_counted_and_a_child_may_abandon),
    };

    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
