/* SPDX-License-Identifier: MIT */
/*
 * Units: durations, sizes and counts as people write them in settings.
 * Ranges and defaults are left to the table of settings.
 */
#ifndef DLR_BASE_UNITS_H
#define DLR_BASE_UNITS_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* What the word `unlimited` reads as, in all three. */
#define DLR_UNLIMITED UINT64_MAX

/* Each refuses blanks, signs, unknown units, and a value that is no whole
 * number of milliseconds or bytes: "1.5s" is 1500, "0.1ms" is refused. */

/* Units ms, s, m (or min), h, d; milliseconds without a unit. */
bool dlr_parse_duration_ms(struct dlr_text text, uint64_t *out);

/* Units B, KB MB GB TB (1000) and KiB MiB GiB TiB or K M G T (1024); bytes
 * without a unit. Upper and lower case mean the same. */
bool dlr_parse_size_bytes(struct dlr_text text, uint64_t *out);

/* Digits only. */
bool dlr_parse_count(struct dlr_text text, uint64_t *out);

/* The other way: the largest unit that divides the value, "10s", "64MiB". */
void dlr_units_put_duration(struct dlr_buf *buf, uint64_t ms);
void dlr_units_put_size(struct dlr_buf *buf, uint64_t bytes);

#endif
