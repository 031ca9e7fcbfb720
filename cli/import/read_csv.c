/* SPDX-License-Identifier: MIT */
/*
 * Reader of CSV (RFC 4180): finds where a row ends. Splitting it into fields is
 * left to import/csv.h.
 *
 * DESIGN
 * A quote opens a quoted field only where a field begins; anywhere else it is
 * a letter (5" pipe), so that one stray quote does not swallow the rest of the
 * file. If a quoted field is never closed, its first line is the bad record
 * and reading goes on with the next line; a file with many of these is no CSV.
 */
#include "import/reader.h"

#include <string.h>

#define RESYNC_MAX 16

enum place { AT_FIELD_START, IN_PLAIN, IN_QUOTED, AFTER_QUOTE };

struct scan {
    enum place place;
    size_t at;
    bool is_found;
};

/* Jumps over the inside of a quoted field. */
static bool scan_quoted(struct scan *scan, struct dlr_text text)
{
    const char *quote = memchr(text.ptr + scan->at, '"', text.len - scan->at);

    if (quote == NULL) {
        scan->at = text.len;
        return false;
    }
    scan->at = (size_t)(quote - text.ptr) + 1;
    scan->place = AFTER_QUOTE;
    return true;
}

static void scan_on(struct scan *scan, struct dlr_text text, char delimiter)
{
    while (scan->at < text.len) {
        char byte;

        if (scan->place == IN_QUOTED && !scan_quoted(scan, text)) {
            return;
        }
        if (scan->at == text.len) {
            return;
        }
        byte = text.ptr[scan->at++];
        if (byte == '\n') {
            scan->is_found = true;
            return;
        }
        if (byte == delimiter) {
            scan->place = AT_FIELD_START;
        } else if (byte == '"' && scan->place != IN_PLAIN) {
            scan->place = IN_QUOTED; /* opens, or was doubled */
        } else {
            scan->place = IN_PLAIN;
        }
    }
}

/* Gives up on a quote that is never closed: the row is its first line. */
static enum cli_read resync(struct cli_reader *reader, struct cli_raw *raw)
{
    struct cli_input *input = reader->input;
    struct dlr_text text = cli_input_text(input);
    const char *newline = memchr(text.ptr, '\n', text.len);
    size_t len = newline == NULL ? text.len : (size_t)(newline - text.ptr);

    raw->bytes = dlr_text_n(text.ptr, len);
    raw->line = input->line;
    raw->reason = text.len > CLI_RECORD_MAX
                      ? "a quoted field is longer than 16 MiB"
                      : "a quote is opened and never closed";
    reader->skip = newline == NULL ? len : len + 1;
    reader->is_done = ++reader->resync_count > RESYNC_MAX;
    return CLI_READ_BAD;
}

enum cli_read cli_read_csv(struct cli_reader *reader, struct cli_raw *raw)
{
    struct cli_input *input = reader->input;
    struct scan scan = {0};
    struct dlr_text row;

    do {
        cli_input_consume(input, reader->skip);
        reader->skip = 0;
        if (reader->is_done) {
            return CLI_READ_END;
        }
        scan = (struct scan){0};
        scan_on(&scan, cli_input_text(input), reader->delimiter);
        while (!scan.is_found && cli_input_text(input).len <= CLI_RECORD_MAX &&
               cli_input_fill(input)) {
            scan_on(&scan, cli_input_text(input), reader->delimiter);
        }
        row = dlr_text_n(input->window + input->start, scan.at);
        if (!scan.is_found && row.len <= CLI_RECORD_MAX &&
            (row.len == 0 || input->failed || !input->at_end)) {
            return CLI_READ_END; /* also when a signal came in between */
        }
        if (!scan.is_found &&
            (scan.place == IN_QUOTED || row.len > CLI_RECORD_MAX)) {
            return resync(reader, raw);
        }
        reader->skip = row.len;
        row.len -= scan.is_found ? 1 : 0;
        row.len -= row.len > 0 && row.ptr[row.len - 1] == '\r' ? 1 : 0;
    } while (row.len == 0); /* blank lines are no rows */
    raw->bytes = row;
    raw->line = input->line;
    return CLI_READ_RECORD;
}
