/* SPDX-License-Identifier: MIT */
/*
 * Units: "10s" and "64MiB" to numbers and back.
 *
 * DESIGN
 * One reader over a table of units. A value that is not whole in the base unit
 * is refused, as is one that does not fit: a setting that was silently rounded
 * is a setting that nobody can find.
 */
#include "base/units.h"

#include "base/number.h"

struct unit {
    struct dlr_text name;
    uint64_t factor;
};

#define UNIT(name, factor)                         \
    {                                              \
        {name, sizeof(name) - 1}, UINT64_C(factor) \
    }

static const struct unit durations[] = {
    UNIT("ms", 1),      UNIT("s", 1000),    UNIT("m", 60000),
    UNIT("min", 60000), UNIT("h", 3600000), UNIT("d", 86400000),
    UNIT("", 1),
};

static const struct unit sizes[] = {
    UNIT("B", 1),
    UNIT("KB", 1000),
    UNIT("MB", 1000000),
    UNIT("GB", 1000000000),
    UNIT("TB", 1000000000000),
    UNIT("KiB", 1024),
    UNIT("MiB", 1048576),
    UNIT("GiB", 1073741824),
    UNIT("TiB", 1099511627776),
    UNIT("K", 1024),
    UNIT("M", 1048576),
    UNIT("G", 1073741824),
    UNIT("T", 1099511627776),
    UNIT("", 1),
};

static bool find_factor(struct dlr_text name, const struct unit *units,
                        size_t count, uint64_t *factor)
{
    for (size_t i = 0; i < count; i++) {
        if (dlr_text_equals_nocase(name, units[i].name)) {
            *factor = units[i].factor;
            return true;
        }
    }
    return false;
}

static size_t span_digits(struct dlr_text text)
{
    size_t count = 0;

    while (count < text.len && text.ptr[count] >= '0' &&
           text.ptr[count] <= '9') {
        count++;
    }
    return count;
}

static struct dlr_text skip(struct dlr_text text, size_t count)
{
    /* Nothing is added to a null pointer. */
    return count == 0 ? text : dlr_text_n(text.ptr + count, text.len - count);
}

/* *total = *total * 10 + digit, or false if that does not fit. */
static bool add_digit(uint64_t *total, char digit)
{
    uint64_t value = (uint64_t)(digit - '0');

    if (*total > (UINT64_MAX - value) / 10) {
        return false;
    }
    *total = *total * 10 + value;
    return true;
}

/* digits / 10^decimals * factor, if that is whole and fits. */
static bool scale(uint64_t digits, size_t decimals, uint64_t factor,
                  uint64_t *out)
{
    for (; decimals > 0; decimals--) {
        if (factor % 10 == 0) {
            factor /= 10;
        } else if (digits % 10 == 0) {
            digits /= 10;
        } else if (factor % 2 == 0 && digits % 5 == 0) {
            factor /= 2;
            digits /= 5;
        } else {
            return false;
        }
    }
    if (factor != 0 && digits > (UINT64_MAX - 1) / factor) {
        return false;
    }
    *out = digits * factor;
    return true;
}

static bool parse(struct dlr_text text, const struct unit *units, size_t count,
                  uint64_t *out)
{
    uint64_t digits = 0;
    uint64_t factor;
    size_t whole = span_digits(text);
    size_t decimals = 0;

    if (dlr_text_equals_nocase(text, DLR_TEXT("unlimited"))) {
        *out = DLR_UNLIMITED;
        return true;
    }
    for (size_t i = 0; i < whole; i++) {
        if (!add_digit(&digits, text.ptr[i])) {
            return false;
        }
    }
    text = skip(text, whole);
    if (text.len > 0 && text.ptr[0] == '.') {
        text = skip(text, 1);
        decimals = span_digits(text);
        for (size_t i = 0; i < decimals; i++) {
            if (!add_digit(&digits, text.ptr[i])) {
                return false;
            }
        }
        text = skip(text, decimals);
        if (decimals == 0) {
            return false;
        }
    }
    return whole > 0 && find_factor(text, units, count, &factor) &&
           scale(digits, decimals, factor, out);
}

bool dlr_parse_duration_ms(struct dlr_text text, uint64_t *out)
{
    return parse(text, durations, sizeof durations / sizeof *durations, out);
}

bool dlr_parse_size_bytes(struct dlr_text text, uint64_t *out)
{
    return parse(text, sizes, sizeof sizes / sizeof *sizes, out);
}

bool dlr_parse_count(struct dlr_text text, uint64_t *out)
{
    static const struct unit none[] = {UNIT("", 1)};

    return parse(text, none, 1, out);
}

static void put(struct dlr_buf *buf, uint64_t value, const struct unit *unit)
{
    char digits[DLR_NUMBER_INT_CAP];

    dlr_buf_append(buf, digits,
                   dlr_number_put_uint64(value / unit->factor, digits));
    dlr_buf_append_text(buf, unit->name);
}

/* `units` from small to large, the first of factor 1. */
static void put_largest(struct dlr_buf *buf, uint64_t value,
                        const struct unit *units, size_t count)
{
    size_t best = 0;

    if (value == DLR_UNLIMITED) {
        dlr_buf_append_string(buf, "unlimited");
        return;
    }
    for (size_t i = 1; i < count && value > 0; i++) {
        if (value % units[i].factor == 0) {
            best = i;
        }
    }
    put(buf, value, &units[best]);
}

void dlr_units_put_duration(struct dlr_buf *buf, uint64_t ms)
{
    static const struct unit units[] = {
        UNIT("ms", 1),      UNIT("s", 1000),     UNIT("min", 60000),
        UNIT("h", 3600000), UNIT("d", 86400000),
    };

    put_largest(buf, ms, units, sizeof units / sizeof *units);
}

void dlr_units_put_size(struct dlr_buf *buf, uint64_t bytes)
{
    static const struct unit units[] = {
        UNIT("B", 1),
        UNIT("KiB", 1024),
        UNIT("MiB", 1048576),
        UNIT("GiB", 1073741824),
        UNIT("TiB", 1099511627776),
    };

    put_largest(buf, bytes, units, sizeof units / sizeof *units);
}
