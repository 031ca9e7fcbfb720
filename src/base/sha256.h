/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4), for ids: collapsing long ones, deriving stable ones.
 * Hashing secrets is left to libcrypto.
 */
#ifndef DLR_BASE_SHA256_H
#define DLR_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define DLR_SHA256_BYTES   32
#define DLR_SHA256_HEX_CAP 65

struct dlr_sha256 {
    uint32_t state[8];
    uint64_t total_bytes;
    uint8_t block[64];
};

void dlr_sha256_init(struct dlr_sha256 *hash);
void dlr_sha256_add(struct dlr_sha256 *hash, const void *bytes, size_t len);
void dlr_sha256_finish(struct dlr_sha256 *hash, uint8_t out[DLR_SHA256_BYTES]);

/* All at once, as lower-case hexadecimal text with a NUL. */
void dlr_sha256_hex(const void *bytes, size_t len,
                    char out[DLR_SHA256_HEX_CAP]);

#endif
