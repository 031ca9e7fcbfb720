/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text and back, in the forms of JSON and JavaScript. Nothing here
 * depends on the locale. What a number may be used for is left to the callers.
 */
#ifndef DLR_BASE_NUMBER_H
#define DLR_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the longest: "18446744073709551615", "-1.2345678901234567e-308". */
#define DLR_NUMBER_INT_CAP    21
#define DLR_NUMBER_DOUBLE_CAP 32

/* Each writes up to DLR_NUMBER_INT_CAP bytes, without a NUL, and returns how
 * many. */
size_t dlr_number_put_uint64(uint64_t value, char *out);
size_t dlr_number_put_int64(int64_t value, char *out);

/* The shortest text that reads back as `value`, as JavaScript writes it: 99.99,
 * 1e+21, 1e-7, integers without ".0", but -0 for minus zero. Up to
 * DLR_NUMBER_DOUBLE_CAP bytes; 0 for NaN and infinity, which have no text. */
size_t dlr_number_put_double(double value, char *out);

/* Reads a number in JSON's grammar, whole text, rounded correctly. False if it
 * is no such number or too large for a double. */
bool dlr_number_read_double(const char *ptr, size_t len, double *value);

/* Reads an integer: digits with an optional minus, no fraction, no exponent, no
 * leading zero. False also where the value does not fit. */
bool dlr_number_read_int64(const char *ptr, size_t len, int64_t *value);
bool dlr_number_read_uint64(const char *ptr, size_t len, uint64_t *value);

#endif
