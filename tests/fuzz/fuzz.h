/* SPDX-License-Identifier: MIT */
/* What every fuzz target needs: libFuzzer's entry, and a check that ends the
 * program, which is how a target says that something is wrong. */
#ifndef DATALYR_TESTS_FUZZ_FUZZ_H
#define DATALYR_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Not assert(): it must hold in builds with NDEBUG, too. */
#define FUZZ_CHECK(condition)                                        \
    do {                                                             \
        if (!(condition)) {                                          \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
                          #condition);                               \
            __builtin_trap();                                        \
        }                                                            \
    } while (0)

#endif
