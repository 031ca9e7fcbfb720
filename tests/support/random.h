/* SPDX-License-Identifier: MIT */
/* Numbers that look random and are the same in every run, so that a failing
 * test fails again. */
#ifndef DATALYR_TESTS_SUPPORT_RANDOM_H
#define DATALYR_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

struct test_random {
    uint64_t state; /* any value */
};

/* SplitMix64. */
static inline uint64_t test_random_next(struct test_random *random)
{
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Below `limit`, which is not 0. */
static inline uint64_t test_random_below(struct test_random *random,
                                         uint64_t limit)
{
    return test_random_next(random) % limit;
}

#endif
