/* SPDX-License-Identifier: MIT */
/*
 * Reader: cuts the bytes of an input into records, whichever format they have.
 * What is inside a record is left to import/record.h.
 */
#ifndef CLI_IMPORT_READER_H
#define CLI_IMPORT_READER_H

#include "import/input.h"

enum cli_format {
    CLI_FORMAT_AUTO,
    CLI_FORMAT_NDJSON, /* one JSON value a line */
    CLI_FORMAT_JSON,   /* an array of values, or values one behind the other */
    CLI_FORMAT_CSV
};

enum cli_read {
    CLI_READ_RECORD,
    CLI_READ_BAD, /* a record that cannot be used: `reason`; go on */
    CLI_READ_END  /* of the file; input->failed if it broke */
};

struct cli_raw {
    struct dlr_text bytes; /* without line end; lent until the next read */
    uint64_t line;         /* where it begins, from 1 */
    uint64_t number;       /* of the record in the file, from 1 */
    const char *reason;    /* constant; why it is bad */
    size_t file;           /* number of the file, from 0; set by the caller */
};

struct cli_reader {
    struct cli_input *input;
    enum cli_format format;
    char delimiter; /* of CSV */
    uint64_t count; /* records handed out */
    size_t skip;    /* bytes to consume before the next record */
    uint64_t skip_lines;
    bool is_in_array; /* JSON: inside the outermost brackets */
    bool has_value;   /* JSON: a value came, a comma or bracket must follow */
    bool is_done;
    unsigned resync_count; /* CSV: times a quote was never closed */
};

/* Finds out the format (unless it is given), skips a byte order mark. False if
 * the input fails, is empty or is in an encoding that is not UTF-8; `message` of
 * the input says so, and is empty for an empty input. */
bool cli_reader_begin(struct cli_reader *reader, struct cli_input *input,
                      enum cli_format format);

enum cli_read cli_reader_next(struct cli_reader *reader, struct cli_raw *raw);

/* The three formats, for cli_reader_next(). */
enum cli_read cli_read_line(struct cli_reader *reader, struct cli_raw *raw);
enum cli_read cli_read_json(struct cli_reader *reader, struct cli_raw *raw);
enum cli_read cli_read_csv(struct cli_reader *reader, struct cli_raw *raw);

/* Skips the rest of a line that is too long to hold. */
void cli_reader_skip_line(struct cli_reader *reader);

#endif
