/* SPDX-License-Identifier: MIT */
/*
 * Zone: see zone.h.
 *
 * DESIGN
 * The rules of the world's zones are the C library's, through TZ and mktime().
 * It takes an unknown name for UTC without a word, so the name is checked
 * against the zone files first. An offset holds for a minute at least, and
 * files are ordered by time, so one remembered minute saves most calls.
 */
#include "import/zone.h"

#include "base/number.h"
#include "base/time.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MINUTE_MS    60000
#define EPOCH_DIGITS 9 /* fewer could be a year or a date */

/* The offset of "+05:30", "-0800", "+02"; false if it is none. */
static bool read_offset(const char *name, int64_t *offset_ms)
{
    char text[64];
    int64_t ms;
    bool has_zone = false;
    int len = snprintf(text, sizeof text, "2000-01-01T00:00:00%s", name);

    if ((name[0] != '+' && name[0] != '-') || len < 0 ||
        (size_t)len >= sizeof text ||
        !dlr_time_parse(dlr_text_of(text), &ms, &has_zone) || !has_zone) {
        return false;
    }
    *offset_ms = INT64_C(946684800000) - ms;
    return true;
}

static bool is_known_name(const char *name)
{
    static const char *const folders[] = {"/usr/share/zoneinfo",
                                          "/usr/lib/zoneinfo", "/etc/zoneinfo"};
    const char *own = getenv("TZDIR");
    char path[512];

    if (strstr(name, "..") != NULL || name[0] == '/' || name[0] == '\0') {
        return false;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s",
                       own != NULL && own[0] != '\0' ? own : folders[i], name);
        if (access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

bool cli_zone_init(struct cli_zone *zone, const char *name)
{
    *zone = (struct cli_zone){.kind = CLI_ZONE_UTC};
    if (name == NULL || strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0) {
        return true;
    }
    if (read_offset(name, &zone->offset_ms)) {
        zone->kind = CLI_ZONE_FIXED;
        return true;
    }
    if (!is_known_name(name) || setenv("TZ", name, 1) != 0) {
        return false;
    }
    tzset();
    zone->kind = CLI_ZONE_NAMED;
    return true;
}

static int64_t named_offset_ms(int64_t ms)
{
    struct dlr_civil civil;
    struct tm parts = {0};
    time_t seconds;

    if (!dlr_time_to_civil(ms, &civil)) {
        return 0;
    }
    parts.tm_year = civil.year - 1900;
    parts.tm_mon = civil.month - 1;
    parts.tm_mday = civil.day;
    parts.tm_hour = civil.hour;
    parts.tm_min = civil.minute;
    parts.tm_sec = civil.second;
    parts.tm_isdst = -1;
    seconds = mktime(&parts);
    return ms - civil.millisecond - (int64_t)seconds * 1000;
}

int64_t cli_zone_to_utc(struct cli_zone *zone, int64_t ms)
{
    int64_t minute;

    switch (zone->kind) {
    case CLI_ZONE_UTC:
        return ms;
    case CLI_ZONE_FIXED:
        return ms - zone->offset_ms;
    case CLI_ZONE_NAMED:
        break;
    }
    minute = ms / MINUTE_MS;
    if (!zone->is_cached || zone->cached_local != minute) {
        zone->cached_offset_ms = named_offset_ms(ms);
        zone->cached_local = minute;
        zone->is_cached = true;
    }
    return ms - zone->cached_offset_ms;
}

static bool is_epoch(struct dlr_text text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (isdigit((unsigned char)text.ptr[i]) == 0 && text.ptr[i] != '.') {
            return false;
        }
        digits += text.ptr[i] != '.' && digits == i ? 1 : 0;
    }
    return digits >= EPOCH_DIGITS;
}

bool cli_zone_read(struct cli_zone *zone, struct dlr_text text, int64_t *ms)
{
    bool has_zone = false;
    double number;

    text = dlr_text_trim(text);
    if (is_epoch(text)) {
        return dlr_number_read_double(text.ptr, text.len, &number) &&
               dlr_time_from_number(number, ms);
    }
    if (!dlr_time_parse(text, ms, &has_zone)) {
        return false;
    }
    if (!has_zone) {
        *ms = cli_zone_to_utc(zone, *ms);
    }
    return true;
}
