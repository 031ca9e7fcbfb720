/* SPDX-License-Identifier: MIT */
/*
 * Shortest: from a double to the fewest decimal digits, in three ways.
 *
 * DESIGN
 * The cheap ways first; tests hold each against the next.
 *
 * 1. Counts and prices (find_short). Whole numbers are their own digits. With k
 *    decimals, n = round(x * 10^k) below 10^15 and 10^k are exact doubles, so
 *    n / 10^k is rounded once; if that is x, then n * 10^-k reads back as x. It
 *    is the only decimal with k places that does: below 10^15 these are further
 *    apart than the doubles.
 * 2. The middle of the range (find_middle), 1e-11 to 9e15, where 5^n fits into
 *    64 bits and all comparisons can be made exactly in 128-bit integers. The
 *    idea is Raffaello Giulietti's (Schubfach): scale so that the gap to the
 *    next double is 1 to 10 units; then at most one multiple of ten reads back,
 *    and if none does, one of the two neighbours of x.
 * 3. The rest through the C library (find_by_printing): print with 15, 16, 17
 *    digits and read back. We look at its digits only and never at its decimal
 *    point, which depends on the locale, and hand strtod() whole numbers with an
 *    exponent for the same reason.
 *
 * The first way needs doubles that are computed as doubles (FLT_EVAL_METHOD);
 * machines with wider intermediate results begin with the second.
 */
#include "base/shortest.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNIFICAND_BITS 52
#define HIDDEN_BIT       (UINT64_C(1) << SIGNIFICAND_BITS)
#define EXPONENT_BIAS    1075 /* of a significand read as a whole number */

/* 5^27 is the last power of five that fits into 63 bits, and 10^27 is the scale
 * of the doubles whose last bit is worth 2^-89. */
#define MIDDLE_MAX_SHIFT 89

struct wide {
    uint64_t high;
    uint64_t low;
};

static struct wide multiply(uint64_t a, uint64_t b)
{
    uint64_t a_high = a >> 32;
    uint64_t a_low = a & UINT32_MAX;
    uint64_t b_high = b >> 32;
    uint64_t b_low = b & UINT32_MAX;
    uint64_t low = a_low * b_low;
    uint64_t middle = a_high * b_low + (low >> 32);
    uint64_t middle_low = (middle & UINT32_MAX) + a_low * b_high;

    return (struct wide){
        .high = a_high * b_high + (middle >> 32) + (middle_low >> 32),
        .low = (middle_low << 32) | (low & UINT32_MAX),
    };
}

/* `shift` is below 64. */
static struct wide shift_left(uint64_t value, unsigned shift)
{
    return (struct wide){
        .high = shift == 0 ? 0 : value >> (64 - shift),
        .low = value << shift,
    };
}

static int compare(struct wide a, struct wide b)
{
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return a.low < b.low ? -1 : a.low > b.low;
}

static struct dlr_decimal without_zeros(struct dlr_decimal decimal)
{
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static bool find_short(double value, struct dlr_decimal *out)
{
    static const struct {
        double power;
        int32_t places;
    } tries[] = {{1e2, 2}, {1e4, 4}};

    if (value < 9007199254740992.0 && value == (double)(int64_t)value) {
        *out = (struct dlr_decimal){(uint64_t)value, 0};
        return true;
    }
    for (size_t i = 0; FLT_EVAL_METHOD == 0 && i < 2; i++) {
        double scaled = value * tries[i].power + 0.5;
        int64_t digits;

        if (!(scaled < 1e15)) {
            return false;
        }
        digits = (int64_t)scaled;
        if ((double)digits / tries[i].power == value) {
            *out = without_zeros(
                (struct dlr_decimal){(uint64_t)digits, -tries[i].places});
            return true;
        }
    }
    return false;
}

/* A double as significand * 2^-shift, its neighbours' middles in quarters, all
 * scaled by 10^places / 2^-shift to whole numbers times 2^-scale. */
struct middle {
    struct wide value;
    struct wide lower;
    struct wide upper;
    unsigned scale;
    bool is_even; /* then the middles round to us and belong to the interval */
};

/* `quarters` is four times a candidate. */
static bool reads_back(const struct middle *middle, uint64_t candidate)
{
    struct wide scaled = shift_left(candidate * 4, middle->scale);
    int below = compare(scaled, middle->lower);
    int above = compare(scaled, middle->upper);

    return middle->is_even ? below >= 0 && above <= 0 : below > 0 && above < 0;
}

static uint64_t pick_candidate(const struct middle *middle)
{
    unsigned shift = middle->scale + 2;
    uint64_t whole = shift >= 64 ? middle->value.high >> (shift - 64)
                                 : (middle->value.high << (64 - shift)) |
                                       (middle->value.low >> shift);
    uint64_t tens = whole - whole % 10;
    int side;

    if (reads_back(middle, tens)) {
        return tens;
    }
    if (reads_back(middle, tens + 10)) {
        return tens + 10;
    }
    if (!reads_back(middle, whole)) {
        return whole + 1;
    }
    if (!reads_back(middle, whole + 1)) {
        return whole;
    }
    side = compare(middle->value, shift_left(whole * 4 + 2, middle->scale));
    return side < 0 || (side == 0 && whole % 2 == 0) ? whole : whole + 1;
}

/* 5^places; `places` is at most 27. */
static uint64_t power_of_five(unsigned places)
{
    static const uint64_t first[] = {1, 5, 25, 125, 625, 3125, 15625, 78125};
    static const uint64_t steps[] = {1, 390625, UINT64_C(152587890625),
                                     UINT64_C(59604644775390625)};

    return first[places % 8] * steps[places / 8];
}

static bool find_middle(double value, struct dlr_decimal *out)
{
    struct middle middle;
    uint64_t bits;
    uint64_t significand;
    uint64_t five;
    unsigned shift;
    unsigned places;

    memcpy(&bits, &value, sizeof bits);
    significand = (bits & (HIDDEN_BIT - 1)) | HIDDEN_BIT;
    shift = EXPONENT_BIAS - (unsigned)(bits >> SIGNIFICAND_BITS);
    /* A power of two has neighbours at unequal distances; left to printing. */
    if (shift < 1 || shift > MIDDLE_MAX_SHIFT || significand == HIDDEN_BIT) {
        return false;
    }
    /* The ceiling of shift * log10(2), which is never whole. */
    places = ((shift * 1262611) >> 22) + 1;
    five = power_of_five(places);
    middle = (struct middle){
        .value = multiply(significand * 4, five),
        .lower = multiply(significand * 4 - 2, five),
        .upper = multiply(significand * 4 + 2, five),
        .scale = shift - places,
        .is_even = significand % 2 == 0,
    };
    *out = without_zeros(
        (struct dlr_decimal){pick_candidate(&middle), -(int32_t)places});
    return true;
}

double dlr_shortest_read(const char *digits, int32_t count, int32_t exponent)
{
    /* No double needs more than 767 digits to be told from the middle between
     * two; all that can follow is "a little more", which one digit says. */
    char text[800];
    int32_t kept = count < 770 ? count : 770;
    int32_t at;

    memcpy(text, digits, (size_t)kept);
    for (at = kept; at < count && digits[at] == '0'; at++) {
    }
    exponent += count - kept;
    if (at < count) {
        text[kept++] = '1';
        exponent--;
    }
    (void)snprintf(text + kept, sizeof text - (size_t)kept, "e%d",
                   (int)exponent);
    return strtod(text, NULL);
}

static bool decimal_is(struct dlr_decimal decimal, double value)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu",
                         (unsigned long long)decimal.digits);

    return dlr_shortest_read(digits, count, decimal.exponent) == value;
}

/* Rounded correctly to `count` digits by the C library. */
static struct dlr_decimal print_digits(double value, int count)
{
    char text[64];
    const char *at = text;
    char *end;
    struct dlr_decimal decimal = {0};

    (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
        }
    }
    if (*at == 'e') {
        decimal.exponent = (int32_t)strtol(at + 1, &end, 10) - (count - 1);
    }
    return decimal;
}

static struct dlr_decimal find_by_printing(double value)
{
    /* Fewer digits than 15 never decide for a normal double: 15 tell all of
     * them apart. The smallest numbers have fewer bits and fewer digits. */
    int count = value < DBL_MIN ? 1 : 15;

    for (; count < 17; count++) {
        struct dlr_decimal decimal = print_digits(value, count);

        if (decimal_is(decimal, value)) {
            return without_zeros(decimal);
        }
        /* Above a power of two there is more room than below it: the second
         * nearest decimal may read back when the nearest does not. */
        decimal.digits++;
        if (decimal_is(decimal, value)) {
            return without_zeros(decimal);
        }
    }
    return without_zeros(print_digits(value, 17));
}

struct dlr_decimal dlr_shortest(double value)
{
    struct dlr_decimal decimal;

    if (find_short(value, &decimal) || find_middle(value, &decimal)) {
        return decimal;
    }
    return find_by_printing(value);
}
