/* SPDX-License-Identifier: MIT */
/*
 * CSV: see csv.h.
 *
 * DESIGN
 * A row with more or fewer fields than the header is refused: which field is
 * missing cannot be known, and a guess would put values under wrong names.
 * Columns without a name get one by their place, names that come again get a
 * number, so that no value is lost.
 */
#include "import/csv.h"

#include "base/json_write.h"
#include "import/input.h"

#include <stdlib.h>

struct field {
    struct dlr_text text;
    bool is_last;
    const char *problem;
};

/* The content of a quoted field whose quotes are doubled inside. */
static struct dlr_text undouble(struct dlr_text inside, struct dlr_buf *out)
{
    size_t start = out->len;
    const char *at = inside.ptr;
    const char *end = inside.ptr + inside.len;

    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        const char *stop = quote == NULL ? end : quote + 1;

        dlr_buf_append(out, at, (size_t)(stop - at));
        at = quote == NULL ? end : quote + 2;
    }
    return dlr_text_n(out->ptr + start, out->len - start);
}

static struct field next_quoted(struct dlr_text *rest, char delimiter,
                                struct dlr_buf *unquoted)
{
    const char *start = rest->ptr + 1;
    const char *end = rest->ptr + rest->len;
    const char *quote = start;
    bool has_double = false;
    struct field field = {0};

    for (;;) {
        quote = memchr(quote, '"', (size_t)(end - quote));
        if (quote == NULL) {
            field.problem = "a quote that is never closed";
            return field;
        }
        if (quote + 1 == end || quote[1] != '"') {
            break;
        }
        has_double = true;
        quote += 2;
    }
    field.text = dlr_text_n(start, (size_t)(quote - start));
    if (has_double) {
        field.text = undouble(field.text, unquoted);
    }
    quote++;
    field.is_last = quote == end;
    if (!field.is_last && *quote != delimiter) {
        field.problem = "text behind a closing quote";
    }
    quote += field.is_last ? 0 : 1;
    *rest = dlr_text_n(quote, (size_t)(end - quote));
    return field;
}

static struct field next_field(struct dlr_text *rest, char delimiter,
                               struct dlr_buf *unquoted)
{
    struct field field = {0};
    const char *stop;

    if (rest->len > 0 && rest->ptr[0] == '"') {
        return next_quoted(rest, delimiter, unquoted);
    }
    stop = rest->len == 0 ? NULL : memchr(rest->ptr, delimiter, rest->len);
    if (stop == NULL) {
        field.text = *rest;
        field.is_last = true;
        return field;
    }
    field.text = dlr_text_n(rest->ptr, (size_t)(stop - rest->ptr));
    *rest = dlr_text_n(stop + 1, rest->len - field.text.len - 1);
    return field;
}

/* Doubled quotes make fields shorter, so the row's own length is room enough
 * and the buffer never moves while fields point into it. */
static bool make_room(struct dlr_buf *unquoted, size_t len)
{
    dlr_buf_rewind(unquoted, 0);
    return dlr_buf_reserve(unquoted, len + 1) != NULL;
}

static bool is_taken(const struct cli_csv *csv, struct dlr_text key)
{
    for (size_t i = 0; i < csv->count; i++) {
        if (dlr_text_equals(csv->keys[i], key)) {
            return true;
        }
    }
    return false;
}

/* Appends the name as JSON; offsets become pointers when the header is read. */
static bool put_name(struct cli_csv *csv, struct dlr_text name)
{
    size_t start = csv->names.len;
    struct dlr_text *key = &csv->keys[csv->count];

    if (name.len == 0) {
        dlr_buf_printf(&csv->names, "\"column_%zu\"", csv->count + 1);
    } else if (!dlr_json_put_text(&csv->names, name.ptr, name.len)) {
        return false;
    }
    *key = dlr_text_n(csv->names.ptr + start, csv->names.len - start);
    for (int number = 2; is_taken(csv, *key); number++) {
        dlr_buf_rewind(&csv->names, start);
        (void)dlr_json_put_text(&csv->names, name.ptr, name.len);
        csv->names.len--; /* the quote moves behind the number */
        dlr_buf_printf(&csv->names, "_%d\"", number);
        *key = dlr_text_n(csv->names.ptr + start, csv->names.len - start);
    }
    csv->count++;
    return !csv->names.failed;
}

static size_t count_fields_at_most(struct dlr_text row, char delimiter)
{
    size_t count = 1;

    for (size_t i = 0; i < row.len; i++) {
        count += row.ptr[i] == delimiter ? 1 : 0;
    }
    return count;
}

bool cli_csv_begin(struct cli_csv *csv, struct dlr_text row, char delimiter,
                   const char **reason)
{
    struct field field = {0};
    size_t fields = count_fields_at_most(row, delimiter);
    /* Six bytes for one: how a control character is escaped. */
    size_t room = row.len * 6 + fields * 32;

    *csv = (struct cli_csv){.delimiter = delimiter};
    dlr_buf_init(&csv->names, room);
    dlr_buf_init(&csv->unquoted, CLI_RECORD_MAX * 2);
    csv->keys = calloc(fields, sizeof *csv->keys);
    *reason = "out of memory";
    if (csv->keys == NULL || dlr_buf_reserve(&csv->names, room) == NULL ||
        !make_room(&csv->unquoted, row.len)) {
        return false;
    }
    while (!field.is_last) {
        field = next_field(&row, delimiter, &csv->unquoted);
        if (field.problem != NULL) {
            *reason = "the header has a quote that is not closed, or text "
                      "behind one";
            return false;
        }
        if (!put_name(csv, field.text)) {
            *reason = "the header is not UTF-8: convert the file with iconv "
                      "-f LATIN1 -t UTF-8";
            return false;
        }
    }
    *reason = NULL;
    return true;
}

void cli_csv_clear(struct cli_csv *csv)
{
    dlr_buf_clear(&csv->names);
    dlr_buf_clear(&csv->unquoted);
    free(csv->keys);
    *csv = (struct cli_csv){0};
}

bool cli_csv_split(struct cli_csv *csv, struct dlr_text row,
                   struct cli_record *record, struct dlr_buf *reason)
{
    struct field field = {0};
    size_t count = 0;

    record->column_count = 0;
    if (!make_room(&csv->unquoted, row.len) ||
        !cli_record_reserve(record, csv->count)) {
        dlr_buf_append_string(reason, "out of memory");
        return false;
    }
    for (; !field.is_last; count++) {
        field = next_field(&row, csv->delimiter, &csv->unquoted);
        if (field.problem != NULL) {
            dlr_buf_printf(reason, "field %zu has %s", count + 1,
                           field.problem);
            return false;
        }
        if (count < csv->count) {
            record->columns[count] = (struct cli_column){
                .key = csv->keys[count], .value = cli_value_plain(field.text)};
        }
    }
    if (count != csv->count) {
        dlr_buf_printf(reason, "%zu fields, the header has %zu", count,
                       csv->count);
        return false;
    }
    record->column_count = count;
    return true;
}
