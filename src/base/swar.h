/* SPDX-License-Identifier: MIT */
/*
 * Eight or sixteen bytes at a time: the test that JSON's writer, checker and
 * reader spend their time in. Inline because it is a handful of instructions.
 */
#ifndef DLR_BASE_SWAR_H
#define DLR_BASE_SWAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DLR_SWAR_ONES UINT64_C(0x0101010101010101)
#define DLR_SWAR_TOPS UINT64_C(0x8080808080808080)

/* By shifts, so that the first byte is the lowest on every machine; compilers
 * make one instruction of it. */
static inline uint64_t dlr_swar_load_4(const char *ptr)
{
    const unsigned char *byte = (const unsigned char *)ptr;

    return (uint64_t)byte[0] | (uint64_t)byte[1] << 8 |
           (uint64_t)byte[2] << 16 | (uint64_t)byte[3] << 24;
}

static inline uint64_t dlr_swar_load_8(const char *ptr)
{
    return dlr_swar_load_4(ptr) | dlr_swar_load_4(ptr + 4) << 32;
}

/* The top bit of each byte that cannot stand in a JSON string as it is: control
 * characters, quote, backslash, and bytes that are not ASCII. Bytes above the
 * first such one may be marked by mistake (the subtractions borrow): only the
 * lowest mark counts. */
static inline uint64_t dlr_swar_mark_json(uint64_t word)
{
    uint64_t quote = word ^ (DLR_SWAR_ONES * '"');
    uint64_t backslash = word ^ (DLR_SWAR_ONES * '\\');

    return ((word - DLR_SWAR_ONES * 0x20) | (quote - DLR_SWAR_ONES) |
            (backslash - DLR_SWAR_ONES) | word) &
           DLR_SWAR_TOPS;
}

/* The number of bytes below the lowest mark; `marks` is not 0. */
static inline size_t dlr_swar_first(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

/* Sixteen bytes side by side. The compiler makes vector instructions of these
 * where the processor has them. */
typedef signed char dlr_bytes_16 __attribute__((vector_size(16)));

static inline dlr_bytes_16 dlr_bytes_load_16(const char *ptr)
{
    dlr_bytes_16 bytes;

    memcpy(&bytes, ptr, sizeof bytes);
    return bytes;
}

/* All bits of each byte that cannot stand in a JSON string as it is. As signed
 * numbers the bytes beyond ASCII are below the space, too. */
static inline dlr_bytes_16 dlr_bytes_mark_json(dlr_bytes_16 bytes)
{
    return (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
}

/* Two words as sixteen bytes, in the order of memory. */
static inline dlr_bytes_16 dlr_bytes_of(uint64_t first, uint64_t second)
{
    typedef uint64_t words_2 __attribute__((vector_size(16)));
    words_2 words = {first, second};

    return (dlr_bytes_16)words;
}

static inline bool dlr_bytes_are_marked(dlr_bytes_16 marks)
{
    uint64_t halves[2];

    memcpy(halves, &marks, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* The number of bytes in front of the first marked one; 16 if none is. */
static inline size_t dlr_bytes_first(dlr_bytes_16 marks)
{
    uint64_t halves[2];

    memcpy(halves, &marks, sizeof halves);
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
        halves[0] = __builtin_bswap64(halves[0]);
        halves[1] = __builtin_bswap64(halves[1]);
    }
    if (halves[0] != 0) {
        return dlr_swar_first(halves[0]);
    }
    return halves[1] != 0 ? 8 + dlr_swar_first(halves[1]) : 16;
}

/* Steps over what can stand in a JSON string as it is. */
static inline const char *dlr_bytes_skip_plain(const char *at, const char *end)
{
    while (end - at >= 16) {
        size_t plain =
            dlr_bytes_first(dlr_bytes_mark_json(dlr_bytes_load_16(at)));

        at += plain;
        if (plain < 16) {
            return at;
        }
    }
    /* One byte in a word of spaces. */
    while (at < end && dlr_swar_mark_json((unsigned char)*at |
                                          (DLR_SWAR_ONES << 8) * ' ') == 0) {
        at++;
    }
    return at;
}

#endif
