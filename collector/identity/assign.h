/* SPDX-License-Identifier: MIT */
/*
 * Assign: whose is an event that names no user? Pure.
 */
#ifndef DLD_IDENTITY_ASSIGN_H
#define DLD_IDENTITY_ASSIGN_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something that happened on one anonymous id. With a user it is a point of
 * identification; without one it asks for an owner. */
struct dld_point {
    int64_t time_ms;
    struct dlr_text id; /* event id: decides between equal times */
    struct dlr_text user;
    bool is_event; /* false: an alias that only names the anonymous id */
    struct dlr_text owner; /* result */
    void *tag;             /* the caller's */
};

/* Sorts by time and event id and gives each point its owner: its own user;
 * else that of the next point with a user; else that of the last one before;
 * else none (empty). */
void dld_assign(struct dld_point *points, size_t count);

/* The order of points: by time, then by the bytes of the event id. */
int dld_assign_compare(int64_t time_a, struct dlr_text id_a, int64_t time_b,
                       struct dlr_text id_b);

#endif
