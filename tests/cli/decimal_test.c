/* SPDX-License-Identifier: MIT */
/* Decimal: tidying numbers and multiplying them exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/decimal.h"

static void expect_tidy(const char *text, const char *expected)
{
    char storage[512];
    struct dlr_buf out;
    bool is_number;

    dlr_buf_init_fixed(&out, storage, sizeof storage);
    is_number = cli_decimal_tidy(dlr_text_of(text), &out);
    assert_int_equal(is_number, expected != NULL);
    if (expected == NULL) {
        assert_int_equal(out.len, 0);
    } else {
        assert_string_equal(dlr_buf_terminate(&out), expected);
    }
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    expect_tidy("17850.0", "17850.0");
    expect_tidy("-0.50", "-0.50");
    expect_tidy("12345678901234567890123.4567890",
                "12345678901234567890123.4567890");
    expect_tidy("1E-7", "1e-7");
    expect_tidy("2e+10", "2e+10");
}

static void what_people_write_becomes_json(void **state)
{
    (void)state;
    expect_tidy("  7 ", "7");
    expect_tidy("+5", "5");
    expect_tidy("007.50", "7.50");
    expect_tidy("000", "0");
    expect_tidy(".5", "0.5");
    expect_tidy("5.", "5");
    expect_tidy("-.5e3", "-0.5e3");
}

static void what_is_no_number_is_refused_whole(void **state)
{
    static const char *const texts[] = {
        "",   " ",   "-",    ".",     "+",   "1,5", "1 2",      "abc",  "1a",
        "1e", "1e+", "0x10", "1.2.3", "--1", "NaN", "Infinity", "1e5x", "£5"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_tidy(texts[i], NULL);
    }
}

static void expect_product(const char *a, const char *b, const char *expected)
{
    char storage[2048];
    struct dlr_buf out;

    dlr_buf_init_fixed(&out, storage, sizeof storage);
    assert_true(cli_decimal_multiply(dlr_text_of(a), dlr_text_of(b), &out));
    assert_string_equal(dlr_buf_terminate(&out), expected);
}

static void products_are_exact(void **state)
{
    (void)state;
    expect_product("6", "2.55", "15.30");
    expect_product("-12", "0.42", "-5.04");
    expect_product("-3", "-3", "9");
    expect_product("0.1", "0.1", "0.01");
    expect_product("99999999999999999999", "99999999999999999999",
                   "9999999999999999999800000000000000000001");
    expect_product("1250", "0.01", "12.50");
    expect_product("100", "1", "100");
}

static void zero_has_no_sign_and_exponents_are_written_out(void **state)
{
    (void)state;
    expect_product("-0", "5", "0");
    expect_product("0", "-2.50", "0.00");
    expect_product("1e3", "2", "2000");
    expect_product("25e-4", "2", "0.0050");
    expect_product("1.5e2", "1e-2", "1.5");
    expect_product("0e9", "7", "0");
}

static void what_is_too_long_is_refused_not_cut(void **state)
{
    char digits[CLI_DECIMAL_DIGITS + 2];
    char storage[4096];
    struct dlr_buf out;

    (void)state;
    memset(digits, '9', sizeof digits);
    dlr_buf_init_fixed(&out, storage, sizeof storage);
    assert_true(cli_decimal_multiply(dlr_text_n(digits, CLI_DECIMAL_DIGITS),
                                     DLR_TEXT("1"), &out));
    assert_int_equal(out.len, CLI_DECIMAL_DIGITS);
    assert_false(cli_decimal_multiply(
        dlr_text_n(digits, CLI_DECIMAL_DIGITS + 1), DLR_TEXT("1"), &out));
    assert_false(cli_decimal_multiply(DLR_TEXT("1e999"), DLR_TEXT("1"), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(what_people_write_becomes_json),
        cmocka_unit_test(what_is_no_number_is_refused_whole),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(zero_has_no_sign_and_exponents_are_written_out),
        cmocka_unit_test(what_is_too_long_is_refused_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
