/* SPDX-License-Identifier: MIT */
/* Reader: records are whole and numbered, wherever the window ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "import/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDS 3000

struct fixture {
    char path[64];
    struct cli_input input;
    struct cli_reader reader;
};

static void begin(struct fixture *fixture, struct dlr_text content,
                  enum cli_format format)
{
    int fd;

    *fixture = (struct fixture){.path = "/tmp/datalyr-reader-XXXXXX"};
    fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.ptr, content.len), (ssize_t)content.len);
    assert_int_equal(close(fd), 0);
    assert_true(cli_input_open(&fixture->input, fixture->path));
    assert_true(cli_reader_begin(&fixture->reader, &fixture->input, format));
}

static void end(struct fixture *fixture)
{
    cli_input_close(&fixture->input);
    assert_int_equal(unlink(fixture->path), 0);
}

/* A length that is now and then longer than what is read at a time. */
static size_t length_of(size_t number)
{
    return number % 601 == 600 ? 300000 + number : number * 7919 % 2000;
}

static void put_filler(struct dlr_buf *out, size_t number)
{
    for (size_t i = 0; i < length_of(number); i++) {
        dlr_buf_append_char(out, (char)('a' + (number + i) % 26));
    }
}

/* What stands around the filler of a record. */
struct layout {
    enum cli_format format;
    const char *before; /* the first record */
    const char *open;
    const char *close;
    const char *between;
    const char *after; /* the last record */
    size_t lines;      /* that one record and what follows it take */
    size_t first_line;
};

static void
records_are_whole_wherever_the_window_ends(const struct layout *layout)
{
    struct fixture fixture;
    struct dlr_buf content;
    struct dlr_buf expected;
    struct cli_raw raw;

    dlr_buf_init(&content, (size_t)64 << 20);
    dlr_buf_init(&expected, (size_t)1 << 20);
    dlr_buf_append_string(&content, layout->before);
    for (size_t i = 0; i < RECORDS; i++) {
        dlr_buf_append_string(&content, i == 0 ? "" : layout->between);
        dlr_buf_append_string(&content, layout->open);
        put_filler(&content, i);
        dlr_buf_append_string(&content, layout->close);
    }
    dlr_buf_append_string(&content, layout->after);
    begin(&fixture, dlr_buf_text(&content), layout->format);
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(cli_reader_next(&fixture.reader, &raw),
                         CLI_READ_RECORD);
        dlr_buf_rewind(&expected, 0);
        dlr_buf_append_string(&expected, layout->open);
        put_filler(&expected, i);
        dlr_buf_append_string(&expected, layout->close);
        assert_int_equal(raw.bytes.len, expected.len);
        assert_memory_equal(raw.bytes.ptr, expected.ptr, expected.len);
        assert_int_equal(raw.number, i + 1);
        assert_int_equal(raw.line, layout->first_line + i * layout->lines);
    }
    assert_int_equal(cli_reader_next(&fixture.reader, &raw), CLI_READ_END);
    assert_false(fixture.input.failed);
    end(&fixture);
    dlr_buf_clear(&content);
    dlr_buf_clear(&expected);
}

static void lines_are_whole(void **state)
{
    (void)state;
    records_are_whole_wherever_the_window_ends(&(struct layout){
        CLI_FORMAT_NDJSON, "", "{\"v\":\"", "\"}", "\r\n", "", 1, 1});
}

static void elements_of_an_array_are_whole(void **state)
{
    (void)state;
    records_are_whole_wherever_the_window_ends(
        &(struct layout){CLI_FORMAT_JSON, " [\n", "{\"v\":[\"]}\\\"",
                         "\"],\n\"w\":{}}", " ,\n", "\n]\n", 2, 2});
}

static void documents_are_whole(void **state)
{
    (void)state;
    records_are_whole_wherever_the_window_ends(&(struct layout){
        CLI_FORMAT_JSON, "", "{\n\"v\":\"", "\"\n}", "\n", "\n", 3, 1});
}

static void rows_are_whole(void **state)
{
    (void)state;
    records_are_whole_wherever_the_window_ends(&(struct layout){
        CLI_FORMAT_CSV, "", "\"a\n,\"\"", "\",5\" x", "\n\r\n\n", "\n", 4, 1});
}

/* Reads everything; returns how many records were good. */
static size_t count_good(struct fixture *fixture, size_t *bad)
{
    struct cli_raw raw;
    enum cli_read read;
    size_t good = 0;

    *bad = 0;
    while ((read = cli_reader_next(&fixture->reader, &raw)) != CLI_READ_END) {
        good += read == CLI_READ_RECORD ? 1 : 0;
        *bad += read == CLI_READ_BAD ? 1 : 0;
    }
    return good;
}

static void expect_counts(const char *content, size_t good, size_t bad)
{
    struct fixture fixture;
    size_t found_bad;

    begin(&fixture, dlr_text_of(content), CLI_FORMAT_AUTO);
    assert_int_equal(count_good(&fixture, &found_bad), good);
    assert_int_equal(found_bad, bad);
    end(&fixture);
}

static void damage_costs_one_record_where_its_end_is_known(void **state)
{
    (void)state;
    expect_counts("{\"a\":1}\n{\"a\":\n{\"a\":2}\n", 3, 0); /* checked later */
    expect_counts("a,b\n1,\"2\n3,4\n5,6\n", 3, 1);
    expect_counts("[{\"a\":1},{\"a\":2}", 2, 1);
    expect_counts("[{\"a\":1} {\"a\":2}]", 1, 1);
    expect_counts("[{\"a\":1},,{\"a\":2}]", 1, 1);
    expect_counts("[{\"a\":\"1}]", 0, 1);
    expect_counts("[1, \"x\", true, {\"a\":[1,2]} ]", 4, 0);
}

static void the_first_bytes_tell_the_format(void **state)
{
    static const struct {
        const char *content;
        enum cli_format format;
    } cases[] = {
        {"{\"a\":1}\n{\"a\":2}", CLI_FORMAT_NDJSON},
        {"\xef\xbb\xbf{\"a\":1}", CLI_FORMAT_NDJSON},
        {"\n\n {\"a\":1}\n", CLI_FORMAT_NDJSON},
        {"{\"a\":{\n{\"a\":2}\n", CLI_FORMAT_NDJSON}, /* a bad first line */
        {"{\n  \"a\": 1\n}", CLI_FORMAT_JSON},
        {"{\"a\":[\n1]}\n", CLI_FORMAT_JSON},
        {"{\"a\":\"{\"}\n", CLI_FORMAT_NDJSON},
        {" [1]", CLI_FORMAT_JSON},
        {"a,b\n1,2\n", CLI_FORMAT_CSV},
        {"\"a\",b\n1,2\n", CLI_FORMAT_CSV},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;

        begin(&fixture, dlr_text_of(cases[i].content), CLI_FORMAT_AUTO);
        assert_int_equal(fixture.reader.format, cases[i].format);
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole),
        cmocka_unit_test(elements_of_an_array_are_whole),
        cmocka_unit_test(documents_are_whole),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(damage_costs_one_record_where_its_end_is_known),
        cmocka_unit_test(the_first_bytes_tell_the_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
