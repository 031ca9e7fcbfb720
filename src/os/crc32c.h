/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli) by the fastest means of this processor, chosen at run
 * time; the plain way is base/crc32c.h.
 */
#ifndef DLR_OS_CRC32C_H
#define DLR_OS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which is 0 at the start; the check value of "123456789"
 * is 0xe3069283. */
uint32_t dlr_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
