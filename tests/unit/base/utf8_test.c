/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void every_scalar_value_survives_encoding_and_decoding(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char bytes[4];
        uint32_t back = UINT32_MAX;
        size_t len = dlr_utf8_encode(code, bytes);

        if (code >= 0xd800 && code <= 0xdfff) {
            assert_memory_equal(bytes, "\xef\xbf\xbd", 3);
            continue;
        }
        assert_int_equal(dlr_utf8_decode(bytes, len, &back), len);
        assert_int_equal(back, code);
        /* One byte less is never a character. */
        assert_int_equal(dlr_utf8_sequence(bytes, len - 1), 0);
    }
}

static void number_beyond_unicode_becomes_the_replacement(void **state)
{
    char bytes[4];

    (void)state;
    assert_int_equal(dlr_utf8_encode(0x110000, bytes), 3);
    assert_memory_equal(bytes, "\xef\xbf\xbd", 3);
}

/* All combinations of the first three bytes. The numbers are those of the table
 * of well-formed sequences, so what is not in it cannot be accepted. */
static void only_well_formed_sequences_are_accepted(void **state)
{
    size_t counts[5] = {0};

    (void)state;
    for (uint32_t i = 0; i < 1U << 24; i++) {
        char bytes[4] = {(char)(i >> 16), (char)(i >> 8), (char)i, (char)0x80};
        size_t len = dlr_utf8_sequence(bytes, 4);

        assert_true(len <= 4);
        counts[len]++;
    }
    assert_int_equal(counts[1], 0x80 * 65536);
    assert_int_equal(counts[2], (0x800 - 0x80) * 256);
    assert_int_equal(counts[3], 0x10000 - 0x800 - 0x800);
    assert_int_equal(counts[4], 0x100000 / 64); /* the fourth byte is fixed */
}

static void invalid_byte_is_found_wherever_it_stands(void **state)
{
    char text[64];

    (void)state;
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'a', len);
            assert_true(dlr_utf8_is_valid(text, len));
            text[at] = (char)0xff;
            assert_false(dlr_utf8_is_valid(text, len));
            text[at] = (char)0xc3; /* half a character, then a letter or end */
            assert_false(dlr_utf8_is_valid(text, len));
        }
    }
    assert_true(dlr_utf8_is_valid("", 0));
    assert_true(dlr_utf8_is_valid(NULL, 0));
}

static void length_is_counted_in_utf16_units(void **state)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 12345678";

    (void)state;
    assert_int_equal(dlr_utf8_count_utf16(text, sizeof text - 1), 14);
    assert_int_equal(dlr_utf8_count_utf16("", 0), 0);
}

static void cut_never_splits_a_character(void **state)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t expected[] = {0, 1, 3, 6, 6, 10, 11, 11};

    (void)state;
    for (size_t units = 0; units < 8; units++) {
        assert_int_equal(dlr_utf8_cut_utf16(text, sizeof text - 1, units),
                         expected[units]);
    }
}

/* The kinds of malformed sequence in Markus Kuhn's stress test. */
static void malformed_sequences_are_refused(void **state)
{
    static const char *const malformed[] = {
        "\x80",     /* a continuation byte alone */
        "\xbf\x80", /* two of them */
        "\xc0 ",    /* a first byte alone, for each length */
        "\xe0 ",
        "\xf0 ",
        "\xf8\x88\x80\x80\x80", /* lengths that no longer exist */
        "\xfc\x84\x80\x80\x80\x80",
        "\xe2\x82", /* the last byte is missing */
        "\xf0\x9f\x98",
        "\xfe", /* bytes that never occur */
        "\xff",
        "\xc0\xaf", /* overlong forms of '/' */
        "\xe0\x80\xaf",
        "\xf0\x80\x80\xaf",
        "\xc1\xbf", /* the longest overlong forms */
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", /* surrogates, alone and as a pair */
        "\xed\xbf\xbf",
        "\xed\xa0\xbd\xed\xb8\x80",
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf7\xbf\xbf\xbf",
    };

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        size_t len = strlen(malformed[i]);

        assert_false(dlr_utf8_is_valid(malformed[i], len));
        assert_int_equal(dlr_utf8_decode(malformed[i], len, NULL), 0);
    }
}

/* Noncharacters are characters as far as UTF-8 is concerned (Corrigendum 9). */
static void boundaries_of_each_length_are_accepted(void **state)
{
    static const char text[] = "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
                               "\xee\x80\x80\xef\xbf\xbe\xef\xbf\xbf"
                               "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

    (void)state;
    assert_true(dlr_utf8_is_valid(text, sizeof text - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scalar_value_survives_encoding_and_decoding),
        cmocka_unit_test(number_beyond_unicode_becomes_the_replacement),
        cmocka_unit_test(only_well_formed_sequences_are_accepted),
        cmocka_unit_test(invalid_byte_is_found_wherever_it_stands),
        cmocka_unit_test(length_is_counted_in_utf16_units),
        cmocka_unit_test(cut_never_splits_a_character),
        cmocka_unit_test(malformed_sequences_are_refused),
        cmocka_unit_test(boundaries_of_each_length_are_accepted),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
