/* SPDX-License-Identifier: MIT */
/*
 * Time: points in time as milliseconds since 1970 and as text, in UTC. Reading
 * the clock is left to os/clock.h, zones of the world to the command line.
 */
#ifndef DLR_BASE_TIME_H
#define DLR_BASE_TIME_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2026-03-04T05:06:07.089Z" and its NUL. */
#define DLR_TIME_TEXT_LEN 24
#define DLR_TIME_TEXT_CAP 25

/* Years 0000 to 9999, the range that has this text. */
#define DLR_TIME_MIN_MS (-62167219200000)
#define DLR_TIME_MAX_MS 253402300799999

/* A calendar date and time of day, no zone attached. */
struct dlr_civil {
    int32_t year;
    int32_t month; /* 1 to 12 */
    int32_t day;   /* 1 to 31 */
    int32_t hour;
    int32_t minute;
    int32_t second;
    int32_t millisecond;
};

/* The last text made, so that the many events of one moment share the work.
 * Not safe for use by two threads at once. All-zero is empty. */
struct dlr_time_cache {
    bool is_filled;
    int64_t ms;
    int64_t second_ms; /* the whole second that `ms` lies in */
    char text[DLR_TIME_TEXT_CAP];
};

/* Writes the text and a NUL; false outside of the years 0000 to 9999. */
bool dlr_time_format_iso(int64_t ms, char out[DLR_TIME_TEXT_CAP]);

/* The same through a cache. The result is lent until the next call with this
 * cache; NULL out of range. */
const char *dlr_time_cache_text(struct dlr_time_cache *cache, int64_t ms);

/* Reads ISO 8601: a date, or date and time with 'T' or a space between, seconds
 * optional with 0 to 9 digits of fraction (cut to milliseconds), zone `Z`,
 * `UTC`, `+05:30`, `+0530`, `+05` or none. Without a zone it is read as UTC,
 * and `*has_zone` (may be NULL) says so. A leap second reads as the next second. */
bool dlr_time_parse(struct dlr_text text, int64_t *ms, bool *has_zone);

/* A number as the wire protocol reads it: seconds when below 1e12, else
 * milliseconds. False outside of the years 0000 to 9999, or NaN. */
bool dlr_time_from_number(double number, int64_t *ms);

/* The three forms of a date in HTTP (RFC 9110, 5.6.7). `now_ms` decides the
 * century of the form that has only two digits. */
bool dlr_time_parse_http(struct dlr_text text, int64_t now_ms, int64_t *ms);

/* The calendar and back, proleptic Gregorian. The first is false for a date
 * that does not exist, such as 30 February. */
bool dlr_time_from_civil(const struct dlr_civil *civil, int64_t *ms);
bool dlr_time_to_civil(int64_t ms, struct dlr_civil *civil);

#endif
