/* SPDX-License-Identifier: MIT */
/*
 * Decimal: numbers as text, exact: reading what people write into JSON's
 * grammar, and multiplying. Nothing goes through a double.
 */
#ifndef CLI_IMPORT_DECIMAL_H
#define CLI_IMPORT_DECIMAL_H

#include "base/buf.h"
#include "base/text.h"

/* Digits that one number may have, and zeros that an exponent may add. */
#define CLI_DECIMAL_DIGITS 256

/* Appends the number in JSON's grammar, its digits as they are: blanks around
 * it, a plus, zeros before it, a point at either end are tidied. False (nothing
 * is appended) if it is no number. */
bool cli_decimal_tidy(struct dlr_text text, struct dlr_buf *out);

/* Appends a * b, with as many decimals as both have together; exponents are
 * written out. Both are in JSON's grammar. False if one is too long. */
bool cli_decimal_multiply(struct dlr_text a, struct dlr_text b,
                          struct dlr_buf *out);

#endif
