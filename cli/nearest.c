/* SPDX-License-Identifier: MIT */
/*
 * Nearest: the optimal string alignment distance, on names short enough that
 * three rows of a small table do.
 */
#include "nearest.h"

#include <stdbool.h>

#define NAME_MAX_LEN 64

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* '-' and '_' are the same key on most keyboards and in most memories. */
static char folded(char byte)
{
    return byte == '_' || byte == ' ' ? '-' : lower(byte);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t cli_edit_distance(struct dlr_text a, struct dlr_text b)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];

    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN) {
        return NAME_MAX_LEN;
    }
    for (size_t j = 0; j <= b.len; j++) {
        last[j] = j;
        before[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = folded(a.ptr[i - 1]) == folded(b.ptr[j - 1]);

            row[j] = least(least(last[j] + 1, row[j - 1] + 1),
                           last[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 &&
                folded(a.ptr[i - 1]) == folded(b.ptr[j - 2]) &&
                folded(a.ptr[i - 2]) == folded(b.ptr[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b.len];
}

void cli_nearest_offer(struct cli_nearest *nearest, struct dlr_text name)
{
    size_t distance = cli_edit_distance(nearest->wanted, name);
    size_t limit = name.len / 3 < 1 ? 1 : name.len / 3;

    if (nearest->wanted.len >= 3 &&
        dlr_text_starts_with(name, nearest->wanted)) {
        distance = 1; /* an abbreviation */
    }
    if (distance > limit ||
        (nearest->best.len > 0 && distance >= nearest->best_distance)) {
        return;
    }
    nearest->best = name;
    nearest->best_distance = distance;
}
