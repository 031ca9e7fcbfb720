/* SPDX-License-Identifier: MIT */
/*
 * Randomness from the system, fit for secrets. Pools are left to base/uuid.h.
 */
#ifndef DLR_OS_RANDOM_H
#define DLR_OS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills `len` bytes; false (and zeros) if the system gives none. */
bool dlr_random_fill(void *bytes, size_t len);

/* A number for jitter and seeds: never fails, falls back on the clock. */
uint64_t dlr_random_uint64(void);

#endif
