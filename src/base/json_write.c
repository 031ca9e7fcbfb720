/* SPDX-License-Identifier: MIT */
/*
 * JSON writing: strings and numbers onto the end of a buffer.
 *
 * DESIGN
 * This runs on the thread of whoever calls track(), so text is copied, checked
 * and escaped in one pass: eight bytes at a time as long as all eight need no
 * attention (most text never leaves that loop), then one character, and so on.
 * Room is asked for once, for text that needs no escape; each escape asks for
 * its own extra bytes, so that a buffer of just the right size is enough.
 */
#include "base/json_write.h"

#include "base/number.h"
#include "base/swar.h"
#include "base/utf8.h"

/* For fewer than eight bytes: all of them in one word (some twice), and spaces
 * where there are none. */
static size_t copy_plain_short(char *out, const char *in, size_t len)
{
    uint64_t word;
    size_t at = 0;

    if (len >= 4) {
        word = dlr_swar_load_4(in) | dlr_swar_load_4(in + len - 4) << 32;
        if (dlr_swar_mark_json(word) == 0) {
            memcpy(out, in, 4);
            memmove(out + len - 4, in + len - 4, 4);
            return len;
        }
    } else if (len > 0) {
        word = (DLR_SWAR_ONES << 24) * ' ' | (unsigned char)in[0] |
               (uint64_t)(unsigned char)in[len / 2] << 8 |
               (uint64_t)(unsigned char)in[len - 1] << 16;
        if (dlr_swar_mark_json(word) == 0) {
            out[0] = in[0];
            out[len / 2] = in[len / 2];
            out[len - 1] = in[len - 1];
            return len;
        }
    }
    while (at < len && dlr_swar_mark_json((unsigned char)in[at] |
                                          (DLR_SWAR_ONES << 8) * ' ') == 0) {
        out[at] = in[at];
        at++;
    }
    return at;
}

/* Are all sixteen bytes plain? As signed numbers the bytes beyond ASCII are below
 * the space, too. The compiler makes vector instructions of this where the
 * processor has them. */
static bool is_plain_16(const char *in)
{
    signed char bytes __attribute__((vector_size(16)));
    uint64_t halves[2];

    memcpy(&bytes, in, sizeof bytes);
    bytes = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
    memcpy(halves, &bytes, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

/* Copies the leading bytes that need no attention; returns how many. May write
 * to all `len` bytes of `out`. */
static size_t copy_plain(char *out, const char *in, size_t len)
{
    uint64_t special;
    size_t at = 0;

    if (len < 8) {
        return copy_plain_short(out, in, len);
    }
    while (len - at >= 16 && is_plain_16(in + at)) {
        memcpy(out + at, in + at, 16);
        at += 16;
    }
    for (; len - at > 8; at += 8) {
        special = dlr_swar_mark_json(dlr_swar_load_8(in + at));
        memcpy(out + at, in + at, 8);
        if (special != 0) {
            return at + dlr_swar_first(special);
        }
    }
    if (at == len) {
        return len;
    }
    /* The last eight bytes, some of them for the second time. */
    at = len - 8;
    special = dlr_swar_mark_json(dlr_swar_load_8(in + at));
    memcpy(out + at, in + at, 8);
    return special == 0 ? len : at + dlr_swar_first(special);
}

/* Escapes one ASCII character; returns how many bytes. */
static size_t put_escape(char *out, char byte)
{
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    static const char hex[] = "0123456789abcdef";
    unsigned char value = (unsigned char)byte;

    out[0] = '\\';
    if (value >= 0x20) {
        out[1] = byte;
        return 2;
    }
    if (letters[value] != '\0') {
        out[1] = letters[value];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[value >> 4];
    out[5] = hex[value & 15];
    return 6;
}

/* Copies characters that are not ASCII; returns how many bytes, 0 if the first
 * is not UTF-8. */
static size_t copy_wide(char *out, const char *in, size_t len)
{
    size_t at = 0;

    while (at < len && (unsigned char)in[at] >= 0x80) {
        size_t step = dlr_utf8_sequence(in + at, len - at);

        if (step == 0) {
            return 0;
        }
        for (size_t i = 0; i < step; i++) {
            out[at + i] = in[at + i];
        }
        at += step;
    }
    return at;
}

/* Writes what needs attention at `in`: one escape, or a run of characters that
 * are not ASCII. Returns how many bytes of `in` that took, 0 if they are not
 * UTF-8 or there is no room. The buffer has room for `len` bytes and `after`
 * more before and after the call. */
static size_t put_special(struct dlr_buf *buf, const char *in, size_t len,
                          size_t after)
{
    char escape[6];
    size_t count;
    char *out;

    if ((unsigned char)*in >= 0x80) {
        count = copy_wide(buf->ptr + buf->len, in, len);
        buf->len += count;
        return count;
    }
    count = put_escape(escape, *in);
    out = dlr_buf_reserve(buf, count + (len - 1) + after);
    if (out == NULL) {
        return 0;
    }
    memcpy(out, escape, count);
    buf->len += count;
    return 1;
}

/* Writes the rest of a string whose first character needs attention. Kept out of
 * line: the callers are short without it, and most text never comes here. */
__attribute__((noinline)) static bool
put_rest(struct dlr_buf *buf, const char *in, size_t len, size_t after)
{
    while (len > 0) {
        size_t taken = put_special(buf, in, len, after);

        if (taken == 0) {
            return false;
        }
        in += taken;
        len -= taken;
        taken = copy_plain(buf->ptr + buf->len, in, len);
        buf->len += taken;
        in += taken;
        len -= taken;
    }
    return true;
}

static inline bool put_quoted(struct dlr_buf *buf, struct dlr_text text,
                              bool is_key)
{
    size_t mark = buf->len;
    size_t after = is_key ? 2 : 1;
    char *out = dlr_buf_reserve(
        buf, text.len > SIZE_MAX - 3 ? SIZE_MAX : text.len + 1 + after);
    size_t taken;

    if (out == NULL) {
        return false;
    }
    *out = '"';
    taken = copy_plain(out + 1, text.ptr, text.len);
    buf->len += 1 + taken;
    if (taken < text.len &&
        !put_rest(buf, text.ptr + taken, text.len - taken, after)) {
        buf->len = mark;
        return false;
    }
    out = buf->ptr + buf->len;
    out[0] = '"';
    if (is_key) {
        out[1] = ':';
    }
    buf->len += after;
    return true;
}

bool dlr_json_put_text(struct dlr_buf *buf, const char *ptr, size_t len)
{
    return put_quoted(buf, dlr_text_n(ptr, len), false);
}

bool dlr_json_put_key(struct dlr_buf *buf, const char *ptr, size_t len)
{
    return put_quoted(buf, dlr_text_n(ptr, len), true);
}

/* Where a number may be written: straight into the buffer if there is room for
 * the longest, else on the side, so that a shorter one still gets in. */
static char *place_number(const struct dlr_buf *buf, char *aside)
{
    bool has_room = buf->ptr != NULL && !buf->failed &&
                    buf->cap - buf->len >= DLR_NUMBER_DOUBLE_CAP;

    return has_room ? buf->ptr + buf->len : aside;
}

static bool put_number(struct dlr_buf *buf, const char *number, size_t len,
                       const char *aside)
{
    if (number == aside) {
        dlr_buf_append(buf, number, len);
    } else {
        buf->len += len;
    }
    return !buf->failed;
}

bool dlr_json_put_int64(struct dlr_buf *buf, int64_t value)
{
    char aside[DLR_NUMBER_INT_CAP];
    char *number = place_number(buf, aside);

    return put_number(buf, number, dlr_number_put_int64(value, number), aside);
}

bool dlr_json_put_uint64(struct dlr_buf *buf, uint64_t value)
{
    char aside[DLR_NUMBER_INT_CAP];
    char *number = place_number(buf, aside);

    return put_number(buf, number, dlr_number_put_uint64(value, number), aside);
}

bool dlr_json_put_double(struct dlr_buf *buf, double value)
{
    char aside[DLR_NUMBER_DOUBLE_CAP];
    char *number = place_number(buf, aside);
    size_t len = dlr_number_put_double(value, number);

    return len > 0 && put_number(buf, number, len, aside);
}

bool dlr_json_put_bool(struct dlr_buf *buf, bool value)
{
    dlr_buf_append_text(buf, value ? DLR_TEXT("true") : DLR_TEXT("false"));
    return !buf->failed;
}

bool dlr_json_put_null(struct dlr_buf *buf)
{
    dlr_buf_append(buf, "null", 4);
    return !buf->failed;
}
