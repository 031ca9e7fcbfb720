/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C by the processor's instruction, where it has one.
 *
 * DESIGN
 * The instruction takes eight bytes each cycle but needs three for its result.
 * So three neighbouring lanes of the text are summed at once and joined: the
 * sum of a lane is moved past the lanes behind it by multiplying with a power
 * of x (a carry-less product), and the instruction itself reduces the product,
 * since it is a division by the same polynomial. That needs PCLMULQDQ beside
 * SSE 4.2; every x86-64 since 2010 has both.
 *
 * On ARMv8 one lane at a time is what is done: the instruction set has the
 * product in an optional extension only. Other processors take the tables of
 * base/crc32c.c.
 */
#include "os/crc32c.h"

#include "base/crc32c.h"
#include "base/swar.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)

#    include <immintrin.h>

/* Bytes of a lane; three of them fit into the smallest usual record. */
#    define LANE_BYTES 64

/* x^(8n - 33) mod P for n = 128 and 64 bytes, bits reversed: 33 less because
 * the product of reversed factors comes out one bit short, and the reducing
 * instruction multiplies by x^32. Checked by tests/unit/os/crc32c_test.c. */
#    define PAST_TWO_LANES 0x0d3b6092U
#    define PAST_ONE_LANE  0x9e4addf8U

__attribute__((target("sse4.2"))) static uint32_t
add_plain(uint32_t sum, const char *at, size_t len)
{
    uint64_t wide = sum;

    for (; len >= 8; len -= 8) {
        wide = _mm_crc32_u64(wide, dlr_swar_load_8(at));
        at += 8;
    }
    sum = (uint32_t)wide;
    for (; len > 0; len--) {
        sum = _mm_crc32_u8(sum, (unsigned char)*at);
        at++;
    }
    return sum;
}

__attribute__((target("sse4.2,pclmul"))) static uint64_t
move_past(uint64_t sum, uint32_t power)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)sum),
                                           _mm_cvtsi32_si128((int)power), 0);

    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
add_lanes(uint32_t crc, const void *bytes, size_t len)
{
    const char *at = bytes;
    uint64_t a = ~crc;

    for (; len >= 3 * LANE_BYTES; len -= 3 * LANE_BYTES) {
        uint64_t b = 0;
        uint64_t c = 0;

        for (size_t i = 0; i < LANE_BYTES; i += 8) {
            a = _mm_crc32_u64(a, dlr_swar_load_8(at + i));
            b = _mm_crc32_u64(b, dlr_swar_load_8(at + LANE_BYTES + i));
            c = _mm_crc32_u64(c, dlr_swar_load_8(at + 2 * LANE_BYTES + i));
        }
        a = move_past(a, PAST_TWO_LANES) ^ move_past(b, PAST_ONE_LANE) ^ c;
        at += 3 * LANE_BYTES;
    }
    return ~add_plain((uint32_t)a, at, len);
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#elif defined(__aarch64__) && defined(__GNUC__)

#    include <sys/auxv.h>

#    define HAS_CRC32 (1UL << 7) /* HWCAP_CRC32 of the kernel's ABI */

__attribute__((target("+crc"))) static uint32_t
add_lanes(uint32_t crc, const void *bytes, size_t len)
{
    const char *at = bytes;
    uint32_t sum = ~crc;

    for (; len >= 8; len -= 8) {
        sum = __builtin_aarch64_crc32cx(sum, dlr_swar_load_8(at));
        at += 8;
    }
    for (; len > 0; len--) {
        sum = __builtin_aarch64_crc32cb(sum, (unsigned char)*at);
        at++;
    }
    return ~sum;
}

static bool has_instruction(void)
{
    return (getauxval(AT_HWCAP) & HAS_CRC32) != 0;
}

#else

static uint32_t add_lanes(uint32_t crc, const void *bytes, size_t len)
{
    return dlr_crc32c_portable(crc, bytes, len);
}

static bool has_instruction(void)
{
    return false;
}

#endif

enum way { UNDECIDED, BY_INSTRUCTION, BY_TABLES };

uint32_t dlr_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    /* Threads that decide at the same time decide the same. */
    static atomic_int way;
    int chosen = atomic_load_explicit(&way, memory_order_relaxed);

    if (chosen == UNDECIDED) {
        chosen = has_instruction() ? BY_INSTRUCTION : BY_TABLES;
        atomic_store_explicit(&way, chosen, memory_order_relaxed);
    }
    return chosen == BY_INSTRUCTION ? add_lanes(crc, bytes, len)
                                    : dlr_crc32c_portable(crc, bytes, len);
}
