/* SPDX-License-Identifier: MIT */
/*
 * Settled: up to which record of each file everything is done, although events
 * are settled in another order than they were recorded in.
 */
#ifndef CLI_IMPORT_SETTLED_H
#define CLI_IMPORT_SETTLED_H

#include "base/text.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The place in one file. */
struct cli_mark {
    uint64_t records; /* this many from the beginning are done */
    uint64_t hash;    /* of the bytes of the last of them */
};

struct cli_settled_entry;

struct cli_settled {
    size_t file_count;
    pthread_mutex_t lock;   /* guards what stands below */
    struct cli_mark *marks; /* one a file */
    struct cli_settled_entry *ring;
    size_t cap;    /* a power of two */
    uint64_t head; /* the first that is not settled */
    uint64_t tail;
    uint32_t *buckets; /* 1 + place of the newest entry of a hash; 0: none */
    bool is_frozen;    /* an event was lost: nothing behind it counts */
};

/* False when out of memory. */
bool cli_settled_init(struct cli_settled *settled, size_t file_count);
void cli_settled_clear(struct cli_settled *settled);

/* One thing that is under way. */
struct cli_settled_item {
    size_t file;
    uint64_t record;
    uint64_t hash;
    bool ends_record; /* no other item of the record follows */
};

/* Adds an event before it is recorded; and something that is done already. */
void cli_settled_add(struct cli_settled *settled,
                     const struct cli_settled_item *item, const char *event_id);
void cli_settled_add_done(struct cli_settled *settled,
                          const struct cli_settled_item *item);

/* An event is done. `is_final`: false if sending it again could help, so that a
 * later run must begin before it. */
void cli_settled_note(struct cli_settled *settled, const char *event_id,
                      bool is_final);

/* Gives up on ids: from here on nothing is done. */
void cli_settled_freeze(struct cli_settled *settled);

/* A copy of the marks into `out`, one a file. */
void cli_settled_read(struct cli_settled *settled, struct cli_mark *out);

/* Sets where a file begins, when a run goes on. */
void cli_settled_start(struct cli_settled *settled, size_t file,
                       const struct cli_mark *mark);

/* What marks compare: 64 bits of a record's bytes. */
uint64_t cli_settled_hash(struct dlr_text bytes);

#endif
