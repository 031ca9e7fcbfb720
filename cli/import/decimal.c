/* SPDX-License-Identifier: MIT */
/*
 * Decimal: see decimal.h. Schoolbook multiplication on decimal digits: factors
 * are prices and quantities, so there is nothing to gain from more.
 */
#include "import/decimal.h"

#include <string.h>

struct decimal {
    bool is_negative;
    int scale; /* the value is digits / 10^scale */
    size_t count;
    unsigned char digits[CLI_DECIMAL_DIGITS]; /* the lowest first */
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t count_digits(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && is_digit(*at)) {
        at++;
    }
    return (size_t)(at - start);
}

/* Appends "e", a sign and digits if the rest is exactly that, or is empty. */
static bool tidy_exponent(const char *at, const char *end, struct dlr_buf *out)
{
    size_t digits;

    if (at == end) {
        return true;
    }
    if (*at != 'e' && *at != 'E') {
        return false;
    }
    dlr_buf_append_char(out, 'e');
    at++;
    if (at < end && (*at == '+' || *at == '-')) {
        dlr_buf_append_char(out, *at);
        at++;
    }
    digits = count_digits(at, end);
    dlr_buf_append(out, at, digits);
    return digits > 0 && at + digits == end;
}

bool cli_decimal_tidy(struct dlr_text text, struct dlr_buf *out)
{
    size_t mark = out->len;
    const char *at;
    const char *end;
    size_t whole;
    size_t fraction = 0;

    text = dlr_text_trim(text);
    at = text.ptr;
    end = text.ptr + text.len;
    if (at < end && (*at == '-' || *at == '+')) {
        if (*at == '-') {
            dlr_buf_append_char(out, '-');
        }
        at++;
    }
    whole = count_digits(at, end);
    for (; whole > 1 && *at == '0'; whole--) {
        at++;
    }
    dlr_buf_append(out, whole == 0 ? "0" : at, whole == 0 ? 1 : whole);
    at += whole;
    if (at < end && *at == '.') {
        fraction = count_digits(++at, end);
        if (fraction > 0) {
            dlr_buf_append_char(out, '.');
            dlr_buf_append(out, at, fraction);
        }
        at += fraction;
    }
    if (whole + fraction == 0 || !tidy_exponent(at, end, out)) {
        dlr_buf_rewind(out, mark);
        return false;
    }
    return !out->failed;
}

/* An exponent within what multiply() can write out. */
static bool read_exponent(const char *at, const char *end, int *exponent)
{
    bool is_negative = false;

    *exponent = 0;
    if (at == end) {
        return true;
    }
    at++; /* e or E */
    if (at < end && (*at == '-' || *at == '+')) {
        is_negative = *at == '-';
        at++;
    }
    for (; at < end; at++) {
        *exponent = *exponent * 10 + (*at - '0');
        if (*exponent > CLI_DECIMAL_DIGITS) {
            return false;
        }
    }
    *exponent = is_negative ? -*exponent : *exponent;
    return true;
}

static bool read_decimal(struct dlr_text text, struct decimal *out)
{
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    bool is_fraction = false;
    int exponent;

    *out = (struct decimal){0};
    if (at < end && *at == '-') {
        out->is_negative = true;
        at++;
    }
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            is_fraction = true;
            continue;
        }
        if (out->count == CLI_DECIMAL_DIGITS) {
            return false;
        }
        out->digits[out->count++] = (unsigned char)(*at - '0');
        out->scale += is_fraction ? 1 : 0;
    }
    for (size_t i = 0; i < out->count / 2; i++) {
        unsigned char digit = out->digits[i];

        out->digits[i] = out->digits[out->count - 1 - i];
        out->digits[out->count - 1 - i] = digit;
    }
    if (!read_exponent(at, end, &exponent)) {
        return false;
    }
    out->scale -= exponent;
    return true;
}

/* Writes digits (the lowest first) with the point `scale` from the right. */
static void put_digits(const unsigned char *digits, size_t count, int scale,
                       struct dlr_buf *out)
{
    int top = (int)count - 1;

    while (top > 0 && top > scale && digits[top] == 0) {
        top--;
    }
    if (top < scale) {
        top = scale; /* zeros between the point and the first digit */
    }
    for (int i = top; i >= (scale < 0 ? scale : 0); i--) {
        char digit = i < 0 || i >= (int)count ? '0' : (char)('0' + digits[i]);

        dlr_buf_append_char(out, digit);
        if (i == scale && i > 0) {
            dlr_buf_append_char(out, '.');
        }
    }
}

bool cli_decimal_multiply(struct dlr_text a, struct dlr_text b,
                          struct dlr_buf *out)
{
    unsigned char digits[2 * CLI_DECIMAL_DIGITS] = {0};
    struct decimal left;
    struct decimal right;
    bool is_zero = true;

    if (!read_decimal(a, &left) || !read_decimal(b, &right)) {
        return false;
    }
    for (size_t i = 0; i < left.count; i++) {
        unsigned carry = 0;

        for (size_t j = 0; j < right.count || carry > 0; j++) {
            unsigned sum = digits[i + j] + carry;

            if (j < right.count) {
                sum += (unsigned)left.digits[i] * right.digits[j];
            }
            digits[i + j] = (unsigned char)(sum % 10);
            carry = sum / 10;
        }
    }
    for (size_t i = 0; i < left.count + right.count; i++) {
        is_zero = is_zero && digits[i] == 0;
    }
    if (left.is_negative != right.is_negative && !is_zero) {
        dlr_buf_append_char(out, '-');
    }
    put_digits(
        digits, is_zero ? 1 : left.count + right.count,
        is_zero && left.scale + right.scale < 0 ? 0 : left.scale + right.scale,
        out);
    return !out->failed;
}
