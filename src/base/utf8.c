/* SPDX-License-Identifier: MIT */
/*
 * UTF-8: checking and measuring.
 *
 * DESIGN
 * Most text is ASCII, so every loop first takes eight bytes at a time while no
 * top bit is set. The rest is decided character by character by the table of
 * Unicode 15, D92 (well-formed byte sequences), in dlr_utf8_sequence().
 */
#include "base/utf8.h"

#include <string.h>

#define TOP_BITS UINT64_C(0x8080808080808080)

static bool is_ascii_word(const char *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    return (word & TOP_BITS) == 0;
}

bool dlr_utf8_is_valid(const char *ptr, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t step;

        if (len - at >= 8 && is_ascii_word(ptr + at)) {
            at += 8;
            continue;
        }
        step = dlr_utf8_sequence(ptr + at, len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t dlr_utf8_decode(const char *ptr, size_t len, uint32_t *code)
{
    /* Payload bits of the first byte, by the length of the sequence. */
    static const unsigned char lead_masks[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = dlr_utf8_sequence(ptr, len);
    uint32_t value;

    if (n == 0) {
        return 0;
    }
    value = (unsigned char)ptr[0] & (uint32_t)lead_masks[n];
    for (size_t i = 1; i < n; i++) {
        value = (value << 6) | ((unsigned char)ptr[i] & 0x3fU);
    }
    if (code != NULL) {
        *code = value;
    }
    return n;
}

static char continuation(uint32_t code, unsigned shift)
{
    return (char)(0x80 | ((code >> shift) & 0x3f));
}

size_t dlr_utf8_encode(uint32_t code, char out[4])
{
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        code = 0xfffd;
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | (code >> 6));
        out[1] = continuation(code, 0);
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | (code >> 12));
        out[1] = continuation(code, 6);
        out[2] = continuation(code, 0);
        return 3;
    }
    out[0] = (char)(0xf0 | (code >> 18));
    out[1] = continuation(code, 12);
    out[2] = continuation(code, 6);
    out[3] = continuation(code, 0);
    return 4;
}

/* UTF-16 units that a character takes, by its first byte; 0 for the bytes
 * after the first. */
static size_t units_of(char byte)
{
    unsigned char value = (unsigned char)byte;

    if ((value & 0xc0) == 0x80) {
        return 0;
    }
    return value >= 0xf0 ? 2 : 1;
}

size_t dlr_utf8_count_utf16(const char *ptr, size_t len)
{
    size_t units = 0;
    size_t at = 0;

    while (at < len) {
        if (len - at >= 8 && is_ascii_word(ptr + at)) {
            units += 8;
            at += 8;
        } else {
            units += units_of(ptr[at]);
            at++;
        }
    }
    return units;
}

size_t dlr_utf8_cut_utf16(const char *ptr, size_t len, size_t units)
{
    size_t used = 0;

    for (size_t at = 0; at < len; at++) {
        used += units_of(ptr[at]);
        if (used > units) {
            return at;
        }
    }
    return len;
}
