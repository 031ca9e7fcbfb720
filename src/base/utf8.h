/* SPDX-License-Identifier: MIT */
/*
 * UTF-8: strict checking (no surrogates, no overlong forms, nothing above
 * U+10FFFF) and lengths in UTF-16 units, the unit of the wire protocol's
 * limits. Making foreign bytes presentable is left to base/escape.h.
 */
#ifndef DLR_BASE_UTF8_H
#define DLR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool dlr_utf8_is_valid(const char *ptr, size_t len);

/* The length in bytes of the character at `ptr` (1 to 4); 0 when the bytes there
 * are not UTF-8. Inline because json_write.c calls it for each character. */
static inline size_t dlr_utf8_sequence(const char *ptr, size_t len)
{
    const unsigned char *byte = (const unsigned char *)ptr;
    unsigned low = 0x80;  /* range of the second byte: it excludes overlong */
    unsigned high = 0xbf; /* forms, surrogates and what is above U+10FFFF */
    size_t n;

    if (len == 0 || byte[0] < 0x80) {
        return len == 0 ? 0 : 1;
    }
    if (byte[0] < 0xe0) {
        n = 2;
    } else if (byte[0] < 0xf0) {
        n = 3;
        low = byte[0] == 0xe0 ? 0xa0 : 0x80;
        high = byte[0] == 0xed ? 0x9f : 0xbf;
    } else {
        n = 4;
        low = byte[0] == 0xf0 ? 0x90 : 0x80;
        high = byte[0] == 0xf4 ? 0x8f : 0xbf;
    }
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || len < n || byte[1] < low ||
        byte[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* The same, with the code point in `*code` (may be NULL). */
size_t dlr_utf8_decode(const char *ptr, size_t len, uint32_t *code);

/* Writes one character, 1 to 4 bytes; returns how many. `code` is a Unicode
 * scalar value; anything else is written as U+FFFD. */
size_t dlr_utf8_encode(uint32_t code, char out[4]);

/* UTF-16 units that valid UTF-8 text takes. */
size_t dlr_utf8_count_utf16(const char *ptr, size_t len);

/* The number of leading bytes that hold whole characters and at most `units`
 * UTF-16 units. The text is valid UTF-8. */
size_t dlr_utf8_cut_utf16(const char *ptr, size_t len, size_t units);

#endif
