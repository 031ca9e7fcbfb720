/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct reading {
    const char *text;
    uint64_t value;
};

static void durations_are_read_in_milliseconds(void **state)
{
    static const struct reading cases[] = {
        {"0", 0},
        {"250", 250},
        {"500ms", 500},
        {"10s", 10000},
        {"1.5s", 1500},
        {"0.001s", 1},
        {"5m", 300000},
        {"5min", 300000},
        {"2h", 7200000},
        {"90d", UINT64_C(7776000000)},
        {"0.5d", 43200000},
        {"10S", 10000},
        {"2.500s", 2500},
        {"unlimited", DLR_UNLIMITED},
        {"Unlimited", DLR_UNLIMITED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 1;

        assert_true(dlr_parse_duration_ms(dlr_text_of(cases[i].text), &value));
        assert_true(value == cases[i].value);
    }
}

static void sizes_are_read_in_bytes(void **state)
{
    static const struct reading cases[] = {
        {"0", 0},
        {"1024", 1024},
        {"1B", 1},
        {"64MiB", UINT64_C(67108864)},
        {"64mib", UINT64_C(67108864)},
        {"64MB", UINT64_C(64000000)},
        {"64M", UINT64_C(67108864)},
        {"1GiB", UINT64_C(1073741824)},
        {"2kB", 2000},
        {"2KiB", 2048},
        {"0.5KiB", 512},
        {"0.25KiB", 256},
        {"1.5G", UINT64_C(1610612736)},
        {"3TB", UINT64_C(3000000000000)},
        {"1TiB", UINT64_C(1099511627776)},
        {"unlimited", DLR_UNLIMITED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 1;

        assert_true(dlr_parse_size_bytes(dlr_text_of(cases[i].text), &value));
        assert_true(value == cases[i].value);
    }
}

static void counts_are_digits_or_unlimited(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(dlr_parse_count(DLR_TEXT("18446744073709551614"), &value));
    assert_true(value == UINT64_MAX - 1);
    assert_true(dlr_parse_count(DLR_TEXT("unlimited"), &value));
    assert_true(value == DLR_UNLIMITED);
    assert_false(dlr_parse_count(DLR_TEXT("1k"), &value));
    assert_false(dlr_parse_count(DLR_TEXT("1.5"), &value));
    assert_false(dlr_parse_count(DLR_TEXT("18446744073709551615"), &value));
    assert_false(dlr_parse_count(DLR_TEXT("18446744073709551616"), &value));
}

static void what_is_not_exact_or_not_clear_is_refused(void **state)
{
    static const char *const refused[] = {
        "",
        " ",
        "s",
        "10 s",
        " 10s",
        "10s ",
        "-1s",
        "+1s",
        "1e3",
        "1.s",
        ".5s",
        "1,5s",
        "1.5",
        "0.1ms",
        "1h30m",
        "10sec",
        "0x10",
        "1.0001s",
        "ten",
        "unlimite",
        "10ss",
        "99999999999999999999999",
        "300000000000d",
    };
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (dlr_parse_duration_ms(dlr_text_of(refused[i]), &value)) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    assert_false(dlr_parse_size_bytes(DLR_TEXT("0.1KiB"), &value));
    assert_false(dlr_parse_size_bytes(DLR_TEXT("10s"), &value));
    assert_false(dlr_parse_size_bytes(DLR_TEXT("16777216TiB"), &value));
    assert_true(dlr_parse_size_bytes(DLR_TEXT("16777215TiB"), &value));
}

static const char *write_with(void (*put)(struct dlr_buf *, uint64_t),
                              uint64_t value)
{
    static char storage[32];
    struct dlr_buf buf;

    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    put(&buf, value);
    return dlr_buf_terminate(&buf);
}

static void values_are_shown_in_their_largest_whole_unit(void **state)
{
    (void)state;
    assert_string_equal(write_with(dlr_units_put_duration, 0), "0ms");
    assert_string_equal(write_with(dlr_units_put_duration, 10000), "10s");
    assert_string_equal(write_with(dlr_units_put_duration, 1500), "1500ms");
    assert_string_equal(write_with(dlr_units_put_duration, 300000), "5min");
    assert_string_equal(write_with(dlr_units_put_duration, 604800000), "7d");
    assert_string_equal(write_with(dlr_units_put_duration, DLR_UNLIMITED),
                        "unlimited");
    assert_string_equal(write_with(dlr_units_put_size, 67108864), "64MiB");
    assert_string_equal(write_with(dlr_units_put_size, 1000), "1000B");
    assert_string_equal(write_with(dlr_units_put_size, 0), "0B");
}

static void shown_values_read_back(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_C(1) << 50;
         value = value * 7 / 3 + 1) {
        uint64_t back = 0;

        assert_true(dlr_parse_duration_ms(
            dlr_text_of(write_with(dlr_units_put_duration, value)), &back));
        assert_true(back == value);
        assert_true(dlr_parse_size_bytes(
            dlr_text_of(write_with(dlr_units_put_size, value)), &back));
        assert_true(back == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_in_milliseconds),
        cmocka_unit_test(sizes_are_read_in_bytes),
        cmocka_unit_test(counts_are_digits_or_unlimited),
        cmocka_unit_test(what_is_not_exact_or_not_clear_is_refused),
        cmocka_unit_test(values_are_shown_in_their_largest_whole_unit),
        cmocka_unit_test(shown_values_read_back),
    };

    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
