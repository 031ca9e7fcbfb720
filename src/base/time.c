/* SPDX-License-Identifier: MIT */
/*
 * Time: the calendar, and the ISO 8601 texts made of it.
 *
 * DESIGN
 * gmtime() and its family ask for zone files, take locks and know the locale;
 * the calendar itself is two formulas. They count from 1 March of a year
 * divisible by 400, so that the leap day is the last of its year and all months
 * before it have lengths that one linear expression gives.
 *
 * Text of a time is made for each event. A busy process makes thousands within
 * a millisecond, hence the cache: same millisecond, same text; same second, only
 * three digits differ.
 */
#include "base/time.h"

#include <string.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR   INT64_C(3600000)
#define MS_PER_DAY    INT64_C(86400000)

#define DAYS_PER_400_YEARS 146097
#define DAYS_TO_1970       719468 /* from 0000-03-01 */

/* Below it a number of the wire is seconds (33,000 years of them), above it
 * milliseconds (since 2001). */
#define SECONDS_LIMIT 1e12

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_in_range(int64_t ms)
{
    return ms >= DLR_TIME_MIN_MS && ms <= DLR_TIME_MAX_MS;
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01. */
static int64_t days_from_date(int32_t year, int32_t month, int32_t day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = floor_div(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;

    return era * DAYS_PER_400_YEARS + year_of_era * 365 + year_of_era / 4 -
           year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

static void date_from_days(int64_t days, struct dlr_civil *civil)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t era = floor_div(since, DAYS_PER_400_YEARS);
    int64_t day = since - era * DAYS_PER_400_YEARS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    civil->day = (int32_t)(day_of_year - (153 * march_month + 2) / 5 + 1);
    civil->month =
        (int32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    civil->year = (int32_t)(year + era * 400 + (civil->month <= 2));
}

bool dlr_time_from_civil(const struct dlr_civil *civil, int64_t *ms)
{
    if (civil->year < 0 || civil->year > 9999 || civil->month < 1 ||
        civil->month > 12 || civil->day < 1 ||
        civil->day > days_in_month(civil->year, civil->month)) {
        return false;
    }
    if (civil->hour < 0 || civil->hour > 23 || civil->minute < 0 ||
        civil->minute > 59 || civil->second < 0 || civil->second > 59 ||
        civil->millisecond < 0 || civil->millisecond > 999) {
        return false;
    }
    *ms = days_from_date(civil->year, civil->month, civil->day) * MS_PER_DAY +
          civil->hour * MS_PER_HOUR + civil->minute * MS_PER_MINUTE +
          civil->second * MS_PER_SECOND + civil->millisecond;
    return true;
}

bool dlr_time_to_civil(int64_t ms, struct dlr_civil *civil)
{
    int64_t days;
    int64_t rest;

    if (!is_in_range(ms)) {
        return false;
    }
    days = floor_div(ms, MS_PER_DAY);
    rest = ms - days * MS_PER_DAY;
    date_from_days(days, civil);
    civil->hour = (int32_t)(rest / MS_PER_HOUR);
    civil->minute = (int32_t)(rest / MS_PER_MINUTE % 60);
    civil->second = (int32_t)(rest / MS_PER_SECOND % 60);
    civil->millisecond = (int32_t)(rest % MS_PER_SECOND);
    return true;
}

static void put_2(char *out, int32_t value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

static void put_3(char *out, int32_t value)
{
    out[0] = (char)('0' + value / 100);
    put_2(out + 1, value % 100);
}

bool dlr_time_format_iso(int64_t ms, char out[DLR_TIME_TEXT_CAP])
{
    struct dlr_civil civil;

    if (!dlr_time_to_civil(ms, &civil)) {
        return false;
    }
    memcpy(out, "0000-00-00T00:00:00.000Z", DLR_TIME_TEXT_CAP);
    put_2(out, civil.year / 100);
    put_2(out + 2, civil.year % 100);
    put_2(out + 5, civil.month);
    put_2(out + 8, civil.day);
    put_2(out + 11, civil.hour);
    put_2(out + 14, civil.minute);
    put_2(out + 17, civil.second);
    put_3(out + 20, civil.millisecond);
    return true;
}

const char *dlr_time_cache_text(struct dlr_time_cache *cache, int64_t ms)
{
    if (cache->is_filled && ms == cache->ms) {
        return cache->text;
    }
    /* As unsigned: earlier times are far above the range. */
    if (cache->is_filled &&
        (uint64_t)ms - (uint64_t)cache->second_ms < MS_PER_SECOND) {
        put_3(cache->text + 20, (int32_t)(ms - cache->second_ms));
        cache->ms = ms;
        return cache->text;
    }
    if (!dlr_time_format_iso(ms, cache->text)) {
        cache->is_filled = false;
        return NULL;
    }
    cache->is_filled = true;
    cache->ms = ms;
    cache->second_ms = floor_div(ms, MS_PER_SECOND) * MS_PER_SECOND;
    return cache->text;
}

bool dlr_time_from_number(double number, int64_t *ms)
{
    double value = number < SECONDS_LIMIT ? number * 1000 : number;

    /* Compared as doubles first: the cast of a larger one is undefined. */
    if (!(value >= (double)DLR_TIME_MIN_MS &&
          value <= (double)DLR_TIME_MAX_MS)) {
        return false;
    }
    *ms = (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
    return is_in_range(*ms);
}
