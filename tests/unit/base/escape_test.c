/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "support/random.h"

#include <stdio.h>
#include <string.h>

static const char *escaped(struct dlr_text text)
{
    static char storage[4096];
    struct dlr_buf buf;

    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    dlr_escape_put(&buf, text);
    return dlr_buf_terminate(&buf);
}

static void ordinary_text_stays_as_it_is(void **state)
{
    static const char text[] = "C:\\temp {\"a\":1} \xc3\xa4\xe2\x82\xac"
                               "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb";

    (void)state;
    assert_string_equal(escaped(dlr_text_of(text)), text);
    assert_string_equal(escaped(DLR_TEXT("")), "");
}

static void control_characters_are_shown_by_number(void **state)
{
    (void)state;
    assert_string_equal(escaped(DLR_TEXT("a\n\t\x1b[31m\x7f\0b")),
                        "a\\x0a\\x09\\x1b[31m\\x7f\\x00b");
    /* The C1 set: U+009B is ESC [ in one character. */
    assert_string_equal(escaped(DLR_TEXT("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0")),
                        "\\x80\\x9b\\x9f\xc2\xa0");
}

static void characters_that_deceive_are_shown_by_number(void **state)
{
    static const uint32_t deceptive[] = {
        0x061c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c,
        0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff, 0x00ad,
    };

    (void)state;
    for (size_t i = 0; i < sizeof deceptive / sizeof *deceptive; i++) {
        char text[5] = "";
        char expected[16];

        (void)dlr_utf8_encode(deceptive[i], text);
        (void)snprintf(expected, sizeof expected, "\\u{%04x}",
                       (unsigned)deceptive[i]);
        assert_string_equal(escaped(dlr_text_of(text)), expected);
    }
    assert_string_equal(escaped(DLR_TEXT("\xf3\xa0\x81\xa1")), "\\u{e0061}");
}

static void bytes_that_are_not_utf8_are_shown_by_number(void **state)
{
    (void)state;
    assert_string_equal(escaped(DLR_TEXT("a\xff\xc3z\xed\xa0\x80")),
                        "a\\xff\\xc3z\\xed\\xa0\\x80");
}

/* Whatever goes in, what comes out is one line of valid text without controls,
 * whole or cut at any length. */
static void any_bytes_come_out_harmless(void **state)
{
    struct test_random random = {10};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char bytes[40];
        char cut[64];
        size_t len = test_random_below(&random, sizeof bytes);
        size_t cap = 8 + test_random_below(&random, sizeof cut - 8);
        const char *whole;
        size_t kept;

        for (size_t k = 0; k < len; k++) {
            bytes[k] = (char)test_random_next(&random);
        }
        whole = escaped(dlr_text_n(bytes, len));
        assert_true(dlr_utf8_is_valid(whole, strlen(whole)));
        for (const char *at = whole; *at != '\0'; at++) {
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
        }
        memset(cut, '#', sizeof cut);
        kept = dlr_escape_copy(dlr_text_n(bytes, len), cut, cap);
        assert_int_equal(kept, strlen(cut));
        assert_true(strlen(cut) < cap);
        assert_true(dlr_utf8_is_valid(cut, strlen(cut)));
        if (strlen(whole) < cap) {
            assert_string_equal(cut, whole);
        } else {
            kept -= 3;
            assert_string_equal(cut + kept, "\xe2\x80\xa6");
            assert_memory_equal(cut, whole, kept);
            assert_true(kept + 3 + 12 > cap - 1); /* no piece is longer */
        }
    }
}

static void cut_never_splits_what_was_escaped(void **state)
{
    char out[9];

    (void)state;
    (void)dlr_escape_copy(DLR_TEXT("ab\n\ncd"), out, sizeof out);
    assert_string_equal(out, "ab\xe2\x80\xa6");
    (void)dlr_escape_copy(DLR_TEXT("abcdefgh"), out, sizeof out);
    assert_string_equal(out, "abcdefgh");
    (void)dlr_escape_copy(DLR_TEXT("abcdefghi"), out, sizeof out);
    assert_string_equal(out, "abcde\xe2\x80\xa6");
}

static const char *masked(const char *key)
{
    static char out[DLR_MASKED_KEY_CAP];

    dlr_mask_key(dlr_text_of(key), out);
    return out;
}

#define MASK "dk_\xe2\x80\xa6"

static void key_shows_its_last_four_characters_only(void **state)
{
    (void)state;
    assert_string_equal(masked("dk_live_0123456789abcdef"), MASK "cdef");
    assert_string_equal(masked("dk_12345678"), MASK "5678");
    assert_string_equal(masked("some-other-secret"), MASK "cret");
}

static void short_key_shows_nothing(void **state)
{
    (void)state;
    assert_string_equal(masked("dk_1234567"), MASK);
    assert_string_equal(masked("dk_"), MASK);
    assert_string_equal(masked(""), MASK);
    assert_string_equal(masked(NULL), MASK);
    assert_string_equal(masked("1234567"), MASK);
}

static void key_with_an_unprintable_end_shows_nothing(void **state)
{
    (void)state;
    assert_string_equal(masked("dk_0123456789\x1b[2J"), MASK);
    assert_string_equal(masked("dk_0123456789ab\n"), MASK);
    assert_string_equal(masked("dk_0123456789\xc3\xa4xy"), MASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_stays_as_it_is),
        cmocka_unit_test(control_characters_are_shown_by_number),
        cmocka_unit_test(characters_that_deceive_are_shown_by_number),
        cmocka_unit_test(bytes_that_are_not_utf8_are_shown_by_number),
        cmocka_unit_test(any_bytes_come_out_harmless),
        cmocka_unit_test(cut_never_splits_what_was_escaped),
        cmocka_unit_test(key_shows_its_last_four_characters_only),
        cmocka_unit_test(short_key_shows_nothing),
        cmocka_unit_test(key_with_an_unprintable_end_shows_nothing),
    };

    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
