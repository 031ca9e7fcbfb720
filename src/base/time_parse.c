/* SPDX-License-Identifier: MIT */
/*
 * Time: reading ISO 8601 and the dates of HTTP.
 *
 * DESIGN
 * What people and other systems write is read generously where it has one
 * meaning (a space for the T, a zone without a colon, any number of decimals)
 * and refused where it could have two: 3/4/2026, two-digit years, a missing
 * day, 24:00. Numbers as text are refused as the vendor's SDK does; the callers
 * who want them have dlr_time_from_number().
 */
#include "base/time.h"

#include <string.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)

struct reader {
    const char *at;
    const char *end;
};

/* Takes exactly `count` digits. */
static bool take_number(struct reader *reader, int count, int32_t *value)
{
    if (reader->end - reader->at < count) {
        return false;
    }
    *value = 0;
    for (int i = 0; i < count; i++) {
        char byte = *reader->at++;

        if (byte < '0' || byte > '9') {
            return false;
        }
        *value = *value * 10 + (byte - '0');
    }
    return true;
}

static bool take(struct reader *reader, char byte)
{
    if (reader->at == reader->end || *reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

/* Takes ASCII text, whatever the case of its letters. */
static bool take_word(struct reader *reader, struct dlr_text word)
{
    if ((size_t)(reader->end - reader->at) < word.len ||
        !dlr_text_equals_nocase(dlr_text_n(reader->at, word.len), word)) {
        return false;
    }
    reader->at += word.len;
    return true;
}

static bool is_at_end(const struct reader *reader)
{
    return reader->at == reader->end;
}

/* The digits behind a decimal point, cut to milliseconds. */
static bool take_fraction(struct reader *reader, int32_t *millisecond)
{
    int32_t weight = 100;
    int count = 0;

    for (; !is_at_end(reader); reader->at++, count++) {
        char byte = *reader->at;

        if (byte < '0' || byte > '9') {
            break;
        }
        *millisecond += weight * (byte - '0');
        weight /= 10;
    }
    return count >= 1 && count <= 9;
}

static bool take_clock(struct reader *reader, struct dlr_civil *civil)
{
    if (!take_number(reader, 2, &civil->hour) || !take(reader, ':') ||
        !take_number(reader, 2, &civil->minute)) {
        return false;
    }
    if (!take(reader, ':')) {
        return true;
    }
    if (!take_number(reader, 2, &civil->second)) {
        return false;
    }
    if (take(reader, '.') || take(reader, ',')) {
        return take_fraction(reader, &civil->millisecond);
    }
    return true;
}

/* `Z`, `+05:30`, `+0530`, `+05` or nothing. */
static bool take_zone(struct reader *reader, int32_t *offset_minutes,
                      bool *has_zone)
{
    int32_t hours = 0;
    int32_t minutes = 0;
    bool is_west;

    *offset_minutes = 0;
    *has_zone = true;
    if (take(reader, 'Z') || take(reader, 'z')) {
        return true;
    }
    is_west = take(reader, '-');
    if (!is_west && !take(reader, '+')) {
        *has_zone = false;
        return true;
    }
    if (!take_number(reader, 2, &hours)) {
        return false;
    }
    if ((take(reader, ':') || !is_at_end(reader)) &&
        !take_number(reader, 2, &minutes)) {
        return false;
    }
    *offset_minutes = (is_west ? -1 : 1) * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

/* A second of 60 is the leap second: the same moment as the next minute for
 * clocks that do not know it. */
static bool to_ms(struct dlr_civil *civil, int32_t offset_minutes, int64_t *ms)
{
    int64_t leap_ms = 0;
    int64_t result;

    if (civil->second == 60) {
        civil->second = 59;
        leap_ms = MS_PER_SECOND;
    }
    if (!dlr_time_from_civil(civil, &result)) {
        return false;
    }
    result += leap_ms - offset_minutes * MS_PER_MINUTE;
    if (result < DLR_TIME_MIN_MS || result > DLR_TIME_MAX_MS) {
        return false;
    }
    *ms = result;
    return true;
}

bool dlr_time_parse(struct dlr_text text, int64_t *ms, bool *has_zone)
{
    /* An empty text may be a null pointer, to which nothing is added. */
    struct reader reader = {text.ptr,
                            text.len == 0 ? text.ptr : text.ptr + text.len};
    struct dlr_civil civil = {0};
    int32_t offset_minutes = 0;
    bool zone = false;

    if (text.len == 0 || !take_number(&reader, 4, &civil.year) ||
        !take(&reader, '-') || !take_number(&reader, 2, &civil.month) ||
        !take(&reader, '-') || !take_number(&reader, 2, &civil.day)) {
        return false;
    }
    if (!is_at_end(&reader)) {
        if (!take(&reader, 'T') && !take(&reader, 't') && !take(&reader, ' ')) {
            return false;
        }
        if (!take_clock(&reader, &civil)) {
            return false;
        }
        /* "2026-03-04 05:06:07 UTC" and "... +00:00" are common in exports. */
        (void)take(&reader, ' ');
        if (take_word(&reader, DLR_TEXT("UTC"))) {
            zone = true;
        } else if (!take_zone(&reader, &offset_minutes, &zone)) {
            return false;
        }
        if (!is_at_end(&reader) || reader.end[-1] == ' ') {
            return false;
        }
    }
    if (has_zone != NULL) {
        *has_zone = zone;
    }
    return to_ms(&civil, offset_minutes, ms);
}

static bool take_month(struct reader *reader, int32_t *month)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int32_t i = 0; i < 12; i++) {
        if (take_word(reader, dlr_text_n(names + i * 3, 3))) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

/* Letters up to the end or the next other byte: a weekday, which says nothing
 * that the date does not. */
static size_t take_letters(struct reader *reader)
{
    const char *from = reader->at;

    while (!is_at_end(reader) && ((*reader->at | 0x20) >= 'a') &&
           ((*reader->at | 0x20) <= 'z')) {
        reader->at++;
    }
    return (size_t)(reader->at - from);
}

/* "06 Nov 1994 08:49:37 GMT", behind "Sun, ". */
static bool take_rfc1123(struct reader *reader, struct dlr_civil *civil)
{
    return take_number(reader, 2, &civil->day) && take(reader, ' ') &&
           take_month(reader, &civil->month) && take(reader, ' ') &&
           take_number(reader, 4, &civil->year) && take(reader, ' ') &&
           take_clock(reader, civil) && take_word(reader, DLR_TEXT(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT", behind "Sunday, ". */
static bool take_rfc850(struct reader *reader, struct dlr_civil *civil)
{
    return take_number(reader, 2, &civil->day) && take(reader, '-') &&
           take_month(reader, &civil->month) && take(reader, '-') &&
           take_number(reader, 2, &civil->year) && take(reader, ' ') &&
           take_clock(reader, civil) && take_word(reader, DLR_TEXT(" GMT"));
}

/* "Nov  6 08:49:37 1994", behind "Sun ". */
static bool take_asctime(struct reader *reader, struct dlr_civil *civil)
{
    if (!take_month(reader, &civil->month) || !take(reader, ' ')) {
        return false;
    }
    return take_number(reader, take(reader, ' ') ? 1 : 2, &civil->day) &&
           take(reader, ' ') && take_clock(reader, civil) &&
           take(reader, ' ') && take_number(reader, 4, &civil->year);
}

/* A two-digit year is the one that lies at most 50 years ahead (RFC 9110). */
static void pick_century(struct dlr_civil *civil, int64_t now_ms)
{
    struct dlr_civil now = {.year = 1970};

    (void)dlr_time_to_civil(now_ms, &now);
    civil->year += now.year - now.year % 100;
    if (civil->year > now.year + 50) {
        civil->year -= 100;
    }
}

bool dlr_time_parse_http(struct dlr_text text, int64_t now_ms, int64_t *ms)
{
    struct reader reader = {text.ptr,
                            text.len == 0 ? text.ptr : text.ptr + text.len};
    struct dlr_civil civil = {0};
    size_t weekday_len;
    bool is_good;

    if (text.len == 0) {
        return false;
    }
    weekday_len = take_letters(&reader);
    if (weekday_len == 3 && take(&reader, ' ')) {
        is_good = take_asctime(&reader, &civil);
    } else if (take_word(&reader, DLR_TEXT(", "))) {
        if (weekday_len == 3) {
            is_good = take_rfc1123(&reader, &civil);
        } else {
            is_good = take_rfc850(&reader, &civil);
            pick_century(&civil, now_ms);
        }
    } else {
        is_good = false;
    }
    return is_good && is_at_end(&reader) && to_ms(&civil, 0, ms);
}
