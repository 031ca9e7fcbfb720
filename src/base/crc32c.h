/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli) in plain C. Callers use os/crc32c.h, which picks the
 * processor's own instruction where it has one and this where it has not.
 */
#ifndef DLR_BASE_CRC32C_H
#define DLR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which is 0 at the start; the check value of "123456789"
 * is 0xe3069283. */
uint32_t dlr_crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
