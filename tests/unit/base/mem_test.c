/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int switch_off(void **state)
{
    (void)state;
    dlr_mem_set_fail_at(0);
    return 0;
}

/* Makes `count` allocations; bit i of the result says that number i failed. */
static unsigned failures_of(int count)
{
    unsigned failed = 0;

    for (int i = 1; i <= count; i++) {
        void *block = dlr_malloc(8);

        failed |= (block == NULL ? 1U : 0U) << i;
        dlr_free(block);
    }
    return failed;
}

static void seam_fails_exactly_the_chosen_allocation(void **state)
{
    (void)state;
    dlr_mem_set_fail_at(3);
    assert_int_equal(failures_of(5), 1U << 3);
    assert_int_equal(dlr_mem_seen_count(), 5);
}

static void seam_fails_all_allocations_from_the_chosen_one(void **state)
{
    (void)state;
    dlr_mem_set_fail_from(3);
    assert_int_equal(failures_of(5), 1U << 3 | 1U << 4 | 1U << 5);
}

static void seam_counts_each_kind_of_allocation(void **state)
{
    char *text;
    void *block;

    (void)state;
    dlr_mem_set_fail_at(4);
    block = dlr_calloc(2, 3);
    assert_non_null(block);
    block = dlr_realloc(block, 100);
    assert_non_null(block);
    text = dlr_mem_dup("abc", 3);
    assert_string_equal(text, "abc");
    assert_null(dlr_realloc(block, 200));
    assert_int_equal(dlr_mem_seen_count(), 4);
    dlr_free(text);
    dlr_free(block);
}

static void nothing_fails_and_nothing_is_counted_when_off(void **state)
{
    (void)state;
    dlr_mem_set_fail_at(1);
    dlr_mem_set_fail_at(0);
    assert_int_equal(failures_of(5), 0);
    assert_int_equal(dlr_mem_seen_count(), 0);
}

static void size_zero_gives_a_block(void **state)
{
    void *blocks[3];

    (void)state;
    blocks[0] = dlr_malloc(0);
    blocks[1] = dlr_calloc(0, 8);
    blocks[2] = dlr_realloc(NULL, 0);
    for (int i = 0; i < 3; i++) {
        assert_non_null(blocks[i]);
        dlr_free(blocks[i]);
    }
}

static void calloc_gives_zeros_and_refuses_overflow(void **state)
{
    static const char zeros[24];
    volatile size_t huge = SIZE_MAX;
    char *block = dlr_calloc(3, 8);

    (void)state;
    assert_non_null(block);
    assert_memory_equal(block, zeros, 24);
    dlr_free(block);
    assert_null(dlr_calloc(huge / 2, 3));
    assert_null(dlr_mem_dup("", huge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(seam_fails_exactly_the_chosen_allocation,
                                  switch_off),
        cmocka_unit_test_teardown(
            seam_fails_all_allocations_from_the_chosen_one, switch_off),
        cmocka_unit_test_teardown(seam_counts_each_kind_of_allocation,
                                  switch_off),
        cmocka_unit_test_teardown(nothing_fails_and_nothing_is_counted_when_off,
                                  switch_off),
        cmocka_unit_test(size_zero_gives_a_block),
        cmocka_unit_test(calloc_gives_zeros_and_refuses_overflow),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
