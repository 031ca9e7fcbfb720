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

/* The length in bytes of the character at `ptr` (1 to 4), with its code point
 * in `*code` when `code` is not NULL; 0 when the bytes there are not UTF-8. */
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
