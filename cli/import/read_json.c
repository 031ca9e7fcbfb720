/* SPDX-License-Identifier: MIT */
/*
 * Reader of JSON documents: an array of values is its elements; values one
 * behind the other are themselves, over as many lines as they like.
 *
 * DESIGN
 * Only brackets and quotes are followed here, to find where a value ends; the
 * value itself is checked later by the strict checker. So a value with an error
 * inside is one bad record, as long as its brackets are balanced.
 */
#include "import/reader.h"

#include <string.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Where a value ends, found piece by piece as the window grows. */
struct scan {
    size_t at;
    size_t depth;
    bool is_in_string;
    bool is_escaped;
    bool is_found;
};

/* Strings are most of the bytes. */
static void scan_string(struct scan *scan, struct dlr_text text)
{
    for (; scan->at < text.len && scan->is_in_string; scan->at++) {
        char byte = text.ptr[scan->at];

        if (scan->is_escaped) {
            scan->is_escaped = false;
        } else if (byte == '\\') {
            scan->is_escaped = true;
        } else if (byte == '"') {
            scan->is_in_string = false;
            scan->is_found = scan->depth == 0;
        }
    }
}

/* One byte outside of strings. A scalar ends before what cannot be its own. */
static void scan_byte(struct scan *scan, char byte)
{
    if (byte == '"') {
        scan->is_in_string = true;
    } else if (byte == '{' || byte == '[') {
        scan->depth++;
    } else if (byte == '}' || byte == ']') {
        if (scan->depth == 0) {
            scan->is_found = true; /* a scalar before the end of the array */
            return;
        }
        scan->depth--;
        scan->is_found = scan->depth == 0;
    } else if (scan->depth == 0 && (byte == ',' || is_blank(byte))) {
        scan->is_found = true;
        return;
    }
    scan->at++;
}

static void scan_on(struct scan *scan, struct dlr_text text)
{
    while (scan->at < text.len && !scan->is_found) {
        if (scan->is_in_string) {
            scan_string(scan, text);
        } else {
            scan_byte(scan, text.ptr[scan->at]);
        }
    }
}

/* Moves to the next byte that is not blank; false at the end. */
static bool skip_blanks(struct cli_input *input)
{
    for (;;) {
        struct dlr_text text = cli_input_text(input);
        size_t at = 0;

        while (at < text.len && is_blank(text.ptr[at])) {
            at++;
        }
        cli_input_consume(input, at);
        if (at < text.len) {
            return true;
        }
        if (!cli_input_fill(input)) {
            return false;
        }
    }
}

/* Commas and the brackets around everything. False with `reason` set if
 * something else stands where they should; true at a value or at the end. */
static bool skip_punctuation(struct cli_reader *reader, struct cli_raw *raw)
{
    struct cli_input *input = reader->input;

    while (skip_blanks(input)) {
        char byte = input->window[input->start];

        if (reader->is_in_array && byte == ']') {
            reader->is_in_array = false;
            reader->has_value = false;
        } else if (reader->is_in_array && byte == ',' && reader->has_value) {
            reader->has_value = false;
        } else if (!reader->is_in_array && byte == '[') {
            reader->is_in_array = true;
        } else if (reader->is_in_array && reader->has_value) {
            raw->reason = "a comma or ] is missing before this value";
            return false;
        } else if (byte == ',' || byte == ']' || byte == '}') {
            raw->reason = "a value is missing before this";
            return false;
        } else {
            return true;
        }
        cli_input_consume_lines(input, 1, 0);
    }
    reader->is_done = true;
    if (reader->is_in_array && !input->failed) {
        raw->reason = "the array is not closed: the file is cut off";
        return false;
    }
    return true;
}

static enum cli_read end_badly(struct cli_reader *reader, struct cli_raw *raw)
{
    raw->line = reader->input->line;
    raw->bytes = dlr_text_n(reader->input->window + reader->input->start, 0);
    reader->is_done = true; /* there is no telling where the next one begins */
    return CLI_READ_BAD;
}

enum cli_read cli_read_json(struct cli_reader *reader, struct cli_raw *raw)
{
    struct cli_input *input = reader->input;
    struct scan scan = {0};

    cli_input_consume(input, reader->skip);
    reader->skip = 0;
    if (reader->is_done) {
        return CLI_READ_END;
    }
    if (!skip_punctuation(reader, raw)) {
        return end_badly(reader, raw);
    }
    if (reader->is_done) {
        return CLI_READ_END;
    }
    scan_on(&scan, cli_input_text(input));
    while (!scan.is_found && cli_input_text(input).len <= CLI_RECORD_MAX &&
           cli_input_fill(input)) {
        scan_on(&scan, cli_input_text(input));
    }
    raw->line = input->line;
    raw->bytes = dlr_text_n(input->window + input->start, scan.at);
    if (!scan.is_found && raw->bytes.len <= CLI_RECORD_MAX &&
        (input->failed || !input->at_end)) {
        return CLI_READ_END; /* what broke is said about the file */
    }
    if (!scan.is_found && scan.depth + scan.is_in_string > 0) {
        raw->reason = raw->bytes.len > CLI_RECORD_MAX
                          ? "the value is longer than 16 MiB"
                          : "the file ends in the middle of this value";
        return end_badly(reader, raw);
    }
    reader->skip = scan.at;
    reader->has_value = reader->is_in_array;
    return CLI_READ_RECORD;
}
