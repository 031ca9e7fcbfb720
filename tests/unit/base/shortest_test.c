/* SPDX-License-Identifier: MIT */
#include "base/shortest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What find_by_printing() would answer, told independently: the first count of
 * digits at which printf's text reads back. */
static struct dlr_decimal print_shortest(double value)
{
    struct dlr_decimal decimal = {0};
    char text[40];
    int digits = 0;

    do {
        digits++;
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    } while (strtod(text, NULL) != value);
    for (const char *at = text; *at != 'e'; at++) {
        if (*at != '.') {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
        }
    }
    decimal.exponent =
        (int32_t)strtol(strchr(text, 'e') + 1, NULL, 10) - (digits - 1);
    return decimal;
}

/* Whole numbers keep their zeros; take them off for comparing. */
static struct dlr_decimal without_zeros(struct dlr_decimal decimal)
{
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static void assert_same_as_printing(double value)
{
    struct dlr_decimal expected = print_shortest(value);
    struct dlr_decimal actual = without_zeros(dlr_shortest(value));

    if (actual.digits != expected.digits ||
        actual.exponent != expected.exponent) {
        fail_msg("%a: %llue%d instead of %llue%d", value,
                 (unsigned long long)actual.digits, (int)actual.exponent,
                 (unsigned long long)expected.digits, (int)expected.exponent);
    }
}

static void middle_range_agrees_with_printing(void **state)
{
    struct test_random random = {4};

    (void)state;
    /* Each binary exponent of the second way, and some beyond its borders. */
    for (int shift = -4; shift <= 96; shift++) {
        for (int i = 0; i < 400; i++) {
            uint64_t significand = test_random_next(&random) >> 11 | UINT64_C(1)
                                                                         << 52;

            /* Odd and even, and the neighbours of powers of two. */
            if (i < 8) {
                significand = (UINT64_C(1) << 52) + 1 + (uint64_t)i;
            } else if (i < 16) {
                significand = (UINT64_C(1) << 53) - (uint64_t)(i - 7);
            }
            assert_same_as_printing(ldexp((double)significand, -shift));
        }
    }
}

static void few_decimals_agree_with_printing(void **state)
{
    struct test_random random = {5};

    (void)state;
    for (int i = 0; i < 40000; i++) {
        uint64_t digits = test_random_next(&random) >> (10 + i % 50);
        char text[40];

        (void)snprintf(text, sizeof text, "%llue-%d",
                       (unsigned long long)digits + 1, i % 7);
        assert_same_as_printing(strtod(text, NULL));
    }
}

static void ends_of_the_range_agree_with_printing(void **state)
{
    struct test_random random = {6};

    (void)state;
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = test_random_next(&random) >> 1;
        double value;

        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value > 0) {
            assert_same_as_printing(value);
        }
        bits = 1 + (bits >> (11 + i % 52)); /* subnormal */
        memcpy(&value, &bits, sizeof value);
        assert_same_as_printing(value);
    }
}

/* Of two decimals with 16 digits that are equally far from printing's choice,
 * only the upper one reads back: there is more room above a power of two. */
static void power_of_two_takes_the_decimal_above(void **state)
{
    struct dlr_decimal decimal = dlr_shortest(0x1p-44);

    (void)state;
    assert_true(decimal.digits == UINT64_C(5684341886080802));
    assert_int_equal(decimal.exponent, -29);
}

static void all_powers_of_two_read_back(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        double value = ldexp(1, exponent);
        struct dlr_decimal decimal = dlr_shortest(value);
        char digits[24];
        int count = snprintf(digits, sizeof digits, "%llu",
                             (unsigned long long)decimal.digits);

        assert_in_range(count, 1, 17);
        assert_true(dlr_shortest_read(digits, count, decimal.exponent) ==
                    value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middle_range_agrees_with_printing),
        cmocka_unit_test(few_decimals_agree_with_printing),
        cmocka_unit_test(ends_of_the_range_agree_with_printing),
        cmocka_unit_test(power_of_two_takes_the_decimal_above),
        cmocka_unit_test(all_powers_of_two_read_back),
    };

    return cmocka_run_group_tests_name("shortest", tests, NULL, NULL);
}
