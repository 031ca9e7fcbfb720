/* SPDX-License-Identifier: MIT */
/*
 * Memory: malloc and its family behind a switch for tests.
 *
 * DESIGN
 * Tests rerun a scenario with allocation 1, 2, 3 ... failing. The counters are
 * looked at only while a test has switched the seam on, so that the price in
 * production is one relaxed load of a word that nobody writes.
 */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool is_armed;
static atomic_bool should_stay_failed;
static atomic_uint_fast64_t fail_at;
static atomic_uint_fast64_t seen_count;

static void arm(uint64_t n, bool stay_failed)
{
    atomic_store(&is_armed, false);
    atomic_store(&seen_count, 0);
    atomic_store(&fail_at, n);
    atomic_store(&should_stay_failed, stay_failed);
    atomic_store(&is_armed, n > 0);
}

void dlr_mem_set_fail_at(uint64_t n)
{
    arm(n, false);
}

void dlr_mem_set_fail_from(uint64_t n)
{
    arm(n, true);
}

uint64_t dlr_mem_seen_count(void)
{
    return atomic_load(&seen_count);
}

static bool should_fail(void)
{
    uint64_t number;
    uint64_t limit;

    if (!atomic_load_explicit(&is_armed, memory_order_relaxed)) {
        return false;
    }
    number = atomic_fetch_add(&seen_count, 1) + 1;
    limit = atomic_load(&fail_at);
    return number == limit ||
           (number > limit && atomic_load(&should_stay_failed));
}

void *dlr_malloc(size_t size)
{
    return should_fail() ? NULL : malloc(size == 0 ? 1 : size);
}

void *dlr_calloc(size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        count = 1;
        size = 1;
    }
    if (count > SIZE_MAX / size) {
        return NULL;
    }
    return should_fail() ? NULL : calloc(count, size);
}

void *dlr_realloc(void *old, size_t size)
{
    return should_fail() ? NULL : realloc(old, size == 0 ? 1 : size);
}

void dlr_free(void *block)
{
    free(block);
}

char *dlr_mem_dup(const char *bytes, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : dlr_malloc(len + 1);

    if (copy == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = '\0';
    return copy;
}
