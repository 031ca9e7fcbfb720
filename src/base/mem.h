/* SPDX-License-Identifier: MIT */
/*
 * Memory: the one place where the library allocates, so that tests can make
 * any allocation fail. Ceilings are the business of those who grow.
 */
#ifndef DLR_BASE_MEM_H
#define DLR_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* As the functions of the C library; NULL when there is no memory. The result
 * is released with dlr_free(). A size of 0 is a size of 1. */
void *dlr_malloc(size_t size);
void *dlr_calloc(size_t count, size_t size);
void *dlr_realloc(void *old, size_t size);
void dlr_free(void *block);

/* A copy of `len` bytes with a NUL behind them; NULL when out of memory. */
char *dlr_mem_dup(const char *bytes, size_t len);

/* Test seam: allocation number `n` from now on fails, counted from 1 over all
 * threads; 0 switches the seam off. The second form fails all later ones too. */
void dlr_mem_set_fail_at(uint64_t n);
void dlr_mem_set_fail_from(uint64_t n);

/* How many allocations were asked for since the seam was last set. */
uint64_t dlr_mem_seen_count(void);

#endif
