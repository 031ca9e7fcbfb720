/* SPDX-License-Identifier: MIT */
/* Zone: times without a zone, read in the one that --timezone names. */
#ifndef CLI_IMPORT_ZONE_H
#define CLI_IMPORT_ZONE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum cli_zone_kind { CLI_ZONE_UTC, CLI_ZONE_FIXED, CLI_ZONE_NAMED };

struct cli_zone {
    enum cli_zone_kind kind;
    int64_t offset_ms;    /* fixed: east of UTC */
    int64_t cached_local; /* named: the minute that the offset below is for */
    int64_t cached_offset_ms;
    bool is_cached;
};

/* Takes UTC, +05:30 or the name of a zone such as Europe/London; NULL is UTC.
 * Sets the process's TZ for a name, so it is called before threads are made.
 * False if there is no such zone. */
bool cli_zone_init(struct cli_zone *zone, const char *name);

/* The moment at which a clock on the wall there shows what reads as `ms` in
 * UTC. Of an hour that comes twice, as the C library decides. */
int64_t cli_zone_to_utc(struct cli_zone *zone, int64_t ms);

/* Reads a time of an event: ISO 8601; digits, at least nine, are seconds or
 * milliseconds since 1970. */
bool cli_zone_read(struct cli_zone *zone, struct dlr_text text, int64_t *ms);

#endif
