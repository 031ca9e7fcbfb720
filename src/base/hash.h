/* SPDX-License-Identifier: MIT */
/*
 * Hash: 64 bits from bytes under a secret key (SipHash-1-3), for hash tables
 * over foreign text. Values may be stored: they depend on key and bytes only.
 */
#ifndef DLR_BASE_HASH_H
#define DLR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct dlr_hash_key {
    uint64_t word[2];
};

uint64_t dlr_hash(const struct dlr_hash_key *key, const void *bytes,
                  size_t len);

#endif
