/* SPDX-License-Identifier: MIT */
/*
 * Reader: finds out the format and hands on to the reader of it; the one for
 * lines is here, for it is the shortest.
 *
 * DESIGN
 * A record is lent out of the window and consumed at the beginning of the next
 * call, so nothing is copied. Bad lines do not end a file: a line has a known
 * end, whatever is in it.
 */
#include "import/reader.h"

#include <stdio.h>
#include <string.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t first_not_blank(struct dlr_text text)
{
    size_t at = 0;

    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

/* Whether brackets are balanced at the end of the text, strings regarded. */
static bool is_balanced(struct dlr_text text)
{
    size_t depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];

        if (is_in_string) {
            i += byte == '\\' ? 1 : 0;
            is_in_string = byte != '"';
        } else if (byte == '"') {
            is_in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return depth == 0 && !is_in_string;
}

/* An object: one a line, or laid out over several lines? If the first line is
 * not whole, the second decides: in a file of lines it begins an object. */
static enum cli_format sniff_object(struct dlr_text text)
{
    const char *newline = memchr(text.ptr, '\n', text.len);
    struct dlr_text rest;

    if (newline == NULL ||
        is_balanced(dlr_text_n(text.ptr, (size_t)(newline - text.ptr)))) {
        return CLI_FORMAT_NDJSON;
    }
    rest = dlr_text_n(newline + 1, text.len - (size_t)(newline + 1 - text.ptr));
    return rest.len > 0 && rest.ptr[0] == '{' ? CLI_FORMAT_NDJSON
                                              : CLI_FORMAT_JSON;
}

static enum cli_format sniff(struct dlr_text text)
{
    size_t at = first_not_blank(text);

    if (at == text.len) {
        return CLI_FORMAT_NDJSON;
    }
    text = dlr_text_n(text.ptr + at, text.len - at);
    if (text.ptr[0] == '[') {
        return CLI_FORMAT_JSON;
    }
    return text.ptr[0] == '{' ? sniff_object(text) : CLI_FORMAT_CSV;
}

static bool refuse_encoding(struct cli_input *input)
{
    input->failed = true;
    (void)snprintf(input->message, sizeof input->message,
                   "is UTF-16: convert it with iconv -f UTF-16 -t UTF-8");
    return false;
}

/* The first line (or as much as is allowed) is needed to tell the format. */
static void fill_first_line(struct cli_input *input)
{
    struct dlr_text text = cli_input_text(input);

    while (text.len < CLI_RECORD_MAX &&
           memchr(text.ptr, '\n', text.len) == NULL && cli_input_fill(input)) {
        text = cli_input_text(input);
    }
}

bool cli_reader_begin(struct cli_reader *reader, struct cli_input *input,
                      enum cli_format format)
{
    struct dlr_text text;

    *reader =
        (struct cli_reader){.input = input, .format = format, .delimiter = ','};
    if (!cli_input_fill(input)) {
        return false;
    }
    fill_first_line(input);
    text = cli_input_text(input);
    if (text.len >= 2 && (memcmp(text.ptr, "\xff\xfe", 2) == 0 ||
                          memcmp(text.ptr, "\xfe\xff", 2) == 0)) {
        return refuse_encoding(input);
    }
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) {
        cli_input_consume_lines(input, 3, 0);
        text = cli_input_text(input);
    }
    if (format == CLI_FORMAT_AUTO) {
        reader->format = sniff(text);
    }
    return true;
}

void cli_reader_skip_line(struct cli_reader *reader)
{
    struct cli_input *input = reader->input;
    const char *newline;

    for (;;) {
        struct dlr_text text = cli_input_text(input);

        newline = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
        if (newline != NULL) {
            cli_input_consume_lines(input, (size_t)(newline + 1 - text.ptr), 1);
            return;
        }
        cli_input_consume_lines(input, text.len, 0);
        if (!cli_input_fill(input)) {
            return;
        }
    }
}

/* The length of the line at hand without its line end; false if there is none
 * or it is longer than what is kept. */
static bool find_line(struct cli_input *input, size_t *len, size_t *with_end)
{
    size_t searched = 0;

    for (;;) {
        struct dlr_text text = cli_input_text(input);
        const char *newline =
            text.len == searched
                ? NULL
                : memchr(text.ptr + searched, '\n', text.len - searched);

        if (newline != NULL) {
            *len = (size_t)(newline - text.ptr);
            *with_end = *len + 1;
            return true;
        }
        searched = text.len;
        if (searched > CLI_RECORD_MAX) {
            return false;
        }
        if (!cli_input_fill(input)) {
            *len = searched;
            *with_end = searched;
            /* What a broken file has of its last line is not a line. */
            return searched > 0 && !input->failed && input->at_end;
        }
    }
}

enum cli_read cli_read_line(struct cli_reader *reader, struct cli_raw *raw)
{
    struct cli_input *input = reader->input;
    size_t len = 0;
    size_t with_end = 0;

    cli_input_consume_lines(input, reader->skip, reader->skip_lines);
    reader->skip = 0;
    reader->skip_lines = 0;
    while (find_line(input, &len, &with_end)) {
        const char *start = input->window + input->start;
        struct dlr_text line = dlr_text_trim(dlr_text_n(start, len));

        if (line.len > 0) {
            raw->bytes = line;
            raw->line = input->line;
            reader->skip = with_end;
            reader->skip_lines = with_end > len ? 1 : 0;
            return CLI_READ_RECORD;
        }
        cli_input_consume_lines(input, with_end, with_end > len ? 1 : 0);
    }
    if (input->end - input->start <= CLI_RECORD_MAX) {
        return CLI_READ_END;
    }
    raw->bytes = dlr_text_n(input->window + input->start, 0);
    raw->line = input->line;
    raw->reason = "the line is longer than 16 MiB";
    cli_reader_skip_line(reader);
    return CLI_READ_BAD;
}

enum cli_read cli_reader_next(struct cli_reader *reader, struct cli_raw *raw)
{
    enum cli_read read = CLI_READ_END;

    *raw = (struct cli_raw){.number = reader->count + 1};
    switch (reader->format) {
    case CLI_FORMAT_AUTO: /* settled by cli_reader_begin() */
    case CLI_FORMAT_NDJSON:
        read = cli_read_line(reader, raw);
        break;
    case CLI_FORMAT_JSON:
        read = cli_read_json(reader, raw);
        break;
    case CLI_FORMAT_CSV:
        read = cli_read_csv(reader, raw);
        break;
    }
    reader->count += read == CLI_READ_END ? 0 : 1;
    return read;
}
