/* SPDX-License-Identifier: MIT */
/*
 * Revenue: amounts are read as decimals, not as doubles: a hundred thousand
 * prices must add up to the cent.
 */
#include "identity/revenue.h"

#include "base/number.h"

#include <inttypes.h>
#include <string.h>

#define MICROS 1000000

/* Names that say "money came in (or went back)". Others count only if they
 * carry "revenue": a cart has a value too. */
static const char *const sales[] = {
    "purchase",        "refund", "subscribe", "subscription_renewed",
    "trial_converted",
};

static bool is_sale(struct dlr_text name)
{
    for (size_t i = 0; i < sizeof sales / sizeof sales[0]; i++) {
        if (dlr_text_equals(name, dlr_text_of(sales[i]))) {
            return true;
        }
    }
    return false;
}

/* Digits with a point, exactly; false for what needs more than six of them
 * behind it, has an exponent or is too large. */
static bool read_decimal(struct dlr_text text, int64_t *micros)
{
    const char *dot = memchr(text.ptr, '.', text.len);
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t whole_len = dot == NULL ? text.len : (size_t)(dot - text.ptr);
    size_t digits = dot == NULL ? 0 : text.len - whole_len - 1;
    int64_t whole;
    int64_t part = 0;

    if (digits > 6 || !dlr_number_read_int64(text.ptr, whole_len, &whole) ||
        whole > INT64_MAX / MICROS - 1 || whole < INT64_MIN / MICROS + 1) {
        return false;
    }
    for (size_t i = 0; i < 6; i++) {
        char c = i < digits ? dot[1 + i] : '0';

        if (c < '0' || c > '9') {
            return false;
        }
        part = part * 10 + (c - '0');
    }
    *micros = whole * MICROS + (is_negative ? -part : part);
    return true;
}

static bool read_amount(struct dlr_json_value value, int64_t *micros)
{
    struct dlr_text text = value.text;
    double number;

    if (value.type == DLR_JSON_STRING) {
        if (!dlr_json_plain_text(value, &text)) {
            return false;
        }
    } else if (value.type != DLR_JSON_NUMBER) {
        return false;
    }
    if (!dlr_number_read_double(text.ptr, text.len, &number) || number > 9e12 ||
        number < -9e12) {
        return false;
    }
    if (!read_decimal(text, micros)) {
        *micros = (int64_t)(number * MICROS + (number < 0 ? -0.5 : 0.5));
    }
    return true;
}

bool dld_revenue_read(const struct dld_event *event, struct dld_money *money)
{
    static const char *const names[] = {"value", "revenue", "amount"};
    struct dlr_json_value currency;

    *money = (struct dld_money){0};
    if (!is_sale(event->name) &&
        dlr_json_get(event->properties, DLR_TEXT("revenue")).type ==
            DLR_JSON_NONE) {
        return false;
    }
    currency = dlr_json_get(event->properties, DLR_TEXT("currency"));
    (void)dlr_json_plain_text(currency, &money->currency);
    for (size_t i = 0; i < 3; i++) {
        if (read_amount(dlr_json_get(event->properties, dlr_text_of(names[i])),
                        &money->micros)) {
            return true;
        }
    }
    return false;
}

static void copy_currency(struct dlr_text currency, char out[8])
{
    size_t len = currency.len < 7 ? currency.len : 7;

    memset(out, 0, 8);
    for (size_t i = 0; i < len; i++) {
        char c = currency.ptr[i];

        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
}

void dld_revenue_add(struct dld_revenue *revenue, const struct dld_money *money)
{
    char currency[8];
    size_t place = 0;

    copy_currency(money->currency, currency);
    while (place < revenue->count &&
           memcmp(revenue->sums[place].currency, currency, 8) != 0) {
        place++;
    }
    if (place == DLD_CURRENCIES_MAX) {
        return;
    }
    if (place == revenue->count) {
        memcpy(revenue->sums[place].currency, currency, 8);
        revenue->count++;
    }
    revenue->sums[place].micros += money->micros;
    revenue->sums[place].events++;
}

void dld_revenue_put(struct dlr_buf *out, int64_t micros)
{
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    char digits[8];
    size_t len = 6;

    dlr_buf_printf(out, "%s%" PRIu64, micros < 0 ? "-" : "", size / MICROS);
    for (size_t i = 0; i < 6; i++) {
        digits[5 - i] = (char)('0' + size % 10);
        size /= 10;
    }
    while (len > 0 && digits[len - 1] == '0') {
        len--;
    }
    if (len > 0) {
        dlr_buf_append_char(out, '.');
        dlr_buf_append(out, digits, len);
    }
}
