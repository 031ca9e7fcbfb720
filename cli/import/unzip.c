/* SPDX-License-Identifier: MIT */
/*
 * Unzip: zlib's inflate with what gzip(1) does around it: concatenated members
 * are one stream, zeros behind the last one (from tapes and block devices) are
 * no error, anything else there is.
 */
#include "unzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_ONLY (MAX_WBITS + 16)

struct cli_unzip {
    z_stream stream;
    bool is_inside;
    bool is_in_padding;
};

struct cli_unzip *cli_unzip_new(void)
{
    struct cli_unzip *unzip = calloc(1, sizeof *unzip);

    if (unzip == NULL) {
        return NULL;
    }
    if (inflateInit2(&unzip->stream, GZIP_ONLY) != Z_OK) {
        free(unzip);
        return NULL;
    }
    return unzip;
}

void cli_unzip_free(struct cli_unzip *unzip)
{
    if (unzip != NULL) {
        (void)inflateEnd(&unzip->stream); /* only releases */
        free(unzip);
    }
}

bool cli_unzip_is_inside(const struct cli_unzip *unzip)
{
    return unzip->is_inside;
}

static uInt clamp(size_t len)
{
    return len > UINT_MAX ? UINT_MAX : (uInt)len;
}

/* Between members: true if there is something to inflate. */
static bool begin_member(struct cli_unzip *unzip, struct cli_unzip_step *step)
{
    while (step->from_len > 0 && step->from[0] == '\0') {
        unzip->is_in_padding = true;
        step->from++;
        step->from_len--;
    }
    if (step->from_len == 0) {
        return false;
    }
    if (unzip->is_in_padding || (unsigned char)step->from[0] != 0x1f) {
        step->problem = "something that is not gzip follows the gzip data";
        return false;
    }
    unzip->is_inside = true;
    return inflateReset(&unzip->stream) == Z_OK;
}

bool cli_unzip_run(struct cli_unzip *unzip, struct cli_unzip_step *step)
{
    z_stream *stream = &unzip->stream;

    while (step->from_len > 0 && step->to_len > 0) {
        int result;

        if (!unzip->is_inside && !begin_member(unzip, step)) {
            break;
        }
        stream->next_in = (z_const Bytef *)step->from;
        stream->avail_in = clamp(step->from_len);
        stream->next_out = (Bytef *)step->to;
        stream->avail_out = clamp(step->to_len);
        result = inflate(stream, Z_NO_FLUSH);
        step->from_len -= (size_t)((const char *)stream->next_in - step->from);
        step->from = (const char *)stream->next_in;
        step->to_len -= (size_t)((char *)stream->next_out - step->to);
        step->to = (char *)stream->next_out;
        if (result == Z_STREAM_END) {
            unzip->is_inside = false;
        } else if (result != Z_OK) {
            step->problem =
                stream->msg != NULL ? stream->msg : "the gzip data is damaged";
            break;
        }
    }
    return step->problem == NULL;
}
