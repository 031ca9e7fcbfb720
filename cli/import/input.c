/* SPDX-License-Identifier: MIT */
/*
 * Input: see input.h.
 *
 * DESIGN
 * gzip is recognised by its first two bytes, not by the name. What was unpacked
 * before a file turns out to be cut off or damaged is handed out first; the
 * failure comes after it, so that nothing readable is lost.
 */
#include "import/input.h"

#include "import/unzip.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)256 << 10)

struct pack {
    char bytes[CHUNK_BYTES];
    size_t start;
    size_t end;
    bool at_end;
};

/* The unzip state and the packed bytes that wait for it. */
struct cli_unzip_input {
    struct cli_unzip *unzip;
    struct pack pack;
};

static bool refuse(struct cli_input *input, const char *what, int error)
{
    input->failed = true;
    (void)snprintf(input->message, sizeof input->message, "%s%s%s", what,
                   error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
    return false;
}

bool cli_input_open(struct cli_input *input, const char *path)
{
    struct stat info;

    *input = (struct cli_input){.path = path, .fd = -1, .line = 1};
    input->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
                                       : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0) {
        return refuse(input, "cannot be opened", errno);
    }
    if (fstat(input->fd, &info) == 0 && S_ISREG(info.st_mode)) {
        input->size_bytes = (uint64_t)info.st_size;
    } else if (S_ISDIR(info.st_mode)) {
        return refuse(input, "is a directory", 0);
    }
    return true;
}

void cli_input_close(struct cli_input *input)
{
    if (input->unzip != NULL) {
        cli_unzip_free(input->unzip->unzip);
        free(input->unzip);
        input->unzip = NULL;
    }
    if (input->fd >= 0) {
        (void)close(input->fd); /* only read from */
        input->fd = -1;
    }
    free(input->window);
    input->window = NULL;
    input->start = 0;
    input->end = 0;
    input->cap = 0;
}

/* Reads up to `len` bytes. -1 with `failed` set, or without when a signal
 * interrupted it. */
static ssize_t read_some(struct cli_input *input, char *to, size_t len)
{
    ssize_t got = read(input->fd, to, len);

    if (got > 0) {
        input->read_bytes += (uint64_t)got;
    } else if (got < 0 && errno != EINTR) {
        (void)refuse(input, "cannot be read", errno);
    }
    return got;
}

/* Makes room for a chunk behind `end`: moves what is left to the front, then
 * grows. */
static bool make_room(struct cli_input *input)
{
    char *grown;
    size_t cap;

    if (input->start > 0) {
        memmove(input->window, input->window + input->start,
                input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    if (input->cap - input->end >= CHUNK_BYTES) {
        return true;
    }
    cap = input->cap == 0 ? 2 * CHUNK_BYTES : input->cap * 2;
    if (cap > 2 * (CLI_RECORD_MAX + CHUNK_BYTES)) {
        return refuse(input, "holds a record that is too long", 0);
    }
    grown = realloc(input->window, cap);
    if (grown == NULL) {
        return refuse(input, "needs more memory than there is", 0);
    }
    input->window = grown;
    input->cap = cap;
    return true;
}

static bool fill_pack(struct cli_input *input, struct pack *pack)
{
    ssize_t got;

    if (pack->start < pack->end || pack->at_end) {
        return true;
    }
    got = read_some(input, pack->bytes, sizeof pack->bytes);
    if (got < 0) {
        return false;
    }
    pack->start = 0;
    pack->end = (size_t)got;
    pack->at_end = got == 0;
    return true;
}

static bool end_unzip(struct cli_input *input, const char *problem)
{
    const struct pack *pack = &input->unzip->pack;
    char what[256];

    input->at_end = true;
    if (problem == NULL && !cli_unzip_is_inside(input->unzip->unzip)) {
        return false;
    }
    (void)snprintf(what, sizeof what,
                   problem == NULL
                       ? "is cut off: the gzip data ends in the middle, at "
                         "byte %" PRIu64 " (%" PRIu64 " unpacked)%s%s"
                       : "is damaged near byte %" PRIu64 " (%" PRIu64
                         " unpacked)%s%s",
                   input->read_bytes - (pack->end - pack->start),
                   input->offset + (input->end - input->start),
                   problem == NULL ? "" : ": ", problem == NULL ? "" : problem);
    return refuse(input, what, 0);
}

static bool fill_unzipped(struct cli_input *input)
{
    struct cli_unzip_input *unzip = input->unzip;
    struct pack *pack = &unzip->pack;
    struct cli_unzip_step step = {.to = input->window + input->end,
                                  .to_len = CHUNK_BYTES};
    size_t before = step.to_len;

    while (step.to_len == before) {
        if (!fill_pack(input, pack)) {
            return false;
        }
        if (pack->at_end) {
            return end_unzip(input, NULL);
        }
        step.from = pack->bytes + pack->start;
        step.from_len = pack->end - pack->start;
        if (!cli_unzip_run(unzip->unzip, &step)) {
            input->end += before - step.to_len;
            pack->start = pack->end - step.from_len;
            (void)end_unzip(input, step.problem);
            return before > step.to_len;
        }
        pack->start = pack->end - step.from_len;
    }
    input->end += before - step.to_len;
    return true;
}

/* The first bytes decide; they are in the window and move to the unzip side. */
static bool begin_unzip(struct cli_input *input)
{
    struct cli_unzip_input *unzip = calloc(1, sizeof *unzip);

    if (unzip != NULL) {
        unzip->unzip = cli_unzip_new();
    }
    if (unzip == NULL || unzip->unzip == NULL) {
        free(unzip);
        return refuse(input, "needs more memory than there is", 0);
    }
    memcpy(unzip->pack.bytes, input->window, input->end);
    unzip->pack.end = input->end;
    input->end = 0;
    input->unzip = unzip;
    return true;
}

static bool fill_plain(struct cli_input *input)
{
    bool is_first = input->read_bytes == 0;
    ssize_t got = 0;

    do { /* the first two bytes may come one by one from a pipe */
        got = read_some(input, input->window + input->end,
                        CHUNK_BYTES - (is_first ? input->end : 0));
        if (got < 0) {
            return false;
        }
        input->end += (size_t)got;
    } while (is_first && got > 0 && input->end < 2);
    input->at_end = got == 0;
    if (is_first && input->end >= 2 &&
        (unsigned char)input->window[0] == 0x1f &&
        (unsigned char)input->window[1] == 0x8b) {
        input->at_end = false;
        return begin_unzip(input) && fill_unzipped(input);
    }
    return got > 0 || (is_first && input->end > 0);
}

bool cli_input_fill(struct cli_input *input)
{
    if (input->failed || input->at_end || !make_room(input)) {
        return false;
    }
    return input->unzip != NULL ? fill_unzipped(input) : fill_plain(input);
}

void cli_input_consume(struct cli_input *input, size_t len)
{
    const char *at = input->window + input->start;
    const char *end = at + len;
    uint64_t lines = 0;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        lines++;
    }
    cli_input_consume_lines(input, len, lines);
}
