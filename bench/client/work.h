/* SPDX-License-Identifier: MIT */
/*
 * Work: the events that all clients are measured with, ours and its peers.
 */
#ifndef BENCH_CLIENT_WORK_H
#define BENCH_CLIENT_WORK_H

#include <datalyr.h>

#define WORK_MEMBERS 12
#define WORK_LARGE   200

enum work_size {
    WORK_SMALL, /* a user and a name */
    WORK_USUAL, /* 12 properties, about 400 bytes of JSON */
    WORK_LARGER /* 200 properties, about 6 kB */
};

/* One event and the storage it points into; not to be copied. */
struct work {
    enum work_size size;
    datalyr_event event;
    char user_id[24];
    char order_id[24];
    datalyr_member members[WORK_LARGE];
    char names[WORK_LARGE][8];
};

/* False for a name that is none of small, usual, large. */
bool work_read_size(const char *name, enum work_size *size);

/* Shapes the event; work_turn() fills in what differs for number `n`. */
void work_init(struct work *work, enum work_size size);
void work_turn(struct work *work, uint64_t n);

/* The same usual event as JSON without our envelope, as one would write it by
 * hand for a queue or a POST. Returns its length; `out` holds 1024 bytes. */
size_t work_write_json(const struct work *work, uint64_t n, char *out);

/* The very JSON that the library makes of the event: its members written one by
 * one with their quotes looked for, an id, the time, the context. What a caller
 * of a plain queue has to do itself. Returns its length; `out` holds 2048. */
size_t work_write_same_json(const struct work *work, char *out);

#endif
