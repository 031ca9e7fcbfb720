/* SPDX-License-Identifier: MIT */
#include "transport/verdict.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static enum dlr_verdict judge(int32_t status)
{
    struct dlr_request request = {.batch_size = 20};

    request.answer.http_status = status;
    return dlr_verdict_of(&request);
}

static void each_status_has_its_verdict(void **state)
{
    static const struct {
        int32_t from;
        int32_t to;
        enum dlr_verdict verdict;
    } cases[] = {
        {0, 199, DLR_VERDICT_RETRY},
        {200, 299, DLR_VERDICT_DELIVERED},
        {300, 399, DLR_VERDICT_RETRY},
        {400, 400, DLR_VERDICT_REFUSED},
        {401, 401, DLR_VERDICT_UNAUTHORIZED},
        {402, 402, DLR_VERDICT_MISCONFIGURED},
        {403, 403, DLR_VERDICT_UNAUTHORIZED},
        {404, 407, DLR_VERDICT_MISCONFIGURED},
        {408, 408, DLR_VERDICT_RETRY},
        {409, 412, DLR_VERDICT_MISCONFIGURED},
        {413, 413, DLR_VERDICT_REFUSED},
        {414, 421, DLR_VERDICT_MISCONFIGURED},
        {422, 422, DLR_VERDICT_REFUSED},
        {423, 428, DLR_VERDICT_MISCONFIGURED},
        {429, 429, DLR_VERDICT_RETRY},
        {430, 499, DLR_VERDICT_MISCONFIGURED},
        {500, 999, DLR_VERDICT_RETRY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int32_t s = cases[i].from; s <= cases[i].to; s++) {
            assert_int_equal(judge(s), cases[i].verdict);
        }
    }
}

static void broken_2xx_is_tried_again_for_a_batch_only(void **state)
{
    struct dlr_request request = {.batch_size = 2};

    (void)state;
    request.answer.http_status = 200;
    request.answer.system_code = 56;
    assert_int_equal(dlr_verdict_of(&request), DLR_VERDICT_RETRY);
    request.batch_size = 0;
    assert_int_equal(dlr_verdict_of(&request), DLR_VERDICT_DELIVERED);
    request.answer.http_status = 400;
    assert_int_equal(dlr_verdict_of(&request), DLR_VERDICT_REFUSED);
}

static void host_is_held_by_429_and_503_with_a_time(void **state)
{
    struct dlr_answer answer = {.retry_after_ms = 2000};

    (void)state;
    for (int32_t status = 0; status < 600; status++) {
        answer.http_status = status;
        assert_int_equal(dlr_verdict_holds_host(&answer),
                         status == 429 || status == 503);
    }
    answer.http_status = 429;
    answer.retry_after_ms = 0;
    assert_true(dlr_verdict_holds_host(&answer));
    answer.retry_after_ms = DLR_RETRY_AFTER_NONE;
    assert_false(dlr_verdict_holds_host(&answer));
}

/* What dlr_verdict_read_body() reported, as text: "2:bad 5:". */
struct heard {
    char text[512];
    struct dlr_verdict_counts counts;
    datalyr_status status;
};

static void hear(void *self, const struct dlr_rejection *rejection)
{
    struct heard *heard = self;
    size_t len = strlen(heard->text);

    (void)snprintf(heard->text + len, sizeof heard->text - len, "%u:%.*s/%.*s ",
                   (unsigned)rejection->index, (int)rejection->event_id.len,
                   rejection->event_id.ptr, (int)rejection->error.len,
                   rejection->error.ptr);
}

static struct heard read_body(const char *body, uint32_t event_count)
{
    struct dlr_answer answer = {.http_status = 200};
    struct heard heard = {.text = ""};

    dlr_answer_reset(&answer);
    dlr_buf_append_string(&answer.body, body);
    heard.status = dlr_verdict_read_body(&answer, event_count, hear, &heard,
                                         &heard.counts);
    dlr_answer_clear(&answer);
    return heard;
}

static void rejected_events_are_named_with_their_reason(void **state)
{
    struct heard heard = read_body(
        "{\"success\":true,\"accepted\":7,\"duplicates\":2,\"rejected\":["
        "{\"index\":2,\"eventId\":\"a\",\"error\":\"no name\"},"
        "{\"index\":9,\"eventId\":\"b\"}, {\"error\":\"x\",\"index\":0}]}",
        10);

    (void)state;
    assert_int_equal(heard.status, DATALYR_OK);
    assert_string_equal(heard.text, "2:a/no name 9:b/ 0:/x ");
    assert_int_equal(heard.counts.accepted, 7);
    assert_int_equal(heard.counts.duplicates, 2);
    assert_int_equal(heard.counts.rejected, 3);
}

static void indexes_that_make_no_sense_are_passed_over(void **state)
{
    struct heard heard = read_body(
        "{\"rejected\":[{\"index\":-1},{\"index\":4},{\"index\":1.5},"
        "{\"index\":\"2\"},{\"index\":null},{},null,7,[],\"x\",{\"index\":3},"
        "{\"index\":3,\"error\":\"again\"},{\"index\":9223372036854775807},"
        "{\"index\":18446744073709551617},{\"index\":1e0},{\"index\":0}]}",
        4);

    (void)state;
    assert_string_equal(heard.text, "3:/ 0:/ ");
    assert_int_equal(heard.counts.rejected, 2);
}

static void body_that_is_not_understood_is_plain_success(void **state)
{
    static const char *const bodies[] = {
        "",
        "ok",
        "[]",
        "null",
        "{\"rejected\":[{\"index\":0}]",
        "{\"rejected\":[{\"index\":0}]} trailing",
        "{\"rejected\":{\"index\":0}}",
        "{\"rejected\":\"[{index:0}]\"}",
        "{\"rejected\":7}",
        "{\"rejected\":[]}",
        "{\"rejected\":[{\"Index\":0}]}",
        "{\"Rejected\":[{\"index\":0}]}",
        "{\"result\":{\"rejected\":[{\"index\":0}]}}",
        "\xef\xbb\xbf{\"rejected\":[{\"index\":0}]}",
        "{\"rejected\":[{\"index\":0}],\"x\":\"\xff\"}",
        "<html><body>rejected</body></html>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct heard heard = read_body(bodies[i], 4);

        assert_int_equal(heard.status, DATALYR_OK);
        if (heard.text[0] != '\0') {
            fail_msg("%s", bodies[i]);
        }
        assert_int_equal(heard.counts.rejected, 0);
    }
}

static void deep_body_is_plain_success(void **state)
{
    char body[5000];
    struct heard heard;

    (void)state;
    memset(body, '[', sizeof body);
    memcpy(body, "{\"rejected\":", 12);
    body[sizeof body - 1] = '\0';
    heard = read_body(body, 4);
    assert_int_equal(heard.status, DATALYR_OK);
    assert_int_equal(heard.counts.rejected, 0);
}

static void counts_are_never_above_the_batch(void **state)
{
    struct heard heard =
        read_body("{\"accepted\":9223372036854775807,\"duplicates\":-3}", 5);

    (void)state;
    assert_int_equal(heard.counts.accepted, 5);
    assert_int_equal(heard.counts.duplicates, 0);
    heard = read_body("{\"accepted\":\"5\",\"duplicates\":5.0}", 5);
    assert_int_equal(heard.counts.accepted, 0);
    assert_int_equal(heard.counts.duplicates, 0);
}

static void truncated_body_is_not_read(void **state)
{
    struct dlr_answer answer = {.http_status = 200};
    struct heard heard = {.text = ""};

    (void)state;
    dlr_answer_reset(&answer);
    dlr_buf_append_string(&answer.body,
                          "{\"accepted\":1,\"rejected\":[{\"index\":0}]}");
    answer.is_truncated = true;
    assert_int_equal(
        dlr_verdict_read_body(&answer, 2, hear, &heard, &heard.counts),
        DATALYR_OK);
    assert_string_equal(heard.text, "");
    assert_int_equal(heard.counts.accepted, 0);
    answer.is_truncated = false;
    assert_int_equal(
        dlr_verdict_read_body(&answer, 2, NULL, NULL, &heard.counts),
        DATALYR_OK);
    assert_int_equal(heard.counts.rejected, 1);
    dlr_answer_clear(&answer);
}

static void reason_is_escaped_and_cut(void **state)
{
    char body[8192];
    struct heard heard;

    (void)state;
    heard = read_body("{\"rejected\":[{\"index\":0,"
                      "\"error\":\"a\\u001b[31m\\nb\\u202ec\"}]}",
                      1);
    assert_string_equal(heard.text, "0:/a\\x1b[31m\\x0ab\\u{202e}c ");
    memset(body, 'x', sizeof body);
    memcpy(body, "{\"rejected\":[{\"index\":0,\"error\":\"", 33);
    memcpy(body + 500, "\"}]}", 5);
    heard = read_body(body, 1);
    assert_in_range(strlen(heard.text), 100, 170);
}

static void running_out_of_memory_is_told_and_rejects_nothing(void **state)
{
    struct dlr_answer answer = {.http_status = 200};
    struct heard heard = {.text = ""};

    (void)state;
    dlr_answer_reset(&answer);
    dlr_buf_append_string(&answer.body, "{\"rejected\":[{\"index\":0}]}");
    dlr_mem_set_fail_at(1);
    assert_int_equal(
        dlr_verdict_read_body(&answer, 2, hear, &heard, &heard.counts),
        DATALYR_NOMEM);
    assert_string_equal(heard.text, "");
    dlr_answer_clear(&answer);
    /* What nearly every answer looks like costs no memory. */
    dlr_answer_reset(&answer);
    dlr_buf_append_string(&answer.body,
                          "{\"success\":true,\"accepted\":2,\"duplicates\":0,"
                          "\"rejected\":[]}");
    dlr_mem_set_fail_from(1);
    assert_int_equal(
        dlr_verdict_read_body(&answer, 2, hear, &heard, &heard.counts),
        DATALYR_OK);
    dlr_mem_set_fail_at(0);
    assert_int_equal(heard.counts.accepted, 2);
    dlr_answer_clear(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_verdict),
        cmocka_unit_test(broken_2xx_is_tried_again_for_a_batch_only),
        cmocka_unit_test(host_is_held_by_429_and_503_with_a_time),
        cmocka_unit_test(rejected_events_are_named_with_their_reason),
        cmocka_unit_test(indexes_that_make_no_sense_are_passed_over),
        cmocka_unit_test(body_that_is_not_understood_is_plain_success),
        cmocka_unit_test(deep_body_is_plain_success),
        cmocka_unit_test(counts_are_never_above_the_batch),
        cmocka_unit_test(truncated_body_is_not_read),
        cmocka_unit_test(reason_is_escaped_and_cut),
        cmocka_unit_test(running_out_of_memory_is_told_and_rejects_nothing),
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
