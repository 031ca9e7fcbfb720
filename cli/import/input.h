/* SPDX-License-Identifier: MIT */
/*
 * Input: the bytes of one file or of stdin, unpacked if they are gzip, as a
 * window that moves forward. What the bytes mean is left to the readers.
 */
#ifndef CLI_IMPORT_INPUT_H
#define CLI_IMPORT_INPUT_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest record; a window never holds much more than one of them. */
#define CLI_RECORD_MAX ((size_t)16 << 20)

struct cli_unzip_input;

struct cli_input {
    const char *path;              /* as given; "-" is stdin */
    int fd;                        /* -1: not open */
    struct cli_unzip_input *unzip; /* NULL: the bytes are taken as they are */
    char *window;
    size_t start; /* window[start, end) is not consumed yet */
    size_t end;
    size_t cap;
    uint64_t offset;     /* of window[start] in the unpacked bytes */
    uint64_t line;       /* number of the line at window[start], from 1 */
    uint64_t read_bytes; /* from the file, as packed as it is */
    uint64_t size_bytes; /* of the file; 0 if unknown */
    bool at_end;
    bool failed;
    char message[512]; /* why it failed */
};

/* False with `message` set if the file cannot be opened or is a directory. */
bool cli_input_open(struct cli_input *input, const char *path);
void cli_input_close(struct cli_input *input);

/* The bytes at hand. Lent until the next call of cli_input_fill(). */
static inline struct dlr_text cli_input_text(const struct cli_input *input)
{
    return dlr_text_n(input->window + input->start, input->end - input->start);
}

/* Adds bytes to the window. False at the end of the file, on failure (`failed`),
 * or when a signal arrived. */
bool cli_input_fill(struct cli_input *input);

/* Moves on by `len` bytes, counting the lines in them. */
void cli_input_consume(struct cli_input *input, size_t len);

/* The same where the caller knows how many lines they are. */
static inline void cli_input_consume_lines(struct cli_input *input, size_t len,
                                           uint64_t lines)
{
    input->start += len;
    input->offset += len;
    input->line += lines;
}

#endif
