/* SPDX-License-Identifier: MIT */
/* CSV: headers and rows taken apart. Where rows end is tested with the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/csv.h"

struct fixture {
    struct cli_csv csv;
    struct cli_record record;
    struct dlr_buf reason;
};

static void begin(struct fixture *fixture, const char *header)
{
    const char *reason = NULL;

    *fixture = (struct fixture){0};
    dlr_buf_init(&fixture->reason, 4096);
    assert_true(
        cli_csv_begin(&fixture->csv, dlr_text_of(header), ',', &reason));
    assert_null(reason);
}

static void end(struct fixture *fixture)
{
    cli_csv_clear(&fixture->csv);
    cli_record_clear(&fixture->record);
    dlr_buf_clear(&fixture->reason);
}

static void expect_field(const struct fixture *fixture, size_t index,
                         const char *expected)
{
    struct dlr_text found = fixture->record.columns[index].value.text;

    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.ptr, expected, found.len);
}

static void expect_key(const struct fixture *fixture, size_t index,
                       const char *expected)
{
    struct dlr_text found = fixture->csv.keys[index];

    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.ptr, expected, found.len);
}

static bool split(struct fixture *fixture, const char *row)
{
    dlr_buf_rewind(&fixture->reason, 0);
    return cli_csv_split(&fixture->csv, dlr_text_of(row), &fixture->record,
                         &fixture->reason);
}

static void quotes_are_resolved_and_blanks_are_kept(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "a,b,c,d");
    assert_true(split(&fixture, " x ,\"say \"\"hi\"\", you\",\"\",\"1\n2\""));
    expect_field(&fixture, 0, " x ");
    expect_field(&fixture, 1, "say \"hi\", you");
    expect_field(&fixture, 2, "");
    expect_field(&fixture, 3, "1\n2");
    assert_true(split(&fixture, ",,,"));
    expect_field(&fixture, 3, "");
    assert_true(split(&fixture, "5\" pipe,\"\"\"\",\"\"\"\"\"\",x\"\"y"));
    expect_field(&fixture, 0, "5\" pipe");
    expect_field(&fixture, 1, "\"");
    expect_field(&fixture, 2, "\"\"");
    expect_field(&fixture, 3, "x\"\"y");
    end(&fixture);
}

static void a_row_that_does_not_fit_the_header_says_so(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "a,b");
    assert_false(split(&fixture, "1"));
    assert_string_equal(dlr_buf_terminate(&fixture.reason),
                        "1 fields, the header has 2");
    assert_false(split(&fixture, "1,2,3"));
    assert_false(split(&fixture, "\"1\"x,2"));
    assert_string_equal(dlr_buf_terminate(&fixture.reason),
                        "field 1 has text behind a closing quote");
    assert_false(split(&fixture, "1,\"2"));
    assert_string_equal(dlr_buf_terminate(&fixture.reason),
                        "field 2 has a quote that is never closed");
    assert_true(split(&fixture, "1,2"));
    end(&fixture);
}

static void names_are_made_unique_and_none_is_empty(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "a,,a,\"q\"\"\",a,");
    assert_int_equal(fixture.csv.count, 6);
    expect_key(&fixture, 0, "\"a\"");
    expect_key(&fixture, 1, "\"column_2\"");
    expect_key(&fixture, 2, "\"a_2\"");
    expect_key(&fixture, 3, "\"q\\\"\"");
    expect_key(&fixture, 4, "\"a_3\"");
    expect_key(&fixture, 5, "\"column_6\"");
    end(&fixture);
}

static void a_header_that_is_not_utf8_is_refused(void **state)
{
    struct cli_csv csv;
    const char *reason = NULL;

    (void)state;
    assert_false(cli_csv_begin(&csv, DLR_TEXT("a,\xe9"), ',', &reason));
    assert_non_null(strstr(reason, "UTF-8"));
    cli_csv_clear(&csv);
    assert_false(cli_csv_begin(&csv, DLR_TEXT("a,\"b"), ',', &reason));
    assert_non_null(reason);
    cli_csv_clear(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_are_resolved_and_blanks_are_kept),
        cmocka_unit_test(a_row_that_does_not_fit_the_header_says_so),
        cmocka_unit_test(names_are_made_unique_and_none_is_empty),
        cmocka_unit_test(a_header_that_is_not_utf8_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
