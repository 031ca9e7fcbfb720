/* SPDX-License-Identifier: MIT */
/*
 * Shortest: the decimal number with the fewest digits that reads back as a
 * given double. How it is laid out as text is left to base/number.h.
 */
#ifndef DLR_BASE_SHORTEST_H
#define DLR_BASE_SHORTEST_H

#include <stdint.h>

/* digits * 10^exponent; `digits` has 1 to 17 of them. */
struct dlr_decimal {
    uint64_t digits;
    int32_t exponent;
};

/* Of several decimals with the same number of digits it gives the one nearest
 * to `value`, which is finite and above zero. Never ends in a zero, unless the
 * value is a whole number below 2^53. */
struct dlr_decimal dlr_shortest(double value);

/* The double nearest to `digits` (decimal digits, at least one) * 10^exponent,
 * infinity where it is too large. Allocates nothing. */
double dlr_shortest_read(const char *digits, int32_t count, int32_t exponent);

#endif
