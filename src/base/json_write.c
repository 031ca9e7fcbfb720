/* SPDX-License-Identifier: MIT */
/*
 * JSON writing: strings and numbers onto the end of a buffer.
 *
 * DESIGN
 * This runs on the thread of whoever calls track(). Most text needs nothing but
 * quotes: it is copied in words, the last of which overlaps the one before, and
 * looked at on the way (copy_marked). Text with a quote, a control character or a
 * character beyond ASCII anywhere starts over with more care (put_careful).
 * Room is asked for once, for text that needs no escape; each escape asks for
 * its own extra bytes, so that a buffer of just the right size is enough.
 */
#include "base/json_write.h"

#include "base/number.h"
#include "base/swar.h"
#include "base/utf8.h"

/* Copies up to the first byte that needs attention; returns how many. For text
 * that has one: kept out of line, so that text without any gets by with few
 * registers. */
__attribute__((noinline)) static size_t copy_start(char *out, const char *in,
                                                   size_t len)
{
    size_t at = 0;

    while (len - at >= 8) {
        uint64_t marks = dlr_swar_mark_json(dlr_swar_load_8(in + at));

        memcpy(out + at, in + at, 8);
        if (marks != 0) {
            return at + dlr_swar_first(marks);
        }
        at += 8;
    }
    /* One byte in a word of spaces. */
    while (at < len && dlr_swar_mark_json((unsigned char)in[at] |
                                          (DLR_SWAR_ONES << 8) * ' ') == 0) {
        out[at] = in[at];
        at++;
    }
    return at;
}

/* Copies sixteen bytes; marks those that are not plain. */
static inline dlr_bytes_16 copy_16(char *out, const char *in)
{
    dlr_bytes_16 bytes = dlr_bytes_load_16(in);

    memcpy(out, &bytes, sizeof bytes);
    return dlr_bytes_mark_json(bytes);
}

/* Below sixteen bytes: all of them in two words (some twice), with spaces where
 * there are none. */
__attribute__((always_inline)) static inline dlr_bytes_16
copy_short(char *out, const char *in, size_t len)
{
    uint64_t first = DLR_SWAR_ONES * ' ';
    uint64_t second = DLR_SWAR_ONES * ' ';

    if (len >= 8) {
        memcpy(&first, in, 8);
        memcpy(&second, in + len - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + len - 8, &second, 8);
    } else if (len >= 4) {
        first = dlr_swar_load_4(in) | dlr_swar_load_4(in + len - 4) << 32;
        memcpy(out, in, 4);
        memcpy(out + len - 4, in + len - 4, 4);
    } else if (len > 0) {
        first = (DLR_SWAR_ONES << 24) * ' ' | (unsigned char)in[0] |
                (uint64_t)(unsigned char)in[len / 2] << 8 |
                (uint64_t)(unsigned char)in[len - 1] << 16;
        out[0] = in[0];
        out[len / 2] = in[len / 2];
        out[len - 1] = in[len - 1];
    }
    return dlr_bytes_mark_json(dlr_bytes_of(first, second));
}

/* Copies the text and marks what needs attention: whoever finds a mark knows
 * that there is some, not where. The last sixteen bytes may overlap those
 * before. Inline without asking: it is run for each name and each text of an
 * event, and a call costs as much as the copy. */
__attribute__((always_inline)) static inline dlr_bytes_16
copy_marked(char *out, const char *in, size_t len)
{
    dlr_bytes_16 marks;

    if (len < 16) {
        return copy_short(out, in, len);
    }
    marks = copy_16(out + len - 16, in + len - 16);
    for (size_t at = 0; at + 16 < len; at += 16) {
        marks |= copy_16(out + at, in + at);
    }
    return marks;
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

/* Copies characters that are not ASCII, and the blanks between them; returns how
 * many bytes, 0 if a character is not UTF-8. */
static size_t copy_wide(char *out, const char *in, size_t len)
{
    size_t at = 0;

    while (at < len && ((unsigned char)in[at] >= 0x80 || in[at] == ' ')) {
        size_t step;

        /* Two bytes are what most alphabets have. */
        if (len - at >= 2 && (unsigned char)in[at] >= 0xc2 &&
            (unsigned char)in[at] < 0xe0 && (in[at + 1] & 0xc0) == 0x80) {
            memcpy(out + at, in + at, 2);
            at += 2;
            continue;
        }
        step = dlr_utf8_sequence(in + at, len - at);
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

/* Writes the content of a string that needs attention somewhere. */
__attribute__((noinline)) static bool
put_careful(struct dlr_buf *buf, const char *in, size_t len, size_t after)
{
    for (;;) {
        size_t taken = copy_start(buf->ptr + buf->len, in, len);

        buf->len += taken;
        in += taken;
        len -= taken;
        if (len == 0) {
            return true;
        }
        taken = put_special(buf, in, len, after);
        if (taken == 0) {
            return false;
        }
        in += taken;
        len -= taken;
    }
}

static inline bool put_quoted(struct dlr_buf *buf, struct dlr_text text,
                              bool is_key)
{
    size_t mark = buf->len;
    size_t after = is_key ? 2 : 1;
    char *out = dlr_buf_reserve(
        buf, text.len > SIZE_MAX - 3 ? SIZE_MAX : text.len + 1 + after);

    if (out == NULL) {
        return false;
    }
    *out++ = '"';
    if (!dlr_bytes_are_marked(copy_marked(out, text.ptr, text.len))) {
        out += text.len;
        buf->len = mark + 1 + text.len + after;
    } else {
        buf->len = mark + 1;
        if (!put_careful(buf, text.ptr, text.len, after)) {
            buf->len = mark;
            return false;
        }
        out = buf->ptr + buf->len;
        buf->len += after;
    }
    out[0] = '"';
    if (is_key) {
        out[1] = ':';
    }
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

/* Where a member of these lengths may be written: behind a comma if it is not
 * the first of its object. NULL if there is no room for it. */
static inline char *place_member(const struct dlr_buf *buf, size_t name_len,
                                 size_t text_len)
{
    size_t room = buf->failed || buf->ptr == NULL ? 0 : buf->cap - buf->len;
    char *out;

    /* A comma, four quotes, a colon; either length alone may be anything. */
    if (buf->len == 0 || name_len >= room || text_len >= room ||
        name_len + text_len + 6 > room) {
        return NULL;
    }
    out = buf->ptr + buf->len;
    out[0] = ',';
    return out + (out[-1] != '{');
}

bool dlr_json_put_plain_pair(struct dlr_buf *buf, struct dlr_text name,
                             struct dlr_text text)
{
    char *out = place_member(buf, name.len, text.len);
    dlr_bytes_16 marks;

    if (out == NULL) {
        return false;
    }
    out[0] = '"';
    marks = copy_marked(out + 1, name.ptr, name.len);
    out += 1 + name.len;
    memcpy(out, "\":\"", 3);
    marks |= copy_marked(out + 3, text.ptr, text.len);
    if (dlr_bytes_are_marked(marks)) {
        return false;
    }
    out[3 + text.len] = '"';
    buf->len = (size_t)(out + text.len + 4 - buf->ptr);
    return true;
}

bool dlr_json_put_plain_name(struct dlr_buf *buf, struct dlr_text name)
{
    char *out = place_member(buf, name.len, 0);

    if (out == NULL) {
        return false;
    }
    out[0] = '"';
    if (dlr_bytes_are_marked(copy_marked(out + 1, name.ptr, name.len))) {
        return false;
    }
    out += 1 + name.len;
    memcpy(out, "\":", 2);
    buf->len = (size_t)(out + 2 - buf->ptr);
    return true;
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
