/* SPDX-License-Identifier: MIT */
#include "base/json_write.h"

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

/* The plainest writer there is, to hold the fast one against. */
static size_t write_plainly(const char *in, size_t len, char *out)
{
    size_t at = 0;

    out[at++] = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)in[i];

        if (byte == '"' || byte == '\\') {
            out[at++] = '\\';
            out[at++] = in[i];
        } else if (byte >= 0x20) {
            out[at++] = in[i];
        } else if (byte != 0 && strchr("\b\t\n\f\r", byte) != NULL) {
            out[at++] = '\\';
            out[at++] = "btn?fr"[byte - '\b'];
        } else {
            at += (size_t)snprintf(out + at, 7, "\\u%04x", byte);
        }
    }
    out[at++] = '"';
    return at;
}

/* Writes `text` into storage of exactly the needed size, on the heap so that
 * the sanitizer sees a byte too many. */
static void assert_written_plainly(const char *text, size_t len)
{
    char *expected = malloc(6 * len + 8);
    char *exact_text = malloc(len + 1);
    size_t expected_len;
    char *storage;
    struct dlr_buf buf;

    assert_non_null(expected);
    assert_non_null(exact_text);
    expected_len = write_plainly(text, len, expected);
    storage = malloc(expected_len);
    assert_non_null(storage);
    exact_text = realloc(exact_text, len == 0 ? 1 : len);
    assert_non_null(exact_text);
    memcpy(exact_text, text, len);
    dlr_buf_init_fixed(&buf, storage, expected_len);
    assert_true(dlr_json_put_text(&buf, exact_text, len));
    assert_int_equal(buf.len, expected_len);
    assert_memory_equal(storage, expected, expected_len);
    /* One byte less and it does not fit, and says so. */
    dlr_buf_init_fixed(&buf, storage, expected_len - 1);
    assert_false(dlr_json_put_text(&buf, exact_text, len));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    free(storage);
    free(exact_text);
    free(expected);
}

static void each_ascii_character_is_escaped_where_it_must_be(void **state)
{
    (void)state;
    for (int byte = 0; byte < 128; byte++) {
        for (size_t len = 1; len <= 24; len++) {
            for (size_t at = 0; at < len; at++) {
                char text[24];

                memset(text, 'x', len);
                text[at] = (char)byte;
                assert_written_plainly(text, len);
            }
        }
    }
}

static void mixed_text_is_written_as_by_the_plain_writer(void **state)
{
    static const char *const pieces[] = {
        "a",
        "12345678",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\x1f",
        "\x7f",
        "/",
        "\xc3\xa4",
        "\xd0\x9f\xd1\x80",
        "\xe2\x82\xac",
        "\xe2\x80\xa8",
        "\xf0\x9f\x98\x80",
        "a longer piece of plain text",
    };
    struct test_random random = {7};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[400] = "";
        size_t count = test_random_below(&random, 12);

        for (size_t k = 0; k < count; k++) {
            (void)strncat(text,
                          pieces[test_random_below(
                              &random, sizeof pieces / sizeof *pieces)],
                          30);
        }
        assert_written_plainly(text, strlen(text));
    }
    assert_written_plainly("", 0);
}

static void text_that_is_not_utf8_leaves_the_buffer_alone(void **state)
{
    static const char *const bad[] = {"\xff",     "\xc3", "\xed\xa0\x80",
                                      "\xc0\xaf", "\x80", "\xf4\x90\x80\x80"};
    char storage[256];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    dlr_buf_append_string(&buf, "before");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (size_t lead = 0; lead < 20; lead++) {
            char text[64];

            memset(text, '"', lead); /* escapes first: much was written */
            memcpy(text + lead, bad[i], strlen(bad[i]) + 1);
            assert_false(dlr_json_put_text(&buf, text, strlen(text)));
            assert_false(dlr_json_put_key(&buf, text, strlen(text)));
            assert_false(buf.failed);
            assert_int_equal(buf.len, 6);
        }
    }
    assert_memory_equal(storage, "before", 6);
}

static void growing_buffer_follows_the_escapes(void **state)
{
    char text[1000];
    struct dlr_buf buf;

    (void)state;
    memset(text, '\x01', sizeof text);
    dlr_buf_init(&buf, 10000);
    assert_true(dlr_json_put_text(&buf, text, sizeof text));
    assert_int_equal(buf.len, 6002);
    dlr_buf_rewind(&buf, 0);
    assert_true(dlr_json_put_text(&buf, text, sizeof text));
    assert_false(dlr_json_put_text(&buf, text, sizeof text));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 6002);
    dlr_buf_clear(&buf);
}

static void failed_buffer_stays_failed(void **state)
{
    char storage[64];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, 1);
    assert_false(dlr_json_put_null(&buf));
    buf.cap = sizeof storage;
    assert_false(dlr_json_put_text(&buf, "a", 1));
    assert_false(dlr_json_put_int64(&buf, 1));
    assert_false(dlr_json_put_double(&buf, 1.5));
    assert_false(dlr_json_put_bool(&buf, true));
    assert_int_equal(buf.len, 0);
}

static void whole_object_comes_out_as_written(void **state)
{
    char storage[256];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    (void)dlr_json_put_raw(&buf, "{", 1);
    (void)dlr_json_put_key(&buf, "a\"b", 3);
    (void)dlr_json_put_double(&buf, 99.99);
    (void)dlr_json_put_raw(&buf, ",", 1);
    (void)dlr_json_put_key(&buf, "", 0);
    (void)dlr_json_put_int64(&buf, INT64_MIN);
    (void)dlr_json_put_raw(&buf, ",", 1);
    (void)dlr_json_put_key(&buf, "u", 1);
    (void)dlr_json_put_uint64(&buf, UINT64_MAX);
    (void)dlr_json_put_raw(&buf, ",\"l\":[", 6);
    (void)dlr_json_put_bool(&buf, true);
    (void)dlr_json_put_raw(&buf, ",", 1);
    (void)dlr_json_put_bool(&buf, false);
    (void)dlr_json_put_raw(&buf, ",", 1);
    assert_true(dlr_json_put_null(&buf));
    (void)dlr_json_put_raw(&buf, "]}", 2);
    assert_string_equal(dlr_buf_terminate(&buf),
                        "{\"a\\\"b\":99.99,\"\":-9223372036854775808,"
                        "\"u\":18446744073709551615,"
                        "\"l\":[true,false,null]}");
}

static void numbers_fit_into_the_last_bytes(void **state)
{
    char storage[5];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    assert_true(dlr_json_put_double(&buf, 99.99));
    dlr_buf_rewind(&buf, 0);
    assert_true(dlr_json_put_int64(&buf, -1234));
    assert_memory_equal(storage, "-1234", 5);
    assert_false(dlr_json_put_uint64(&buf, 1));
    assert_true(buf.failed);
}

static void nan_and_infinity_are_refused_without_failing(void **state)
{
    char storage[64];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    assert_false(dlr_json_put_double(&buf, NAN));
    assert_false(dlr_json_put_double(&buf, -INFINITY));
    assert_false(buf.failed);
    assert_int_equal(buf.len, 0);
}

/* Names and texts of all lengths that are copied in different ways. */
static void plain_pairs_come_out_as_piece_by_piece(void **state)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char pairs[256];
    char pieces[256];
    struct dlr_buf pair;
    struct dlr_buf piece;

    (void)state;
    for (size_t name = 0; name < 40; name++) {
        for (size_t text = 0; text < 60; text++) {
            dlr_buf_init_fixed(&pair, pairs, sizeof pairs);
            dlr_buf_init_fixed(&piece, pieces, sizeof pieces);
            (void)dlr_json_put_raw(&pair, "{", 1);
            (void)dlr_json_put_raw(&piece, "{", 1);
            for (int i = 0; i < 2; i++) {
                assert_true(dlr_json_put_plain_pair(
                    &pair, dlr_text_n(plain, name), dlr_text_n(plain, text)));
                (void)dlr_json_put_raw(&piece, ",", i == 0 ? 0 : 1);
                (void)dlr_json_put_key(&piece, plain, name);
                (void)dlr_json_put_text(&piece, plain, text);
            }
            assert_int_equal(pair.len, piece.len);
            assert_memory_equal(pair.ptr, piece.ptr, pair.len);
        }
    }
}

static void pair_that_needs_an_escape_leaves_the_buffer_alone(void **state)
{
    static const char specials[] = {'"', '\\', '\n', '\x1f', '\xc3'};
    char text[40];
    char storage[128];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    (void)dlr_json_put_raw(&buf, "{", 1);
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t at = 0; at < len; at++) {
            struct dlr_text special = dlr_text_n(text, len);

            memset(text, 'x', sizeof text);
            text[at] = specials[at % sizeof specials];
            assert_false(dlr_json_put_plain_pair(&buf, special, DLR_TEXT("v")));
            assert_false(dlr_json_put_plain_pair(&buf, DLR_TEXT("n"), special));
            assert_false(dlr_json_put_plain_name(&buf, special));
            assert_int_equal(buf.len, 1);
            assert_false(buf.failed);
        }
    }
}

static void pair_without_room_is_not_written(void **state)
{
    char storage[10];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    (void)dlr_json_put_raw(&buf, "{", 1);
    assert_false(dlr_json_put_plain_pair(&buf, DLR_TEXT("ab"), DLR_TEXT("cd")));
    assert_false(dlr_json_put_plain_pair(&buf, dlr_text_n("a", SIZE_MAX),
                                         dlr_text_n("b", SIZE_MAX)));
    assert_int_equal(buf.len, 1);
    assert_false(buf.failed);
    assert_true(dlr_json_put_plain_pair(&buf, DLR_TEXT("a"), DLR_TEXT("bc")));
    assert_memory_equal(storage, "{\"a\":\"bc\"", 9);
}

/* It wants room for the quotes of a text, too. */
static void
a_plain_name_stands_behind_a_comma_unless_it_is_the_first(void **state)
{
    char storage[64];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    (void)dlr_json_put_raw(&buf, "{", 1);
    assert_true(dlr_json_put_plain_name(&buf, DLR_TEXT("a")));
    (void)dlr_json_put_int64(&buf, 1);
    assert_true(
        dlr_json_put_plain_name(&buf, DLR_TEXT("a longer name, plain")));
    assert_string_equal(dlr_buf_terminate(&buf),
                        "{\"a\":1,\"a longer name, plain\":");
    for (size_t cap = 1; cap < 8; cap++) {
        dlr_buf_init_fixed(&buf, storage, cap);
        buf.len = 1;
        assert_false(dlr_json_put_plain_name(&buf, DLR_TEXT("a")));
        assert_int_equal(buf.len, 1);
        assert_false(buf.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_pairs_come_out_as_piece_by_piece),
        cmocka_unit_test(pair_that_needs_an_escape_leaves_the_buffer_alone),
        cmocka_unit_test(pair_without_room_is_not_written),
        cmocka_unit_test(
            a_plain_name_stands_behind_a_comma_unless_it_is_the_first),
        cmocka_unit_test(each_ascii_character_is_escaped_where_it_must_be),
        cmocka_unit_test(mixed_text_is_written_as_by_the_plain_writer),
        cmocka_unit_test(text_that_is_not_utf8_leaves_the_buffer_alone),
        cmocka_unit_test(growing_buffer_follows_the_escapes),
        cmocka_unit_test(failed_buffer_stays_failed),
        cmocka_unit_test(whole_object_comes_out_as_written),
        cmocka_unit_test(numbers_fit_into_the_last_bytes),
        cmocka_unit_test(nan_and_infinity_are_refused_without_failing),
    };

    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
