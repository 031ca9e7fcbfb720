/* SPDX-License-Identifier: MIT */
/*
 * Whose an event without a user is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/assign.h"

static struct dld_point point(int64_t time_ms, const char *id, const char *user)
{
    return (struct dld_point){
        .time_ms = time_ms, .id = dlr_text_of(id), .user = dlr_text_of(user)};
}

static void expect_owners(const struct dld_point *points, size_t count,
                          const char *owners)
{
    for (size_t i = 0; i < count; i++) {
        char owner = points[i].owner.len == 0 ? '-' : points[i].owner.ptr[0];

        assert_int_equal(owner, owners[i]);
    }
}

static void gives_the_past_to_the_next_user(void **state)
{
    struct dld_point points[] = {
        point(10, "1", ""),    point(20, "2", "ann"), point(30, "3", ""),
        point(40, "4", "bob"), point(50, "5", ""),
    };

    (void)state;
    dld_assign(points, 5);
    expect_owners(points, 5, "aabbb");
}

static void leaves_what_nobody_claims(void **state)
{
    struct dld_point points[] = {point(10, "1", ""), point(20, "2", "")};

    (void)state;
    dld_assign(points, 2);
    expect_owners(points, 2, "--");
    dld_assign(points, 0);
}

static void sorts_by_time_then_id(void **state)
{
    struct dld_point points[] = {
        point(20, "c", "bob"),
        point(20, "b", ""),
        point(20, "a", "ann"),
        point(10, "z", ""),
    };

    (void)state;
    dld_assign(points, 4);
    expect_owners(points, 4, "aabb");
    assert_memory_equal(points[0].id.ptr, "z", 1);
    assert_memory_equal(points[3].id.ptr, "c", 1);
}

static void orders_ids_by_bytes_and_length(void **state)
{
    (void)state;
    assert_true(dld_assign_compare(1, DLR_TEXT("a"), 1, DLR_TEXT("ab")) < 0);
    assert_true(dld_assign_compare(1, DLR_TEXT("b"), 1, DLR_TEXT("ab")) > 0);
    assert_true(dld_assign_compare(1, DLR_TEXT(""), 1, DLR_TEXT("a")) < 0);
    assert_true(dld_assign_compare(-1, DLR_TEXT("b"), 1, DLR_TEXT("a")) < 0);
    assert_int_equal(dld_assign_compare(1, DLR_TEXT("a"), 1, DLR_TEXT("a")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_past_to_the_next_user),
        cmocka_unit_test(leaves_what_nobody_claims),
        cmocka_unit_test(sorts_by_time_then_id),
        cmocka_unit_test(orders_ids_by_bytes_and_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
