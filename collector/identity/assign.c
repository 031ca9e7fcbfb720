/* SPDX-License-Identifier: MIT */
/*
 * Assign: the rule that keeps two users of one device apart.
 *
 * DESIGN
 * Whoever identifies next on a device was most likely the one who browsed
 * before: people look around, then log in. After the last identification the
 * device stays with that user. No rule can know it; this one never joins two
 * users, and gives the same answer whatever came in first.
 */
#include "identity/assign.h"

#include <stdlib.h>
#include <string.h>

static int compare_text(struct dlr_text a, struct dlr_text b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

int dld_assign_compare(int64_t time_a, struct dlr_text id_a, int64_t time_b,
                       struct dlr_text id_b)
{
    if (time_a != time_b) {
        return time_a < time_b ? -1 : 1;
    }
    return compare_text(id_a, id_b);
}

static int compare_points(const void *left, const void *right)
{
    const struct dld_point *a = left;
    const struct dld_point *b = right;

    return dld_assign_compare(a->time_ms, a->id, b->time_ms, b->id);
}

void dld_assign(struct dld_point *points, size_t count)
{
    struct dlr_text user = {0};

    if (count == 0) {
        return;
    }
    qsort(points, count, sizeof *points, compare_points);
    for (size_t i = count; i > 0; i--) {
        if (points[i - 1].user.len > 0) {
            user = points[i - 1].user;
        }
        points[i - 1].owner = user;
    }
    user = (struct dlr_text){0};
    for (size_t i = 0; i < count; i++) {
        if (points[i].user.len > 0) {
            user = points[i].user;
        }
        if (points[i].owner.len == 0) {
            points[i].owner = user;
        }
    }
}
