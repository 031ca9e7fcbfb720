/* SPDX-License-Identifier: MIT */
#include "base/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_check.h"
#include "base/json_write.h"
#include "support/shared.h"

#include <stdlib.h>
#include <string.h>

static struct dlr_json_value root_of(const char *text)
{
    return dlr_json_root(dlr_text_of(text));
}

static void assert_text(struct dlr_json_value value, const char *expected)
{
    assert_true(dlr_text_equals(value.text, dlr_text_of(expected)));
}

static void root_has_the_type_of_the_text(void **state)
{
    (void)state;
    assert_int_equal(root_of(" {} ").type, DLR_JSON_OBJECT);
    assert_int_equal(root_of("[]").type, DLR_JSON_ARRAY);
    assert_int_equal(root_of("\"a\"").type, DLR_JSON_STRING);
    assert_int_equal(root_of("-1").type, DLR_JSON_NUMBER);
    assert_int_equal(root_of("0").type, DLR_JSON_NUMBER);
    assert_int_equal(root_of("true").type, DLR_JSON_BOOL);
    assert_int_equal(root_of("false").type, DLR_JSON_BOOL);
    assert_int_equal(root_of("null").type, DLR_JSON_NULL);
    assert_int_equal(root_of("").type, DLR_JSON_NONE);
    assert_int_equal(root_of(" ").type, DLR_JSON_NONE);
    assert_int_equal(dlr_json_root(dlr_text_n(NULL, 0)).type, DLR_JSON_NONE);
}

static void values_are_slices_without_the_space_around(void **state)
{
    struct dlr_json_value object = root_of(
        " { \"a\" : [ 1 , \"]\" ] , \"b\" : \"x\\\"}\" , \"c\" : -1.5e3 } ");

    (void)state;
    assert_text(dlr_json_get(object, DLR_TEXT("a")), "[ 1 , \"]\" ]");
    assert_text(dlr_json_get(object, DLR_TEXT("b")), "\"x\\\"}\"");
    assert_text(dlr_json_get(object, DLR_TEXT("c")), "-1.5e3");
    assert_int_equal(dlr_json_get(object, DLR_TEXT("d")).type, DLR_JSON_NONE);
}

static void members_come_in_the_order_of_the_text(void **state)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(root_of("{\"a\":1,\"b\":{\"c\":[{}]},\"\":null}"));
    struct dlr_json_value name;
    struct dlr_json_value value;

    (void)state;
    assert_true(dlr_json_next_member(&iter, &name, &value));
    assert_text(name, "\"a\"");
    assert_text(value, "1");
    assert_true(dlr_json_next_member(&iter, &name, &value));
    assert_text(value, "{\"c\":[{}]}");
    assert_true(dlr_json_next_member(&iter, &name, &value));
    assert_text(name, "\"\"");
    assert_int_equal(value.type, DLR_JSON_NULL);
    assert_false(dlr_json_next_member(&iter, &name, &value));
    assert_false(dlr_json_next_member(&iter, &name, &value));
}

static void elements_come_one_by_one(void **state)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(root_of("[ [ ] , {\"a\":[]} ,3]"));
    struct dlr_json_value value;
    int64_t number;

    (void)state;
    assert_true(dlr_json_next_element(&iter, &value));
    assert_text(value, "[ ]");
    assert_true(dlr_json_next_element(&iter, &value));
    assert_text(value, "{\"a\":[]}");
    assert_true(dlr_json_next_element(&iter, &value));
    assert_true(dlr_json_to_int64(value, &number));
    assert_int_equal(number, 3);
    assert_false(dlr_json_next_element(&iter, &value));
}

static void scalars_have_nothing_to_walk_over(void **state)
{
    static const char *const scalars[] = {"1", "\"a\"", "null", "true", ""};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct dlr_json_iter iter = dlr_json_iterate(root_of(scalars[i]));
        struct dlr_json_value name;
        struct dlr_json_value value;

        assert_false(dlr_json_next_element(&iter, &value));
        assert_false(dlr_json_next_member(&iter, &name, &value));
        assert_int_equal(dlr_json_get(root_of(scalars[i]), DLR_TEXT("a")).type,
                         DLR_JSON_NONE);
    }
    /* An array has no names, even if its strings look like some. */
    assert_int_equal(dlr_json_get(root_of("[\"a\",1]"), DLR_TEXT("a")).type,
                     DLR_JSON_NONE);
}

static void first_of_two_members_of_one_name_wins(void **state)
{
    (void)state;
    assert_text(dlr_json_get(root_of("{\"a\":1,\"a\":2}"), DLR_TEXT("a")), "1");
}

static void names_are_compared_with_their_escapes_resolved(void **state)
{
    struct dlr_json_value object =
        root_of("{\"us\\u0065rId\":1,\"\\ud83d\\ude00\\n\":2,\"a\\u0000b\":3}");

    (void)state;
    assert_text(dlr_json_get(object, DLR_TEXT("userId")), "1");
    assert_text(dlr_json_get(object, DLR_TEXT("\xf0\x9f\x98\x80\n")), "2");
    assert_text(dlr_json_get(object, DLR_TEXT("a\0b")), "3");
    assert_int_equal(dlr_json_get(object, DLR_TEXT("a")).type, DLR_JSON_NONE);
    assert_int_equal(dlr_json_get(object, DLR_TEXT("userIds")).type,
                     DLR_JSON_NONE);
}

static void strings_are_decoded(void **state)
{
    char storage[64];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    assert_true(dlr_json_decode(
        root_of("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\uD83d\\uDE00z\""),
        &buf));
    assert_string_equal(
        dlr_buf_terminate(&buf),
        "a\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
    assert_false(dlr_json_decode(root_of("17"), &buf));
}

static void decoding_without_room_appends_nothing(void **state)
{
    char storage[4];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    assert_false(dlr_json_decode(root_of("\"ab\\ncde\""), &buf));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
}

static void plain_text_is_lent_only_without_escapes(void **state)
{
    struct dlr_text text;

    (void)state;
    assert_true(dlr_json_plain_text(root_of("\"abc\""), &text));
    assert_true(dlr_text_equals(text, DLR_TEXT("abc")));
    assert_true(dlr_json_plain_text(root_of("\"\""), &text));
    assert_int_equal(text.len, 0);
    assert_false(dlr_json_plain_text(root_of("\"a\\n\""), &text));
    assert_false(dlr_json_plain_text(root_of("12"), &text));
}

static void numbers_and_booleans_are_read_by_type(void **state)
{
    int64_t whole;
    double real;
    bool flag = false;

    (void)state;
    assert_true(dlr_json_to_int64(root_of("820982911946154500"), &whole));
    assert_true(whole == 820982911946154500);
    assert_false(dlr_json_to_int64(root_of("1.0"), &whole));
    assert_false(dlr_json_to_int64(root_of("\"1\""), &whole));
    assert_true(dlr_json_to_double(root_of("99.99"), &real));
    assert_true(real == 99.99);
    assert_false(dlr_json_to_double(root_of("null"), &real));
    assert_true(dlr_json_to_bool(root_of("true"), &flag));
    assert_true(flag);
    assert_true(dlr_json_to_bool(root_of("false"), &flag));
    assert_false(flag);
    assert_false(dlr_json_to_bool(root_of("1"), &flag));
}

static void answer_of_a_server_is_understood(void **state)
{
    struct dlr_json_value answer = root_of(
        "{\"success\":true,\"accepted\":2,\"duplicates\":1,\"rejected\":["
        "{\"index\":1,\"eventId\":\"e\\u0031\",\"error\":\"no name\"}]}");
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(answer, DLR_TEXT("rejected")));
    struct dlr_json_value rejected;
    int64_t index;

    (void)state;
    assert_true(dlr_json_next_element(&iter, &rejected));
    assert_true(
        dlr_json_to_int64(dlr_json_get(rejected, DLR_TEXT("index")), &index));
    assert_int_equal(index, 1);
    assert_true(dlr_json_string_equals(
        dlr_json_get(rejected, DLR_TEXT("eventId")), DLR_TEXT("e1")));
    assert_false(dlr_json_next_element(&iter, &rejected));
}

/* Every prefix and every change of one byte of a text, in memory of exactly its
 * size: whatever comes out, nothing beyond the text is read (the sanitizer
 * looks on) and every walk ends. */
static size_t walk(struct dlr_json_value value, int depth)
{
    struct dlr_json_iter iter = dlr_json_iterate(value);
    struct dlr_json_value name;
    struct dlr_json_value inner;
    size_t count = 1;

    if (depth > 8) {
        return count;
    }
    if (value.type == DLR_JSON_OBJECT) {
        while (dlr_json_next_member(&iter, &name, &inner)) {
            (void)dlr_json_string_equals(name, DLR_TEXT("a\n"));
            count += walk(inner, depth + 1);
        }
    } else {
        while (dlr_json_next_element(&iter, &inner)) {
            count += walk(inner, depth + 1);
        }
    }
    return count;
}

static void broken_text_is_never_read_beyond_its_end(void **state)
{
    static const char text[] =
        "{\"a\\n\":[1,-2.5e3,\"x\\ud83d\\ude00\\\"\"],\"b\":{\"c\":null}}";
    static const char others[] = "\"\\{}[]:,u0t ";
    size_t walked = 0;

    (void)state;
    for (size_t len = 1; len < sizeof text; len++) {
        char *copy = malloc(len);

        assert_non_null(copy);
        memcpy(copy, text, len);
        walked += walk(dlr_json_root(dlr_text_n(copy, len)), 0);
        for (size_t i = 0; i < sizeof others - 1; i++) {
            copy[len - 1] = others[i];
            walked += walk(dlr_json_root(dlr_text_n(copy, len)), 0);
            copy[len / 2] = others[i];
            walked += walk(dlr_json_root(dlr_text_n(copy, len)), 0);
        }
        free(copy);
    }
    assert_true(walked > sizeof text);
}

/* The list of naughty strings, written, read and compared. */
static void naughty_strings_survive_writing_and_reading(void **state)
{
    char path[512];
    size_t len = 0;
    size_t count = 0;
    char *text;
    struct dlr_json_iter iter;
    struct dlr_json_value value;
    struct dlr_buf decoded;
    struct dlr_buf written;

    (void)state;
    if (!shared_find("hostile/strings/blns.json", path, sizeof path)) {
        skip();
    }
    text = shared_read(path, &len);
    assert_non_null(text);
    assert_true(dlr_json_check(dlr_text_n(text, len), DLR_JSON_DEPTH, NULL));
    dlr_buf_init(&decoded, 100000);
    dlr_buf_init(&written, 100000);
    iter = dlr_json_iterate(dlr_json_root(dlr_text_n(text, len)));
    while (dlr_json_next_element(&iter, &value)) {
        dlr_buf_rewind(&decoded, 0);
        dlr_buf_rewind(&written, 0);
        assert_true(dlr_json_decode(value, &decoded));
        assert_true(dlr_json_put_text(&written, decoded.ptr, decoded.len));
        assert_true(
            dlr_json_check(dlr_buf_text(&written), DLR_JSON_DEPTH, NULL));
        assert_true(dlr_json_string_equals(
            dlr_json_root(dlr_buf_text(&written)), dlr_buf_text(&decoded)));
        count++;
    }
    dlr_buf_clear(&decoded);
    dlr_buf_clear(&written);
    free(text);
    assert_int_equal(count, 515);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_has_the_type_of_the_text),
        cmocka_unit_test(values_are_slices_without_the_space_around),
        cmocka_unit_test(members_come_in_the_order_of_the_text),
        cmocka_unit_test(elements_come_one_by_one),
        cmocka_unit_test(scalars_have_nothing_to_walk_over),
        cmocka_unit_test(first_of_two_members_of_one_name_wins),
        cmocka_unit_test(names_are_compared_with_their_escapes_resolved),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(decoding_without_room_appends_nothing),
        cmocka_unit_test(plain_text_is_lent_only_without_escapes),
        cmocka_unit_test(numbers_and_booleans_are_read_by_type),
        cmocka_unit_test(answer_of_a_server_is_understood),
        cmocka_unit_test(broken_text_is_never_read_beyond_its_end),
        cmocka_unit_test(naughty_strings_survive_writing_and_reading),
    };

    return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
