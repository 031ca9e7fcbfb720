/* SPDX-License-Identifier: MIT */
/*
 * Numbers: integers and doubles to text, and JSON's numbers to values.
 *
 * DESIGN
 * Nothing here asks the locale: a service that sets one with a decimal comma
 * would otherwise send broken JSON. Which digits a double has is decided by
 * base/shortest.h; this file lays them out as ECMAScript's Number::toString
 * does. Reading takes the direct way where digits and power of ten are exact
 * doubles (one rounding, so the nearest double) and strtod() otherwise.
 */
#include "base/number.h"

#include "base/shortest.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* JavaScript writes numbers below 10^21 without an exponent, and fractions with
 * up to this many zeros behind the point. */
#define MAX_PLAIN_POINT   21
#define MAX_LEADING_ZEROS 6

/* Largest power of ten that is a double exactly. */
#define MAX_EXACT_POWER 22

/* Any exponent beyond this means zero or infinity whatever the digits. */
#define EXPONENT_LIMIT 100000000

static size_t count_digits(uint64_t value)
{
    size_t count = 1;

    while (value >= 10000) {
        value /= 10000;
        count += 4;
    }
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t dlr_number_put_uint64(uint64_t value, char *out)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    size_t count = count_digits(value);
    size_t at = count;

    while (value >= 100) {
        at -= 2;
        memcpy(out + at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(out, pairs + value * 2, 2);
    } else {
        out[0] = (char)('0' + value);
    }
    return count;
}

size_t dlr_number_put_int64(int64_t value, char *out)
{
    if (value >= 0) {
        return dlr_number_put_uint64((uint64_t)value, out);
    }
    out[0] = '-';
    /* Negated as unsigned: the smallest value has no positive twin. */
    return 1 + dlr_number_put_uint64(0 - (uint64_t)value, out + 1);
}

static size_t put_exponent(int32_t exponent, char *out)
{
    out[0] = 'e';
    out[1] = exponent < 0 ? '-' : '+';
    return 2 + dlr_number_put_uint64(
                   (uint64_t)(exponent < 0 ? -exponent : exponent), out + 2);
}

/* d.ddde+x */
static size_t lay_out_scientific(const char *digits, size_t count,
                                 int32_t exponent, char *out)
{
    size_t len = 1;

    out[0] = digits[0];
    if (count > 1) {
        out[1] = '.';
        memcpy(out + 2, digits + 1, count - 1);
        len = count + 1;
    }
    return len + put_exponent(exponent, out + len);
}

/* All digits on one side of the point. `point` is how many stand before it; zero
 * or less means zeros behind it. */
static size_t lay_out(const char *digits, size_t count, int32_t point,
                      char *out)
{
    size_t whole = point > 0 ? (size_t)point : 0;
    size_t zeros;

    if (point > MAX_PLAIN_POINT || point <= -MAX_LEADING_ZEROS) {
        return lay_out_scientific(digits, count, point - 1, out);
    }
    if (whole >= count) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        return whole;
    }
    zeros = (size_t)-point;
    memcpy(out, "0.000000", 2 + zeros);
    memcpy(out + 2 + zeros, digits, count);
    return 2 + zeros + count;
}

/* Digits on both sides of the point, such as prices have: those before it make
 * room for it. */
static size_t put_fraction(struct dlr_decimal decimal, size_t count, char *out)
{
    size_t whole = count - (size_t)-decimal.exponent;

    (void)dlr_number_put_uint64(decimal.digits, out + 1);
    for (size_t i = 0; i < whole; i++) {
        out[i] = out[i + 1];
    }
    out[whole] = '.';
    return count + 1;
}

size_t dlr_number_put_double(double value, char *out)
{
    char digits[DLR_NUMBER_INT_CAP];
    struct dlr_decimal decimal;
    size_t count;
    size_t sign = 0;

    if (!isfinite(value)) {
        return 0;
    }
    if (signbit(value)) {
        out[0] = '-';
        sign = 1;
        value = -value;
    }
    if (value == 0) {
        out[sign] = '0';
        return sign + 1;
    }
    decimal = dlr_shortest(value);
    if (decimal.exponent == 0) {
        return sign + dlr_number_put_uint64(decimal.digits, out + sign);
    }
    out += sign;
    count = count_digits(decimal.digits);
    if (decimal.exponent < 0 && decimal.exponent > -(int32_t)count) {
        return sign + put_fraction(decimal, count, out);
    }
    (void)dlr_number_put_uint64(decimal.digits, digits);
    return sign +
           lay_out(digits, count, (int32_t)count + decimal.exponent, out);
}

/* A number in JSON's grammar, taken apart. */
struct parts {
    const char *whole; /* digits before the point */
    size_t whole_len;
    const char *fraction; /* and behind it, maybe none */
    size_t fraction_len;
    int64_t exponent;
    bool is_negative;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t span_digits(const char *ptr, const char *end)
{
    const char *at = ptr;

    while (at < end && is_digit(*at)) {
        at++;
    }
    return (size_t)(at - ptr);
}

/* Reads "e+12" at `*at`; nothing there is an exponent of 0. */
static bool split_exponent(const char **at, const char *end, int64_t *exponent)
{
    bool is_negative = false;
    size_t count;

    *exponent = 0;
    if (*at == end || (**at != 'e' && **at != 'E')) {
        return true;
    }
    (*at)++;
    if (*at < end && (**at == '+' || **at == '-')) {
        is_negative = **at == '-';
        (*at)++;
    }
    count = span_digits(*at, end);
    for (size_t i = 0; i < count; i++) {
        if (*exponent < EXPONENT_LIMIT) {
            *exponent = *exponent * 10 + ((*at)[i] - '0');
        }
    }
    *at += count;
    *exponent = is_negative ? -*exponent : *exponent;
    return count > 0;
}

static bool split(const char *ptr, size_t len, struct parts *parts)
{
    const char *at = ptr;
    const char *end;

    *parts = (struct parts){0};
    if (len == 0) {
        return false; /* and the pointer may be null */
    }
    end = ptr + len;
    if (at < end && *at == '-') {
        parts->is_negative = true;
        at++;
    }
    parts->whole = at;
    parts->whole_len = span_digits(at, end);
    at += parts->whole_len;
    if (parts->whole_len == 0 ||
        (parts->whole_len > 1 && parts->whole[0] == '0')) {
        return false;
    }
    if (at < end && *at == '.') {
        parts->fraction = at + 1;
        parts->fraction_len = span_digits(at + 1, end);
        at += 1 + parts->fraction_len;
        if (parts->fraction_len == 0) {
            return false;
        }
    }
    return split_exponent(&at, end, &parts->exponent) && at == end;
}

/* The significant digits, in one row, as many as decide. */
struct row {
    char digits[800];
    int32_t count;
    int64_t exponent; /* of the last digit */
};

static void add_digits(struct row *row, const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (row->count == 0 && ptr[i] == '0') {
            continue;
        }
        if (row->count < (int32_t)sizeof row->digits) {
            row->digits[row->count++] = ptr[i];
        } else {
            /* Too far behind to count, but not nothing: see
             * dlr_shortest_read(), which looks at the first 770. */
            row->exponent++;
            if (ptr[i] != '0') {
                row->digits[row->count - 1] = '1';
            }
        }
    }
}

static double compute(const struct parts *parts)
{
    struct row row = {.exponent = parts->exponent};

    add_digits(&row, parts->whole, parts->whole_len);
    add_digits(&row, parts->fraction, parts->fraction_len);
    row.exponent -= (int64_t)parts->fraction_len;
    if (row.count == 0) {
        return 0;
    }
    if (row.exponent > EXPONENT_LIMIT) {
        row.exponent = EXPONENT_LIMIT;
    }
    if (row.exponent < -EXPONENT_LIMIT) {
        row.exponent = -EXPONENT_LIMIT;
    }
    return dlr_shortest_read(row.digits, row.count, (int32_t)row.exponent);
}

/* The direct way, where it is exact. */
static bool compute_short(const struct parts *parts, double *value)
{
    static const double powers[MAX_EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t exponent = parts->exponent - (int64_t)parts->fraction_len;
    uint64_t digits = 0;

    if (parts->whole_len + parts->fraction_len > 15 ||
        exponent > MAX_EXACT_POWER || exponent < -MAX_EXACT_POWER ||
        FLT_EVAL_METHOD != 0) {
        return false;
    }
    for (size_t i = 0; i < parts->whole_len; i++) {
        digits = digits * 10 + (uint64_t)(parts->whole[i] - '0');
    }
    for (size_t i = 0; i < parts->fraction_len; i++) {
        digits = digits * 10 + (uint64_t)(parts->fraction[i] - '0');
    }
    *value = exponent < 0 ? (double)digits / powers[-exponent]
                          : (double)digits * powers[exponent];
    return true;
}

bool dlr_number_read_double(const char *ptr, size_t len, double *value)
{
    struct parts parts;
    double result;

    if (!split(ptr, len, &parts)) {
        return false;
    }
    if (!compute_short(&parts, &result)) {
        result = compute(&parts);
    }
    *value = parts.is_negative ? -result : result;
    return isfinite(result);
}

bool dlr_number_read_uint64(const char *ptr, size_t len, uint64_t *value)
{
    uint64_t result = 0;

    if (len == 0 || len > 20 || span_digits(ptr, ptr + len) != len ||
        (len > 1 && ptr[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(ptr[i] - '0');

        if (result > (UINT64_MAX - digit) / 10) {
            return false;
        }
        result = result * 10 + digit;
    }
    *value = result;
    return true;
}

bool dlr_number_read_int64(const char *ptr, size_t len, int64_t *value)
{
    bool is_negative = len > 0 && ptr[0] == '-';
    uint64_t size;

    if (!dlr_number_read_uint64(ptr + is_negative, len - is_negative, &size) ||
        size > (uint64_t)INT64_MAX + is_negative) {
        return false;
    }
    /* Not -(int64_t)size: that overflows for the smallest value. */
    *value = is_negative ? -(int64_t)(size - (size > 0)) - (size > 0)
                         : (int64_t)size;
    return true;
}
