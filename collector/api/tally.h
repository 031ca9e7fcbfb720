/* SPDX-License-Identifier: MIT */
/*
 * Tally: counts by name, for the tables of the traffic report.
 */
#ifndef DLD_API_TALLY_H
#define DLD_API_TALLY_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distinct names beyond this are not counted by themselves. */
#define DLD_TALLY_MAX 100000

struct dld_tally_line {
    char *name;
    size_t len;
    uint64_t count;
};

/* All zero is empty. */
struct dld_tally {
    struct dld_tally_line *lines;
    size_t count;
    uint32_t *slots; /* line + 1; 0 is empty */
    size_t slot_count;
    uint64_t others;
};

/* False: no memory. */
bool dld_tally_add(struct dld_tally *tally, struct dlr_text name);
/* The largest first; equal ones by name. */
void dld_tally_sort(struct dld_tally *tally);
void dld_tally_clear(struct dld_tally *tally);

#endif
