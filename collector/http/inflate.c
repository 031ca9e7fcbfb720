/* SPDX-License-Identifier: MIT */
/*
 * Inflate: zlib in steps. Several gzip members behind each other are one body
 * (RFC 1952, 2.2); anything else behind a member is broken.
 */
#include "http/inflate.h"

#include "base/mem.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

/* A step: small enough that a bomb is noticed early, large enough to be fast. */
#define STEP_BYTES 65536u

#define GZIP_WINDOW (15 + 16)

static enum dld_inflate_result start(struct dld_inflate *inflate)
{
    z_stream *stream = dlr_calloc(1, sizeof *stream);

    if (stream == NULL || inflateInit2(stream, GZIP_WINDOW) != Z_OK) {
        dlr_free(stream);
        return DLD_INFLATE_NO_MEMORY;
    }
    inflate->stream = stream;
    return DLD_INFLATE_OK;
}

static enum dld_inflate_result step(struct dld_inflate *body,
                                    struct dlr_buf *out)
{
    z_stream *stream = body->stream;
    size_t left = out->max - out->len;
    size_t room = left < STEP_BYTES ? left : STEP_BYTES;
    /* At the limit one more byte shows whether there is more. */
    unsigned char spill;
    char *place = room == 0 ? NULL : dlr_buf_reserve(out, room);
    int code;

    if (room > 0 && place == NULL) {
        return DLD_INFLATE_NO_MEMORY;
    }
    stream->next_out = room == 0 ? &spill : (unsigned char *)place;
    stream->avail_out = room == 0 ? 1 : (unsigned)room;
    code = inflate(stream, Z_NO_FLUSH);
    if (room == 0 && stream->avail_out == 0) {
        return DLD_INFLATE_TOO_LARGE;
    }
    if (room > 0) {
        out->len += room - stream->avail_out;
    }
    if (code == Z_STREAM_END) {
        body->is_complete = true;
        return inflateReset(stream) == Z_OK ? DLD_INFLATE_OK
                                            : DLD_INFLATE_BROKEN;
    }
    if (code == Z_MEM_ERROR) {
        return DLD_INFLATE_NO_MEMORY;
    }
    return code == Z_OK || code == Z_BUF_ERROR ? DLD_INFLATE_OK
                                               : DLD_INFLATE_BROKEN;
}

enum dld_inflate_result dld_inflate_add(struct dld_inflate *inflate,
                                        const char *bytes, size_t len,
                                        struct dlr_buf *out)
{
    enum dld_inflate_result result = DLD_INFLATE_OK;
    z_stream *stream;
    bool is_full = true;

    if (inflate->stream == NULL) {
        result = start(inflate);
    }
    stream = inflate->stream;
    if (result != DLD_INFLATE_OK || len > UINT_MAX) {
        return DLD_INFLATE_NO_MEMORY;
    }
    stream->next_in = (z_const Bytef *)bytes;
    stream->avail_in = (unsigned)len;
    /* More output may wait inside although all input is taken. */
    while (result == DLD_INFLATE_OK && (stream->avail_in > 0 || is_full)) {
        inflate->is_complete = inflate->is_complete && stream->avail_in == 0;
        if (inflate->is_complete) {
            break;
        }
        result = step(inflate, out);
        is_full = stream->avail_out == 0;
    }
    return result;
}

void dld_inflate_clear(struct dld_inflate *inflate)
{
    if (inflate->stream != NULL) {
        (void)inflateEnd(inflate->stream);
        dlr_free(inflate->stream);
    }
    *inflate = (struct dld_inflate){0};
}
