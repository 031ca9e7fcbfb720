/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void text_of_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(dlr_text_of(NULL).len, 0);
    assert_true(dlr_text_equals(dlr_text_of(NULL), DLR_TEXT("")));
}

static void literal_counts_bytes_up_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(DLR_TEXT("a\0b").len, 3);
    assert_int_equal(dlr_text_of("a\0b").len, 1);
}

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(dlr_text_equals(DLR_TEXT("a\0b"), DLR_TEXT("a\0b")));
    assert_false(dlr_text_equals(DLR_TEXT("a\0b"), DLR_TEXT("a\0c")));
    assert_false(dlr_text_equals(DLR_TEXT("ab"), DLR_TEXT("abc")));
}

static void start_of_a_text_is_recognised(void **state)
{
    (void)state;
    assert_true(dlr_text_starts_with(DLR_TEXT("dk_1"), DLR_TEXT("dk_")));
    assert_true(dlr_text_starts_with(DLR_TEXT(""), DLR_TEXT("")));
    assert_false(dlr_text_starts_with(DLR_TEXT("dk"), DLR_TEXT("dk_")));
    assert_false(dlr_text_starts_with(DLR_TEXT("xk_1"), DLR_TEXT("dk_")));
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(dlr_text_equals_nocase(DLR_TEXT("Retry-After"),
                                       DLR_TEXT("rETRY-aFTER")));
    /* '@' and '`', '[' and '{' differ in the same bit as letters do. */
    assert_false(dlr_text_equals_nocase(DLR_TEXT("@["), DLR_TEXT("`{")));
    assert_false(
        dlr_text_equals_nocase(DLR_TEXT("\xc3\x84"), DLR_TEXT("\xc3\xa4")));
    assert_false(dlr_text_equals_nocase(DLR_TEXT("ab"), DLR_TEXT("abc")));
}

static void trimming_takes_blanks_from_both_ends(void **state)
{
    (void)state;
    assert_true(dlr_text_equals(dlr_text_trim(DLR_TEXT(" \t\r\n a b \n")),
                                DLR_TEXT("a b")));
    assert_int_equal(dlr_text_trim(DLR_TEXT(" \t ")).len, 0);
    assert_int_equal(dlr_text_trim(DLR_TEXT("")).len, 0);
}

static void a_header_is_read_by_its_name_and_without_blanks(void **state)
{
    static const char *const others[] = {"", "Date", "Dates: x", "Dat: x",
                                         " Date: x"};
    struct dlr_text value = DLR_TEXT("before");

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(dlr_text_read_header(dlr_text_of(others[i]),
                                          DLR_TEXT("date"), &value));
    }
    assert_true(dlr_text_equals(value, DLR_TEXT("before")));
    assert_true(dlr_text_read_header(DLR_TEXT("DATE: \t a b\r\n"),
                                     DLR_TEXT("date"), &value));
    assert_true(dlr_text_equals(value, DLR_TEXT("a b")));
    assert_true(
        dlr_text_read_header(DLR_TEXT("date:"), DLR_TEXT("date"), &value));
    assert_int_equal(value.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_null_is_empty),
        cmocka_unit_test(literal_counts_bytes_up_to_its_end),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(start_of_a_text_is_recognised),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(trimming_takes_blanks_from_both_ends),
        cmocka_unit_test(a_header_is_read_by_its_name_and_without_blanks),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
