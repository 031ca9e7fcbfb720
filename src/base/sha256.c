/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 as FIPS 180-4 describes it, in its own letters.
 *
 * DESIGN
 * The library may not depend on a crypto library for one hash of an overlong
 * id. Plain C: ids are short, and no secret passes through here.
 */
#include "base/sha256.h"

#include <string.h>

#define BLOCK_BYTES 64

/* The first 32 bits of the fractions of the cube roots of the first primes. */
static const uint32_t round_words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load(const uint8_t *byte)
{
    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 |
           (uint32_t)byte[2] << 8 | (uint32_t)byte[3];
}

static void store(uint8_t *byte, uint32_t word)
{
    byte[0] = (uint8_t)(word >> 24);
    byte[1] = (uint8_t)(word >> 16);
    byte[2] = (uint8_t)(word >> 8);
    byte[3] = (uint8_t)word;
}

static void schedule(const uint8_t block[BLOCK_BYTES], uint32_t w[64])
{
    for (int t = 0; t < 16; t++) {
        w[t] = load(block + 4 * t);
    }
    for (int t = 16; t < 64; t++) {
        uint32_t s0 =
            rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 =
            rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* `s` holds a to h of the standard in this order. */
static void mix(uint32_t state[8], const uint8_t block[BLOCK_BYTES])
{
    uint32_t w[64];
    uint32_t s[8];

    schedule(block, w);
    memcpy(s, state, sizeof s);
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t t1 = s[7] + sum1 + choice + round_words[t] + w[t];
        uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);

        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = t1 + sum0 + majority;
    }
    for (int i = 0; i < 8; i++) {
        state[i] += s[i];
    }
}

void dlr_sha256_init(struct dlr_sha256 *hash)
{
    /* The same of the square roots of the first eight primes. */
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};

    *hash = (struct dlr_sha256){0};
    memcpy(hash->state, start, sizeof start);
}

void dlr_sha256_add(struct dlr_sha256 *hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t used = hash->total_bytes % BLOCK_BYTES;

    hash->total_bytes += len;
    while (len > 0) {
        size_t step = BLOCK_BYTES - used < len ? BLOCK_BYTES - used : len;

        if (step == BLOCK_BYTES) {
            mix(hash->state, at);
        } else {
            memcpy(hash->block + used, at, step);
            used += step;
            if (used == BLOCK_BYTES) {
                mix(hash->state, hash->block);
                used = 0;
            }
        }
        at += step;
        len -= step;
    }
}

void dlr_sha256_finish(struct dlr_sha256 *hash, uint8_t out[DLR_SHA256_BYTES])
{
    static const uint8_t padding[BLOCK_BYTES] = {0x80};
    uint64_t total_bits = hash->total_bytes * 8;
    size_t used = hash->total_bytes % BLOCK_BYTES;
    uint8_t length[8];

    dlr_sha256_add(hash, padding, used < 56 ? 56 - used : 120 - used);
    store(length, (uint32_t)(total_bits >> 32));
    store(length + 4, (uint32_t)total_bits);
    dlr_sha256_add(hash, length, sizeof length);
    for (int i = 0; i < 8; i++) {
        store(out + 4 * i, hash->state[i]);
    }
}

void dlr_sha256_hex(const void *bytes, size_t len, char out[DLR_SHA256_HEX_CAP])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[DLR_SHA256_BYTES];
    struct dlr_sha256 hash;

    dlr_sha256_init(&hash);
    dlr_sha256_add(&hash, bytes, len);
    dlr_sha256_finish(&hash, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[DLR_SHA256_HEX_CAP - 1] = '\0';
}
