/* SPDX-License-Identifier: MIT */
#include "base/json_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/shared.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static bool is_json(const char *text)
{
    return dlr_json_check(dlr_text_of(text), DLR_JSON_DEPTH, NULL);
}

static void values_of_every_kind_are_accepted(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        " true ",
        "false",
        "\"\"",
        "0",
        "-0",
        "-0.0e-0",
        "1E+2",
        "[1,[2,{\"a\":[]}],{}]",
        "\t\r\n {\"a\" : 1 , \"a\" : 2 }\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\"",
        "\"\\ud83d\\ude00\\uD83D\\uDE00\"",
        "\"\x7f\xc2\x80\xf4\x8f\xbf\xbf\"",
        "123456789012345678901234567890",
        "1e308",
        "1e-99999",
        "0e99999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!is_json(good[i])) {
            fail_msg("refused: %s", good[i]);
        }
    }
}

/* The message and the position of the first byte that is wrong. */
static void errors_name_the_place(void **state)
{
    static const struct {
        const char *text;
        size_t position;
        const char *message;
    } cases[] = {
        {"", 0, "the text ends too early"},
        {"  ", 2, "the text ends too early"},
        {"{", 1, "the text ends too early"},
        {"[1,", 3, "the text ends too early"},
        {"{\"a\"", 4, "the text ends too early"},
        {"\"abc", 4, "the text ends too early"},
        {"\"abc\\", 5, "the text ends too early"},
        {"-", 1, "the text ends too early"},
        {"1.", 2, "the text ends too early"},
        {"tru", 3, "the text ends too early"},
        {"truE", 3, "an unknown word"},
        {"[1 2]", 3, "a comma or closing bracket is missing"},
        {"[1}", 2, "a comma or closing bracket is missing"},
        {"{\"a\":1]", 6, "a comma or closing bracket is missing"},
        {"[1,]", 3, "a value is missing"},
        {"[,1]", 1, "a value is missing"},
        {"{\"a\":}", 5, "a value is missing"},
        {"'a'", 0, "a value is missing"},
        {"\xef\xbb\xbf{}", 0, "a value is missing"},
        {"{,}", 1, "a member's name is missing"},
        {"{\"a\":1,}", 7, "a member's name is missing"},
        {"{a:1}", 1, "a member's name is missing"},
        {"{\"a\" 1}", 5, "a colon is missing"},
        {"1 2", 2, "something follows the value"},
        {"01", 1, "something follows the value"},
        {"{}}", 2, "something follows the value"},
        {"-a", 1, "a digit is missing"},
        {"1.e5", 2, "a digit is missing"},
        {"1e+x", 3, "a digit is missing"},
        {"[0,1e400]", 3, "a number too large for a double"},
        {"\"a\nb\"", 2, "a control character inside a string"},
        {"\"12345678\x1f\"", 9, "a control character inside a string"},
        {"\"a\\x\"", 3, "an unknown escape"},
        {"\"\\u12g4\"", 1, "\\u without four hexadecimal digits"},
        {"\"\\u12", 1, "\\u without four hexadecimal digits"},
        {"\"\\ud800\"", 1, "half of a surrogate pair"},
        {"\"\\udc00\"", 1, "half of a surrogate pair"},
        {"\"\\ud800\\ud800\"", 1, "half of a surrogate pair"},
        {"\"\\ud800\\u0041\"", 1, "half of a surrogate pair"},
        {"\"ab\xff\"", 3, "text that is not UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "text that is not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dlr_json_error error;

        if (dlr_json_check(dlr_text_of(cases[i].text), DLR_JSON_DEPTH,
                           &error)) {
            fail_msg("accepted: %s", cases[i].text);
        }
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.position, cases[i].position);
    }
}

static void good_text_leaves_no_error(void **state)
{
    struct dlr_json_error error = {"old", 7};

    (void)state;
    assert_true(dlr_json_check(DLR_TEXT("[1]"), DLR_JSON_DEPTH, &error));
    assert_null(error.message);
}

static void nul_byte_is_no_end(void **state)
{
    (void)state;
    assert_false(dlr_json_check(DLR_TEXT("1\0"), DLR_JSON_DEPTH, NULL));
    assert_false(dlr_json_check(DLR_TEXT("\"\0\""), DLR_JSON_DEPTH, NULL));
    assert_false(dlr_json_check(DLR_TEXT("\"\\\0\""), DLR_JSON_DEPTH, NULL));
    assert_false(dlr_json_check(dlr_text_n(NULL, 0), DLR_JSON_DEPTH, NULL));
}

/* "[[[...": `depth` levels of arrays, or of objects, opened and closed. */
static bool nests(size_t depth, size_t max_depth, bool is_object)
{
    const char *open = is_object ? "{\"a\":" : "[";
    char *text = malloc(depth * 6 + 2);
    size_t len = 0;
    bool is_good;

    assert_non_null(text);
    for (size_t i = 0; i < depth; i++) {
        memcpy(text + len, open, strlen(open));
        len += strlen(open);
    }
    text[len++] = '1';
    memset(text + len, is_object ? '}' : ']', depth);
    len += depth;
    is_good = dlr_json_check(dlr_text_n(text, len), max_depth, NULL);
    free(text);
    return is_good;
}

static void depth_is_limited_as_asked(void **state)
{
    (void)state;
    assert_true(nests(0, 0, false));
    assert_false(nests(1, 0, false));
    for (int is_object = 0; is_object < 2; is_object++) {
        assert_true(nests(63, 63, is_object));
        assert_false(nests(64, 63, is_object));
        assert_true(nests(DLR_JSON_DEPTH, DLR_JSON_DEPTH, is_object));
        assert_false(nests(DLR_JSON_DEPTH + 1, DLR_JSON_DEPTH, is_object));
        assert_true(nests(DLR_JSON_DEPTH_MAX, SIZE_MAX, is_object));
        assert_false(nests(DLR_JSON_DEPTH_MAX + 1, SIZE_MAX, is_object));
        assert_false(nests(100000, SIZE_MAX, is_object));
    }
}

/* Brackets of both kinds, in an order that no pattern of bits repeats. */
static void each_level_remembers_its_own_bracket(void **state)
{
    char text[DLR_JSON_DEPTH_MAX * 8];
    char closing[DLR_JSON_DEPTH_MAX];
    size_t len = 0;
    size_t depth = 0;

    (void)state;
    for (; depth < DLR_JSON_DEPTH_MAX; depth++) {
        bool is_object = depth * depth % 7 < 3;
        const char *open = is_object ? "{\"a\":" : "[";

        memcpy(text + len, open, strlen(open));
        len += strlen(open);
        closing[depth] = is_object ? '}' : ']';
    }
    text[len++] = '1';
    while (depth > 0) {
        text[len++] = closing[--depth];
    }
    assert_true(dlr_json_check(dlr_text_n(text, len), SIZE_MAX, NULL));
    for (size_t i = 1; i <= DLR_JSON_DEPTH_MAX; i++) {
        char right = text[len - i];

        text[len - i] = right == '}' ? ']' : '}';
        assert_false(dlr_json_check(dlr_text_n(text, len), SIZE_MAX, NULL));
        text[len - i] = right;
    }
}

static void object_check_wants_an_object(void **state)
{
    struct dlr_json_error error;

    (void)state;
    assert_true(dlr_json_check_object(DLR_TEXT(" {\"a\":1}\n"), DLR_JSON_DEPTH,
                                      &error));
    assert_false(
        dlr_json_check_object(DLR_TEXT(" [1]"), DLR_JSON_DEPTH, &error));
    assert_string_equal(error.message, "the value is not an object");
    assert_int_equal(error.position, 1);
    assert_false(dlr_json_check_object(DLR_TEXT("{"), DLR_JSON_DEPTH, &error));
    assert_int_equal(error.position, 1);
    assert_false(dlr_json_check_object(DLR_TEXT(""), DLR_JSON_DEPTH, NULL));
}

static void compacting_takes_white_space_and_nothing_else(void **state)
{
    char storage[200];
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    assert_true(dlr_json_compact(
        DLR_TEXT(" { \"a b\" : [ 1.50 , -0.0e+05 ,\ttrue , null ],\r\n"
                 "\"\\u00e4 \" : { } , \"c\":[ ] } \n"),
        DLR_JSON_DEPTH, &buf, NULL));
    assert_string_equal(dlr_buf_terminate(&buf),
                        "{\"a b\":[1.50,-0.0e+05,true,null],"
                        "\"\\u00e4 \":{},\"c\":[]}");
}

static void failed_compacting_leaves_no_trace(void **state)
{
    struct dlr_json_error error;
    char storage[8] = "before";
    struct dlr_buf buf;

    (void)state;
    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    buf.len = 6;
    assert_false(
        dlr_json_compact(DLR_TEXT("[1,"), DLR_JSON_DEPTH, &buf, &error));
    assert_int_equal(buf.len, 6);
    assert_int_equal(error.position, 3);
    dlr_buf_rewind(&buf, 6);
    assert_false(
        dlr_json_compact(DLR_TEXT("[1]"), DLR_JSON_DEPTH, &buf, &error));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 6);
    assert_string_equal(error.message, "there is no room for the text");
}

static void note_member(void *self, struct dlr_json_value name,
                        struct dlr_json_value value)
{
    struct dlr_buf *heard = self;

    dlr_buf_printf(heard, "%.*s=%d:%.*s;", (int)name.text.len, name.text.ptr,
                   (int)value.type, (int)value.text.len, value.text.ptr);
}

static void a_listener_hears_of_the_members_of_the_root_only(void **state)
{
    static const char text[] =
        " { \"a\" : { \"b\" : [ 1 ] } ,\"c\":[],\"c\" : \"\\\"\" , \"d\":-1e2}";
    char storage[200];
    char compact[100];
    struct dlr_buf heard;
    struct dlr_buf out;
    struct dlr_json_listener listener = {note_member, &heard};

    (void)state;
    dlr_buf_init_fixed(&heard, storage, sizeof storage);
    dlr_buf_init_fixed(&out, compact, sizeof compact);
    assert_true(dlr_json_check_members(dlr_text_of(text), DLR_JSON_DEPTH,
                                       &listener, NULL));
    assert_string_equal(dlr_buf_terminate(&heard),
                        "\"a\"=6:{ \"b\" : [ 1 ] };\"c\"=5:[];"
                        "\"c\"=4:\"\\\"\";\"d\"=3:-1e2;");
    dlr_buf_rewind(&heard, 0);
    assert_true(dlr_json_compact_members(
        DLR_TEXT("[{\"a\":1},2]"), DLR_JSON_DEPTH, &listener, &out, NULL));
    assert_true(dlr_json_compact_members(DLR_TEXT("{}"), DLR_JSON_DEPTH,
                                         &listener, &out, NULL));
    assert_int_equal(heard.len, 0);
}

/* Which of the files that a parser may judge either way we accept. Refused are
 * lone surrogates, text that is not UTF-8, byte order marks and numbers beyond
 * a double, as the collector's reader does. */
static bool is_accepted_by_choice(const char *name)
{
    static const char *const accepted[] = {
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
        "i_structure_500_nested_arrays.json",
    };

    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        if (strcmp(name, accepted[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Judges one file of the suite and counts it by its first letter. */
static void judge(const char *folder, const char *name, size_t counts[128])
{
    char path[1024];
    bool is_good;
    bool should_be_good = name[0] == 'y' || is_accepted_by_choice(name);
    size_t len;
    char *text;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    text = shared_read(path, &len);
    assert_non_null(text);
    is_good = dlr_json_check(dlr_text_n(text, len), DLR_JSON_DEPTH, NULL);
    free(text);
    if (is_good != should_be_good) {
        fail_msg("%s: %s", name, is_good ? "accepted" : "refused");
    }
    counts[name[0] & 127]++;
}

static void json_test_suite_is_judged_as_it_asks(void **state)
{
    size_t counts[128] = {0};
    char folder[512];
    struct dirent *entry;
    DIR *dir;

    (void)state;
    if (!shared_find("hostile/JSONTestSuite/test_parsing", folder,
                     sizeof folder)) {
        skip();
    }
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            judge(folder, entry->d_name, counts);
        }
    }
    (void)closedir(dir);
    assert_int_equal(counts['y'], 95);
    assert_int_equal(counts['n'], 188);
    assert_int_equal(counts['i'], 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind_are_accepted),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(good_text_leaves_no_error),
        cmocka_unit_test(nul_byte_is_no_end),
        cmocka_unit_test(depth_is_limited_as_asked),
        cmocka_unit_test(each_level_remembers_its_own_bracket),
        cmocka_unit_test(object_check_wants_an_object),
        cmocka_unit_test(compacting_takes_white_space_and_nothing_else),
        cmocka_unit_test(failed_compacting_leaves_no_trace),
        cmocka_unit_test(a_listener_hears_of_the_members_of_the_root_only),
        cmocka_unit_test(json_test_suite_is_judged_as_it_asks),
    };

    return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
