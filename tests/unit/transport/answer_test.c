/* SPDX-License-Identifier: MIT */
#include "transport/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void reset_forgets_the_answer_but_keeps_its_memory(void **state)
{
    struct dlr_answer answer = {.http_status = 503,
                                .system_code = 7,
                                .retry_after_ms = 5,
                                .latency_us = 9,
                                .batch_limit = 3,
                                .accepts_gzip = true,
                                .is_truncated = true,
                                .message = "old"};
    const char *memory;

    (void)state;
    dlr_answer_reset(&answer);
    assert_int_equal(answer.http_status, 0);
    assert_int_equal(answer.system_code, 0);
    assert_int_equal(answer.retry_after_ms, DLR_RETRY_AFTER_NONE);
    assert_int_equal(answer.latency_us, 0);
    assert_int_equal(answer.batch_limit, 0);
    assert_false(answer.accepts_gzip);
    assert_false(answer.is_truncated);
    assert_string_equal(answer.message, "");
    dlr_buf_append_string(&answer.body, "text");
    memory = answer.body.ptr;
    dlr_answer_reset(&answer);
    assert_int_equal(answer.body.len, 0);
    assert_ptr_equal(answer.body.ptr, memory);
    dlr_answer_clear(&answer);
    assert_null(answer.body.ptr);
}

static void body_ends_at_four_mebibytes(void **state)
{
    static char block[65536];
    struct dlr_answer answer = {0};

    (void)state;
    dlr_answer_reset(&answer);
    for (int i = 0; i < 64; i++) {
        dlr_buf_append(&answer.body, block, sizeof block);
    }
    assert_false(answer.body.failed);
    assert_int_equal(answer.body.len, 4 << 20);
    dlr_buf_append_char(&answer.body, 'x');
    assert_true(answer.body.failed);
    /* So much is not kept for the next answer, which will be small. */
    dlr_answer_reset(&answer);
    assert_null(answer.body.ptr);
    assert_false(answer.body.failed);
    dlr_buf_append_char(&answer.body, 'x');
    assert_false(answer.body.failed);
    dlr_answer_clear(&answer);
    dlr_buf_append_char(&answer.body, 'x'); /* ready again after a clear */
    assert_false(answer.body.failed);
    dlr_answer_clear(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_forgets_the_answer_but_keeps_its_memory),
        cmocka_unit_test(body_ends_at_four_mebibytes),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
