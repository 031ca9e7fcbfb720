/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C, eight bytes at a time from eight tables ("slicing by 8").
 *
 * DESIGN
 * Table k says what a byte does to the sum when k more bytes follow it. A CRC is
 * linear: the entry of a byte is the exclusive or of the entries of its bits.
 * So eight numbers make a table, the compiler computes the other 248, and there
 * is nothing to initialise, which threads would have to agree on.
 */
#include "base/crc32c.h"

#include "base/swar.h"

#define BIT(byte, number, entry) (((byte) >> (number)&1U) != 0 ? (entry) : 0U)

#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                     \
    (BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^ \
     BIT(i, 4, b4) ^ BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7))

#define ENTRIES_4(i, ...)                                \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1U, __VA_ARGS__), \
        ENTRY((i) + 2U, __VA_ARGS__), ENTRY((i) + 3U, __VA_ARGS__)

#define ENTRIES_16(i, ...)                                       \
    ENTRIES_4(i, __VA_ARGS__), ENTRIES_4((i) + 4U, __VA_ARGS__), \
        ENTRIES_4((i) + 8U, __VA_ARGS__), ENTRIES_4((i) + 12U, __VA_ARGS__)

#define ENTRIES_64(i, ...)                                          \
    ENTRIES_16(i, __VA_ARGS__), ENTRIES_16((i) + 16U, __VA_ARGS__), \
        ENTRIES_16((i) + 32U, __VA_ARGS__), ENTRIES_16((i) + 48U, __VA_ARGS__)

/* The arguments are the entries of the bytes 1, 2, 4 ... 128. */
#define TABLE(...)                                             \
    ENTRIES_64(0U, __VA_ARGS__), ENTRIES_64(64U, __VA_ARGS__), \
        ENTRIES_64(128U, __VA_ARGS__), ENTRIES_64(192U, __VA_ARGS__)

static const uint32_t tables[8][256] = {
    {TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f,
           0x20bd8ede, 0x417b1dbc, 0x82f63b78)},
    {TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181,
           0x7f8be302, 0xff17c604, 0xfbc3faf9)},
    {TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a,
           0xe144fb14, 0xc76580d9, 0x8b277743)},
    {TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d,
           0xd725148b, 0xaba65fe7, 0x52a0c93f)},
    {TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3,
           0x1ba8b557, 0x37516aae, 0x6ea2d55c)},
    {TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e,
           0x85f4168d, 0x0e045beb, 0x1c08b7d6)},
    {TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6,
           0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)},
    {TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4,
           0x0d006599, 0x1a00cb32, 0x34019664)},
};

static uint32_t add_byte(uint32_t sum, unsigned char byte)
{
    return tables[0][(sum ^ byte) & 255] ^ sum >> 8;
}

static uint32_t add_8(uint32_t sum, uint64_t word)
{
    word ^= sum;
    sum = 0;
    for (unsigned k = 0; k < 8; k++) {
        sum ^= tables[7 - k][word >> (8 * k) & 255];
    }
    return sum;
}

uint32_t dlr_crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
    const char *at = bytes;
    uint32_t sum = ~crc;

    while (len >= 8) {
        sum = add_8(sum, dlr_swar_load_8(at));
        at += 8;
        len -= 8;
    }
    while (len > 0) {
        sum = add_byte(sum, (unsigned char)*at);
        at++;
        len--;
    }
    return ~sum;
}
