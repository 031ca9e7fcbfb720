/* SPDX-License-Identifier: MIT */
/*
 * Nearest: which known name was probably meant. The list of names is the
 * caller's.
 */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include "base/text.h"

#include <stddef.h>

/* Collects the best candidate of a list. All-zero but `wanted` is the start. */
struct cli_nearest {
    struct dlr_text wanted;
    struct dlr_text best; /* empty: nothing is near enough */
    size_t best_distance;
};

/* Edits (insert, delete, replace, swap of neighbours; case is half an edit but
 * rounded down) between two names, at most 64 bytes of each. */
size_t cli_edit_distance(struct dlr_text a, struct dlr_text b);

/* Considers one name. Near enough is a third of the letters, at least one. */
void cli_nearest_offer(struct cli_nearest *nearest, struct dlr_text name);

#endif
