/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void buffer_grows_to_its_ceiling_and_no_further(void **state)
{
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++) {
        dlr_buf_append_char(&buf, (char)('a' + i % 26));
    }
    assert_false(buf.failed);
    assert_int_equal(buf.len, 1000);
    assert_true(buf.cap <= 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    }
    dlr_buf_append_char(&buf, '!');
    assert_true(buf.failed);
    assert_int_equal(buf.len, 1000);
    dlr_buf_clear(&buf);
    assert_null(buf.ptr);
}

static void failure_sticks_until_it_is_rewound(void **state)
{
    char storage[4];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    dlr_buf_append_string(&buf, "abc");
    dlr_buf_append_string(&buf, "defg");
    assert_true(buf.failed);
    dlr_buf_append_char(&buf, 'd'); /* would fit, but the text has a hole */
    assert_null(dlr_buf_reserve(&buf, 1));
    assert_int_equal(buf.len, 3);
    dlr_buf_rewind(&buf, 2);
    dlr_buf_append_string(&buf, "xy");
    assert_false(buf.failed);
    assert_memory_equal(storage, "abxy", 4);
}

static void fixed_buffer_takes_exactly_its_storage(void **state)
{
    char storage[5] = "....";
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, 4);
    dlr_mem_set_fail_from(1); /* a fixed buffer never allocates */
    dlr_buf_append_string(&buf, "abcd");
    dlr_mem_set_fail_at(0);
    assert_false(buf.failed);
    assert_null(dlr_buf_terminate(&buf));
    assert_int_equal(storage[4], '\0');
    dlr_buf_clear(&buf);
    assert_memory_equal(storage, "abcd", 4);
}

static void zero_buffer_holds_nothing_and_may_be_cleared(void **state)
{
    struct dlr_buf buf = {0};

    (void)state;
    dlr_buf_append(&buf, NULL, 0);
    assert_false(buf.failed);
    dlr_buf_append_char(&buf, 'a');
    assert_true(buf.failed);
    dlr_buf_clear(&buf);
    dlr_buf_clear(&buf);
    assert_false(buf.failed);
}

static void running_out_of_memory_keeps_what_was_written(void **state)
{
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init(&buf, SIZE_MAX);
    dlr_buf_append_string(&buf, "kept");
    dlr_mem_set_fail_at(1);
    (void)dlr_buf_reserve(&buf, 100000);
    dlr_mem_set_fail_at(0);
    assert_true(buf.failed);
    assert_true(dlr_text_equals(dlr_buf_text(&buf), DLR_TEXT("kept")));
    dlr_buf_clear(&buf);
}

static void huge_request_is_refused_without_overflow(void **state)
{
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init(&buf, 100);
    dlr_buf_append_string(&buf, "ab");
    assert_null(dlr_buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    dlr_buf_clear(&buf);
}

static void printf_grows_the_buffer_as_needed(void **state)
{
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init(&buf, 10000);
    dlr_buf_printf(&buf, "%s=%d;", "flush_at", 20);
    assert_string_equal(dlr_buf_terminate(&buf), "flush_at=20;");
    dlr_buf_printf(&buf, "%0500d", 7);
    assert_int_equal(buf.len, 512);
    assert_int_equal(buf.ptr[511], '7');
    dlr_buf_printf(&buf, "%010000d", 7);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 512);
    dlr_buf_printf(&buf, "x");
    assert_int_equal(buf.len, 512);
    dlr_buf_clear(&buf);
}

static void growing_moves_log_times_only(void **state)
{
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init(&buf, 1 << 20);
    dlr_mem_set_fail_at(UINT64_MAX); /* counts without failing */
    for (int i = 0; i < 1 << 20; i++) {
        dlr_buf_append_char(&buf, 'x');
    }
    assert_in_range(dlr_mem_seen_count(), 1, 21);
    dlr_mem_set_fail_at(0);
    dlr_buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_to_its_ceiling_and_no_further),
        cmocka_unit_test(failure_sticks_until_it_is_rewound),
        cmocka_unit_test(fixed_buffer_takes_exactly_its_storage),
        cmocka_unit_test(zero_buffer_holds_nothing_and_may_be_cleared),
        cmocka_unit_test(running_out_of_memory_keeps_what_was_written),
        cmocka_unit_test(huge_request_is_refused_without_overflow),
        cmocka_unit_test(printf_grows_the_buffer_as_needed),
        cmocka_unit_test(growing_moves_log_times_only),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
