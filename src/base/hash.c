/* SPDX-License-Identifier: MIT */
/*
 * SipHash-1-3 (Aumasson and Bernstein), in its authors' letters.
 *
 * DESIGN
 * Keys of our tables come from strangers (user ids), who must not be able to
 * choose them so that they collide. One round a word and three at the end are
 * what hash tables need; the longer forms are for message authentication.
 */
#include "base/hash.h"

#include "base/swar.h"

struct state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void add(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    s->v0 ^= word;
}

/* The bytes after the last whole word, and the length in the highest byte. */
static uint64_t last_word(const char *at, size_t len)
{
    uint64_t word = (uint64_t)len << 56;

    for (size_t i = 0; i < len % 8; i++) {
        word |= (uint64_t)(unsigned char)at[i] << (8 * i);
    }
    return word;
}

uint64_t dlr_hash(const struct dlr_hash_key *key, const void *bytes, size_t len)
{
    struct state s = {
        .v0 = key->word[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->word[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->word[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->word[1] ^ UINT64_C(0x7465646279746573),
    };
    const char *at = bytes;

    for (size_t left = len; left >= 8; left -= 8) {
        add(&s, dlr_swar_load_8(at));
        at += 8;
    }
    add(&s, last_word(at, len));
    s.v2 ^= 0xff;
    mix(&s);
    mix(&s);
    mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
