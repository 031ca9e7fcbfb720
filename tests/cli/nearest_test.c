/* SPDX-License-Identifier: MIT */
/* Nearest: which name was probably meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nearest.h"

static const char *nearest_of(const char *wanted)
{
    static const char *const names[] = {"user_id",  "anonymous_id", "event",
                                        "event_id", "timestamp",    "map"};
    struct cli_nearest nearest = {.wanted = dlr_text_of(wanted)};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(names[i]));
    }
    return nearest.best.len == 0 ? "" : nearest.best.ptr;
}

static void distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(cli_edit_distance(DLR_TEXT("abc"), DLR_TEXT("abc")), 0);
    assert_int_equal(cli_edit_distance(DLR_TEXT("abc"), DLR_TEXT("acb")), 1);
    assert_int_equal(cli_edit_distance(DLR_TEXT("abc"), DLR_TEXT("ABC")), 0);
    assert_int_equal(cli_edit_distance(DLR_TEXT("a_b"), DLR_TEXT("a-b")), 0);
    assert_int_equal(cli_edit_distance(DLR_TEXT(""), DLR_TEXT("abc")), 3);
    assert_int_equal(cli_edit_distance(DLR_TEXT("kitten"), DLR_TEXT("sitting")),
                     3);
}

static void long_names_are_not_read_past_the_table(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'x', sizeof name);
    assert_int_equal(
        cli_edit_distance(dlr_text_n(name, sizeof name), DLR_TEXT("x")), 64);
}

static void the_nearest_name_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("userid"), "user_id");
    assert_string_equal(nearest_of("User-ID"), "user_id");
    assert_string_equal(nearest_of("evnet"), "event");
    assert_string_equal(nearest_of("time"), "timestamp");
    assert_string_equal(nearest_of("mpa"), "map");
}

static void what_is_far_from_all_has_none(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("price"), "");
    assert_string_equal(nearest_of("x"), "");
    assert_string_equal(nearest_of(""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(long_names_are_not_read_past_the_table),
        cmocka_unit_test(the_nearest_name_is_found),
        cmocka_unit_test(what_is_far_from_all_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
