/* SPDX-License-Identifier: MIT */
#include "sender/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS INT64_C(5000)

static struct dlr_buf make_buf(size_t bytes)
{
    struct dlr_buf buf;

    dlr_buf_init(&buf, SIZE_MAX / 2);
    assert_non_null(dlr_buf_reserve(&buf, bytes));
    dlr_buf_append_string(&buf, "old");
    return buf;
}

static void what_was_given_comes_back_empty(void **state)
{
    struct dlr_pool pool = {0};
    struct dlr_buf buf = make_buf(1000);
    const char *storage = buf.ptr;

    (void)state;
    dlr_pool_give(&pool, &buf, 100000, NOW_MS);
    assert_null(buf.ptr);
    assert_true(pool.bytes >= 1000);
    dlr_pool_take(&pool, &buf);
    assert_ptr_equal(buf.ptr, storage);
    assert_int_equal(buf.len, 0);
    assert_int_equal(pool.bytes, 0);
    dlr_buf_clear(&buf);
}

static void an_empty_pool_gives_a_buffer_that_grows(void **state)
{
    struct dlr_pool pool = {0};
    struct dlr_buf buf;

    (void)state;
    dlr_pool_take(&pool, &buf);
    dlr_buf_append_string(&buf, "new");
    assert_false(buf.failed);
    assert_int_equal(buf.len, 3);
    dlr_buf_clear(&buf);
}

static void the_pool_keeps_to_its_bytes_and_its_places(void **state)
{
    struct dlr_pool pool = {0};

    (void)state;
    for (unsigned i = 0; i < 2 * DLR_POOL_BUFS; i++) {
        struct dlr_buf buf = make_buf(1000);

        dlr_pool_give(&pool, &buf, SIZE_MAX, NOW_MS);
        assert_null(buf.ptr);
    }
    assert_int_equal(pool.count, DLR_POOL_BUFS);
    dlr_pool_clear(&pool);
    for (unsigned i = 0; i < 5; i++) {
        struct dlr_buf buf = make_buf(1000);

        dlr_pool_give(&pool, &buf, 3 * buf.cap - 1, NOW_MS);
    }
    assert_int_equal(pool.count, 2);
    dlr_pool_clear(&pool);
    assert_int_equal(pool.bytes, 0);
}

static void what_nobody_uses_for_a_while_is_released(void **state)
{
    struct dlr_pool pool = {0};
    struct dlr_buf buf = make_buf(1000);

    (void)state;
    assert_true(dlr_pool_shed(&pool, NOW_MS) == INT64_MAX);
    dlr_pool_give(&pool, &buf, SIZE_MAX, NOW_MS);
    assert_int_equal(dlr_pool_shed(&pool, NOW_MS), DLR_POOL_KEEP_MS);
    assert_int_equal(dlr_pool_shed(&pool, NOW_MS + DLR_POOL_KEEP_MS - 1), 1);
    assert_int_equal(pool.count, 1);
    assert_true(dlr_pool_shed(&pool, NOW_MS + DLR_POOL_KEEP_MS) == INT64_MAX);
    assert_int_equal(pool.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_comes_back_empty),
        cmocka_unit_test(an_empty_pool_gives_a_buffer_that_grows),
        cmocka_unit_test(the_pool_keeps_to_its_bytes_and_its_places),
        cmocka_unit_test(what_nobody_uses_for_a_while_is_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
