/* SPDX-License-Identifier: MIT */
/* Property values as JSON text. */
#include "model/value.h"

#include "support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <float.h>
#include <math.h>

static const struct dlr_path root = {NULL, "properties", 0};

static void check(datalyr_value value, const char *expected)
{
    struct dlr_buf out;
    datalyr_error error = {0};

    dlr_buf_init(&out, (size_t)1 << 20);
    if (dlr_value_put(&out, &value, &root, &error) != DATALYR_OK) {
        fail_msg("%s", error.message);
    }
    assert_non_null(dlr_buf_terminate(&out));
    assert_string_equal(out.ptr, expected);
    dlr_buf_clear(&out);
}

static void check_refused(datalyr_value value, const char *message)
{
    struct dlr_buf out;
    datalyr_error error = {0};

    dlr_buf_init(&out, (size_t)1 << 20);
    assert_int_equal(dlr_value_put(&out, &value, &root, &error),
                     DATALYR_INVALID);
    assert_int_equal(dlr_value_put(&out, &value, &root, NULL), DATALYR_INVALID);
    assert_int_equal(error.status, DATALYR_INVALID);
    assert_string_equal(error.message, message);
    dlr_buf_clear(&out);
}

static void scalars_are_written_as_json(void **state)
{
    (void)state;
    check(DATALYR_NULL, "null");
    check(DATALYR_TRUE, "true");
    check(DATALYR_FALSE, "false");
    check(DATALYR_BOOL(42), "true");
    check(DATALYR(0), "0");
    check(DATALYR(INT64_MIN), "-9223372036854775808");
    check(DATALYR(UINT64_MAX), "18446744073709551615");
    check(DATALYR((uint8_t)200), "200");
    check(DATALYR((int8_t)-100), "-100");
    check(DATALYR((_Bool)1), "true");
    check(DATALYR("text"), "\"text\"");
    check(DATALYR((const char *)NULL), "null");
    check(datalyr_text_n("a\0b", 3), "\"a\\u0000b\"");
}

static void doubles_are_written_short_and_read_back_the_same(void **state)
{
    static const double values[] = {0.1,     99.99,   1e21,        1e-7,
                                    DBL_MAX, DBL_MIN, 5e-324,      1.0 / 3,
                                    -2.5,    1e15,    123456789.5, 4.35};

    (void)state;
    check(DATALYR(99.99), "99.99");
    check(DATALYR(0.1f), "0.10000000149011612");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        datalyr_value value = DATALYR(values[i]);
        struct dlr_buf out;

        dlr_buf_init(&out, 100);
        assert_int_equal(dlr_value_put(&out, &value, &root, NULL), DATALYR_OK);
        assert_true(strtod(dlr_buf_terminate(&out), NULL) == values[i]);
        dlr_buf_clear(&out);
    }
}

static void what_json_cannot_hold_is_refused_by_name(void **state)
{
    (void)state;
    check_refused(DATALYR(NAN),
                  "properties is NaN or infinite, which JSON cannot hold");
    check_refused(DATALYR_OBJECT({"a", DATALYR(-INFINITY)}),
                  "properties.a is NaN or infinite, which JSON cannot hold");
    check_refused(
        DATALYR_LIST(DATALYR(1),
                     DATALYR_OBJECT({"b", DATALYR_LIST(DATALYR(NAN))})),
        "properties[1].b[0] is NaN or infinite, which JSON cannot hold");
    check_refused(DATALYR("\xed\xa0\x80"), "properties is not valid UTF-8");
    check_refused(DATALYR_OBJECT({"a", DATALYR_NONE}),
                  "properties.a is no property value");
    check_refused(datalyr_json(NULL, 5),
                  "properties has a count but no contents");
    check_refused(datalyr_json(NULL, 0),
                  "properties is a JSON text that is NULL");
    check_refused(datalyr_list(NULL, 2),
                  "properties has a count but no contents");
    check_refused(datalyr_built(NULL), "properties is a builder that is NULL");
}

static void json_texts_are_compact_and_keep_their_digits(void **state)
{
    static const char text[] = " { \"n\" : 1.50e+3 , \"l\" : [ 1 , 2 ] } ";

    (void)state;
    check(datalyr_json(text, sizeof text - 1), "{\"n\":1.50e+3,\"l\":[1,2]}");
    check(datalyr_json("12345678901234567890123", 23),
          "12345678901234567890123");
}

/* One list in another, `levels` of them. */
static datalyr_value nest(datalyr_value *levels, size_t count)
{
    levels[0] = datalyr_list(NULL, 0);
    for (size_t i = 1; i < count; i++) {
        levels[i] = datalyr_list(&levels[i - 1], 1);
    }
    return levels[count - 1];
}

static void nesting_ends_at_its_limit(void **state)
{
    static datalyr_value levels[100000];
    static const struct dlr_path path = {NULL, "p", 0};
    datalyr_error error = {0};
    struct dlr_buf out;
    datalyr_value value;

    (void)state;
    dlr_buf_init(&out, (size_t)1 << 20);
    value = nest(levels, DLR_VALUE_DEPTH - 1);
    assert_int_equal(dlr_value_put(&out, &value, &path, &error), DATALYR_OK);
    value = nest(levels, sizeof levels / sizeof *levels);
    assert_int_equal(dlr_value_put(&out, &value, &path, &error),
                     DATALYR_INVALID);
    assert_non_null(strstr(error.message, "is nested too deeply"));
    dlr_buf_clear(&out);
}

/* ---- texts that others found troublesome */

static void check_naughty(const char *line, size_t len)
{
    datalyr_member member = {"p", datalyr_text_n(line, len)};
    datalyr_value value = datalyr_object(&member, 1);
    struct dlr_buf out;
    struct dlr_buf again;

    dlr_buf_init(&out, (size_t)1 << 20);
    dlr_buf_init(&again, (size_t)1 << 20);
    assert_int_equal(dlr_value_put(&out, &value, &root, NULL), DATALYR_OK);
    value = datalyr_json(out.ptr, out.len); /* what is written is JSON */
    assert_int_equal(dlr_value_put(&again, &value, &root, NULL), DATALYR_OK);
    assert_int_equal(again.len, out.len);
    assert_memory_equal(again.ptr, out.ptr, out.len);
    dlr_buf_clear(&out);
    dlr_buf_clear(&again);
}

static void naughty_strings_are_values(void **state)
{
    char path[1024];
    unsigned count = 0;
    size_t len;
    char *text;

    (void)state;
    if (!shared_find("hostile/strings/blns.txt", path, sizeof path)) {
        skip();
    }
    text = shared_read(path, &len);
    assert_non_null(text);
    for (char *line = text; line < text + len; count++) {
        size_t line_len = strcspn(line, "\n");

        check_naughty(line, line_len);
        line += line_len + 1;
    }
    assert_true(count > 500);
    free(text);
}

/* JSONTestSuite: y_ must pass, n_ must not, i_ may do either. */
static void check_suite_file(const char *folder, const char *name)
{
    char path[2048];
    struct dlr_buf out;
    datalyr_value value;
    bool is_taken;
    size_t len;
    char *text;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    text = shared_read(path, &len);
    assert_non_null(text);
    value = datalyr_json(text, len);
    dlr_buf_init(&out, (size_t)4 << 20);
    is_taken = dlr_value_put(&out, &value, &root, NULL) == DATALYR_OK;
    if ((name[0] == 'y' && !is_taken) || (name[0] == 'n' && is_taken)) {
        fail_msg("%s is %s", name, is_taken ? "taken" : "refused");
    }
    dlr_buf_clear(&out);
    free(text);
}

static void the_json_test_suite_is_kept(void **state)
{
    char path[1024];
    struct dirent *entry;
    unsigned count = 0;
    DIR *folder;

    (void)state;
    if (!shared_find("hostile/JSONTestSuite/test_parsing", path, sizeof path)) {
        skip();
    }
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strstr(entry->d_name, ".json") != NULL) {
            check_suite_file(path, entry->d_name);
            count++;
        }
    }
    (void)closedir(folder);
    assert_true(count > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_written_as_json),
        cmocka_unit_test(doubles_are_written_short_and_read_back_the_same),
        cmocka_unit_test(what_json_cannot_hold_is_refused_by_name),
        cmocka_unit_test(json_texts_are_compact_and_keep_their_digits),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(naughty_strings_are_values),
        cmocka_unit_test(the_json_test_suite_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
