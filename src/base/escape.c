/* SPDX-License-Identifier: MIT */
/*
 * Escape: what may not reach a terminal, and what may not be shown whole.
 *
 * DESIGN
 * A terminal obeys control characters, and people are misled by characters that
 * reorder or hide text (CVE-2021-42574). Both are shown by their number. The
 * backslash is left alone: escaping it would make paths and JSON in log lines
 * unreadable, and what is shown here is for people, not for parsing.
 */
#include "base/escape.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* Of a key at least as much stays hidden as is shown. */
#define SHOWN_KEY_CHARACTERS 4
#define MIN_SECRET_LEN       (2 * SHOWN_KEY_CHARACTERS)

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* Marks, embeddings and isolates that turn the direction of text; line and
 * paragraph separators; characters without a width; tags. */
static bool is_deceptive(uint32_t code)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {
        {0x00ad, 0x00ad},   {0x061c, 0x061c}, {0x180e, 0x180e},
        {0x200b, 0x200b},   {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f},   {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
        {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Room for the longest: \u{10ffff}. */
struct piece {
    char text[12];
    size_t len;
};

static void add_hex(struct piece *piece, uint32_t value, int digits)
{
    while (digits > 0) {
        digits--;
        piece->text[piece->len++] =
            "0123456789abcdef"[value >> (4 * digits) & 15];
    }
}

static void add(struct piece *piece, const char *bytes, size_t len)
{
    memcpy(piece->text + piece->len, bytes, len);
    piece->len += len;
}

/* What to show for the character at `ptr`; returns how many bytes it has. */
static size_t show(const char *ptr, size_t len, struct piece *piece)
{
    uint32_t code = 0;
    size_t step = dlr_utf8_decode(ptr, len, &code);

    piece->len = 0;
    if (step == 0) {
        add(piece, "\\x", 2);
        add_hex(piece, (unsigned char)*ptr, 2);
        return 1;
    }
    if (is_control(code)) {
        add(piece, "\\x", 2);
        add_hex(piece, code, 2);
    } else if (is_deceptive(code)) {
        add(piece, "\\u{", 3);
        add_hex(piece, code, code > 0xffff ? 5 : 4);
        add(piece, "}", 1);
    } else {
        add(piece, ptr, step);
    }
    return step;
}

void dlr_escape_put(struct dlr_buf *buf, struct dlr_text text)
{
    struct piece piece;
    size_t at = 0;

    while (at < text.len) {
        at += show(text.ptr + at, text.len - at, &piece);
        dlr_buf_append(buf, piece.text, piece.len);
    }
}

size_t dlr_escape_copy(struct dlr_text text, char *out, size_t cap)
{
    size_t room = cap - 1;
    size_t len = 0;
    size_t cut = 0; /* the last length that leaves room for the ellipsis */
    size_t at = 0;
    struct piece piece;

    while (at < text.len) {
        at += show(text.ptr + at, text.len - at, &piece);
        if (piece.len > room - len) {
            memcpy(out + cut, ELLIPSIS, 3);
            len = cut + 3;
            break;
        }
        memcpy(out + len, piece.text, piece.len);
        len += piece.len;
        if (len + 3 <= room) {
            cut = len;
        }
    }
    out[len] = '\0';
    return len;
}

static bool is_visible_ascii(const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (ptr[i] <= ' ' || ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

void dlr_mask_key(struct dlr_text key, char out[DLR_MASKED_KEY_CAP])
{
    static const char masked[] = "dk_" ELLIPSIS;
    size_t secret_len = key.len;
    const char *tail;

    memcpy(out, masked, sizeof masked);
    if (dlr_text_starts_with(key, DLR_TEXT("dk_"))) {
        secret_len -= 3;
    }
    if (secret_len < MIN_SECRET_LEN) {
        return;
    }
    tail = key.ptr + key.len - SHOWN_KEY_CHARACTERS;
    if (is_visible_ascii(tail, SHOWN_KEY_CHARACTERS)) {
        memcpy(out + sizeof masked - 1, tail, SHOWN_KEY_CHARACTERS);
        out[sizeof masked - 1 + SHOWN_KEY_CHARACTERS] = '\0';
    }
}
