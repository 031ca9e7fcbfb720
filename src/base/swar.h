/* SPDX-License-Identifier: MIT */
/*
 * Eight bytes at a time: the test that JSON's writer and checker both spend
 * their time in. Inline because it is a handful of instructions.
 */
#ifndef DLR_BASE_SWAR_H
#define DLR_BASE_SWAR_H

#include <stddef.h>
#include <stdint.h>

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

#endif
