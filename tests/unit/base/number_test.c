/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/random.h"

#include <float.h>
#include <ftw.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *text_of(double value)
{
    static char text[DLR_NUMBER_DOUBLE_CAP + 1];

    text[dlr_number_put_double(value, text)] = '\0';
    return text;
}

static double read_back(const char *text)
{
    double value = NAN;

    assert_true(dlr_number_read_double(text, strlen(text), &value));
    return value;
}

static void integers_are_written_as_printf_writes_them(void **state)
{
    struct test_random random = {1};

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t value = test_random_next(&random) >> (i % 64);
        char expected[32];
        char text[DLR_NUMBER_INT_CAP];
        size_t len = dlr_number_put_uint64(value, text);

        (void)snprintf(expected, sizeof expected, "%" PRIu64, value);
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(text, expected, len);
        len = dlr_number_put_int64((int64_t)value, text);
        (void)snprintf(expected, sizeof expected, "%" PRId64, (int64_t)value);
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(text, expected, len);
    }
}

static void smallest_and_largest_integers_have_text(void **state)
{
    char text[DLR_NUMBER_INT_CAP];

    (void)state;
    assert_int_equal(dlr_number_put_int64(INT64_MIN, text), 20);
    assert_memory_equal(text, "-9223372036854775808", 20);
    assert_int_equal(dlr_number_put_uint64(UINT64_MAX, text), 20);
    assert_memory_equal(text, "18446744073709551615", 20);
    assert_int_equal(dlr_number_put_uint64(0, text), 1);
    assert_int_equal(text[0], '0');
}

static void doubles_are_written_as_javascript_writes_them(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-1.5, "-1.5"},
        {99.99, "99.99"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100, "100"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {5e-324, "5e-324"},
        {1e-6, "0.000001"},
        {1.5e-6, "0.0000015"},
        {1e-7, "1e-7"},
        {1.234e-7, "1.234e-7"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740992.0, "9007199254740992"},
        {9007199254740994.0, "9007199254740994"},
        {4503599627370495.5, "4503599627370495.5"},
        {5e-11, "5e-11"},
        {5.684341886080802e-14, "5.684341886080802e-14"}, /* 2^-44 */
        {9.5367431640625e-7, "9.5367431640625e-7"},       /* 2^-20 */
        {4.35, "4.35"},
        {1234567.891, "1234567.891"},
        {0.000123, "0.000123"},
        {1e15, "1000000000000000"},
        {123456.7, "123456.7"},
        {4.9e10 + 0.1, "49000000000.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(text_of(cases[i].value), cases[i].text);
    }
}

static void nan_and_infinity_have_no_text(void **state)
{
    char text[DLR_NUMBER_DOUBLE_CAP];

    (void)state;
    assert_int_equal(dlr_number_put_double(NAN, text), 0);
    assert_int_equal(dlr_number_put_double(INFINITY, text), 0);
    assert_int_equal(dlr_number_put_double(-INFINITY, text), 0);
}

static void random_doubles_read_back_as_themselves(void **state)
{
    struct test_random random = {2};

    (void)state;
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = test_random_next(&random);
        double value;

        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            assert_true(read_back(text_of(value)) == value);
        }
        /* Amounts of money and ratios, what events are made of. */
        value = (double)(bits >> 40) / 100;
        assert_true(read_back(text_of(value)) == value);
        value = (double)(bits >> 11) * 0x1p-53;
        assert_true(read_back(text_of(value)) == value);
    }
}

/* Digits of a number without zeros at either end. */
static int count_digits(const char *text)
{
    int count = 0;
    int zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0')) {
            continue;
        }
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

/* The least number of digits with which printf's text reads back. */
static int count_needed_digits(double value)
{
    char text[40];
    int digits = 0;

    do {
        digits++;
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    } while (strtod(text, NULL) != value);
    return digits;
}

static void text_has_no_digit_too_many(void **state)
{
    struct test_random random = {3};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random_next(&random);
        double value = ldexp((double)(bits >> 11), -(int)(bits % 90));

        if (i % 2 == 0) {
            memcpy(&value, &bits, sizeof value);
        }
        if (isfinite(value)) {
            assert_true(count_digits(text_of(value)) <=
                        count_needed_digits(value));
        }
    }
}

/* Makes a locale with a decimal comma in a new folder and switches to it. */
static bool use_decimal_comma(char *folder)
{
    static const char definition[] =
        "LC_NUMERIC\ndecimal_point \"<U002C>\"\nthousands_sep \"<U002E>\"\n"
        "grouping 3;3\nEND LC_NUMERIC\n";
    char source[64];
    char target[64];
    FILE *file;
    pid_t child;
    int status = -1;

    if (mkdtemp(folder) == NULL) {
        return false;
    }
    (void)snprintf(source, sizeof source, "%s/source", folder);
    (void)snprintf(target, sizeof target, "%s/comma", folder);
    file = fopen(source, "w");
    if (file == NULL || fputs(definition, file) < 0 || fclose(file) != 0) {
        return false;
    }
    child = fork();
    if (child == 0) {
        (void)close(STDOUT_FILENO); /* its warnings are no TAP */
        (void)close(STDERR_FILENO);
        (void)execlp("localedef", "localedef", "--no-archive", "-c", "-i",
                     source, "-f", "ANSI_X3.4-1968", target, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return false;
    }
    return setenv("LOCPATH", folder, 1) == 0 &&
           setlocale(LC_NUMERIC, "comma") != NULL;
}

static int remove_entry(const char *path, const struct stat *info, int kind,
                        struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    char folder[] = "/tmp/datalyr-locale-XXXXXX";
    char printed[16];
    bool is_set = use_decimal_comma(folder);

    (void)state;
    (void)snprintf(printed, sizeof printed, "%.1f", 1.5);
    if (is_set) {
        assert_string_equal(printed, "1,5");
        assert_string_equal(text_of(99.99), "99.99");
        assert_string_equal(text_of(0.1 + 0.2), "0.30000000000000004");
        assert_string_equal(text_of(1.2345e-300), "1.2345e-300");
        assert_true(read_back("1.2345e-300") == 1.2345e-300);
        assert_true(read_back("1234567890.12345678901") ==
                    1234567890.12345678901);
    }
    (void)setlocale(LC_NUMERIC, "C");
    (void)unsetenv("LOCPATH");
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (!is_set) {
        (void)printf("# skipped: localedef made no locale with a comma\n");
        skip();
    }
}

static void reading_rounds_to_the_nearest_double(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"1e0", 1},
        {"1E+2", 100},
        {"12345678901234567890", 12345678901234567890.0},
        {"9007199254740993", 9007199254740992.0}, /* middle, to even */
        {"9007199254740993.00000000000000000000000000000000000001",
         9007199254740994.0},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"8.5e-5", 8.5e-5},
        {"123456789012345678901234567890e-20", 1234567890.1234567890},
        {"1e-400", 0},
        {"4.9406564584124654e-324", 5e-324},
        {"2.4703282292062327e-324", 0},
        {"2.4703282292062328e-324", 5e-324},
        {"0.000e999999999999", 0},
        {"0e99999999999999999999999", 0},
        {"1.7976931348623158e308", DBL_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(read_back(cases[i].text) == cases[i].value);
    }
    assert_true(signbit(read_back("-0")));
}

/* The exact middle between 1 and its successor has 53 digits; a difference in
 * the thousandth digit still decides. */
static void far_digits_decide_in_the_middle(void **state)
{
    char text[1100] = "1.00000000000000011102230246251565404236316680908203125";
    size_t len = strlen(text);
    double value;

    (void)state;
    assert_true(read_back(text) == 1.0);
    memset(text + len, '0', 1000 - len);
    text[1000] = '\0';
    assert_true(read_back(text) == 1.0);
    text[999] = '1';
    assert_true(read_back(text) == 1.0 + DBL_EPSILON);
    memset(text, '9', 400);
    assert_false(dlr_number_read_double(text, 400, &value));
    assert_true(dlr_number_read_double(text, 308, &value));
    assert_true(value == 1e308);
}

static void what_json_does_not_allow_is_no_number(void **state)
{
    static const char *const refused[] = {
        "",    "-",    "+1",  ".5",  "1.",    "01",    "-01",  "1e",
        "1e+", "1.e",  "0x1", "NaN", "1e1.5", "1 ",    " 1",   "1,5",
        "--1", "1e5e", "inf", "1d5", "e5",    "1_000", "1e 5", "٣",
    };
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(
            dlr_number_read_double(refused[i], strlen(refused[i]), &value));
    }
    assert_false(dlr_number_read_double("1e309", 5, &value));
    assert_false(dlr_number_read_double("-1e99999999999", 14, &value));
}

static void integers_are_read_exactly_or_not_at_all(void **state)
{
    uint64_t natural;
    int64_t value;

    (void)state;
    assert_true(dlr_number_read_int64("-9223372036854775808", 20, &value));
    assert_true(value == INT64_MIN);
    assert_true(dlr_number_read_int64("9223372036854775807", 19, &value));
    assert_true(value == INT64_MAX);
    assert_true(dlr_number_read_int64("-0", 2, &value));
    assert_int_equal(value, 0);
    assert_true(dlr_number_read_int64("-17", 3, &value));
    assert_int_equal(value, -17);
    assert_false(dlr_number_read_int64("-9223372036854775809", 20, &value));
    assert_false(dlr_number_read_int64("9223372036854775808", 19, &value));
    assert_true(dlr_number_read_uint64("18446744073709551615", 20, &natural));
    assert_true(natural == UINT64_MAX);
    assert_false(dlr_number_read_uint64("18446744073709551616", 20, &natural));
    assert_false(dlr_number_read_uint64("99999999999999999999", 20, &natural));
    assert_false(dlr_number_read_uint64("-1", 2, &natural));
    assert_false(dlr_number_read_int64("1.0", 3, &value));
    assert_false(dlr_number_read_int64("1e2", 3, &value));
    assert_false(dlr_number_read_int64("007", 3, &value));
    assert_false(dlr_number_read_int64("--7", 3, &value));
    assert_false(dlr_number_read_int64("-", 1, &value));
    assert_false(dlr_number_read_int64("", 0, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_as_printf_writes_them),
        cmocka_unit_test(smallest_and_largest_integers_have_text),
        cmocka_unit_test(doubles_are_written_as_javascript_writes_them),
        cmocka_unit_test(nan_and_infinity_have_no_text),
        cmocka_unit_test(random_doubles_read_back_as_themselves),
        cmocka_unit_test(text_has_no_digit_too_many),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(reading_rounds_to_the_nearest_double),
        cmocka_unit_test(far_digits_decide_in_the_middle),
        cmocka_unit_test(what_json_does_not_allow_is_no_number),
        cmocka_unit_test(integers_are_read_exactly_or_not_at_all),
    };

    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
