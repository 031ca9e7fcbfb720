/* SPDX-License-Identifier: MIT */
/*
 * The tail: columns of keys of a partition that is not sealed yet. Row i is
 * the one with seq first_seq + i. Locking is left to the partition.
 */
#ifndef DLD_STORE_SQLITE_TAIL_H
#define DLD_STORE_SQLITE_TAIL_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The keys of one row; 0 is none. */
struct dld_tail_row {
    uint64_t id;
    uint64_t user;
    uint64_t anonymous;
    uint64_t name;
    uint64_t link;
    uint64_t content_hash;
    int64_t time_ms;
    uint32_t workspace;
};

struct dld_tail {
    uint64_t first_seq;
    uint32_t count;   /* rows, uncommitted ones included */
    uint32_t visible; /* rows that readers may see */
    uint32_t capacity;
    uint64_t *keys[6]; /* by enum dld_key; DLD_KEY_NONE holds content hashes */
    int64_t *times_ms;
    uint32_t *workspaces;
    uint32_t *slots; /* hash table of ids: row + 1, 0 is empty */
    uint32_t slot_count;
};

struct dld_tail *dld_tail_new(uint64_t first_seq);
void dld_tail_free(struct dld_tail *tail);

/* Makes room for `rows` more; readers must be kept out. */
bool dld_tail_reserve(struct dld_tail *tail, uint32_t rows);

/* Appends one row, invisible until dld_tail_publish(). Needs reserved room. */
void dld_tail_append(struct dld_tail *tail, const struct dld_tail_row *row);
void dld_tail_publish(struct dld_tail *tail);
/* Forgets the rows that are not visible. */
void dld_tail_rollback(struct dld_tail *tail);

/* The next row with this id key at or behind `*slot`; starts with the slot of
 * dld_tail_id_slot(). Invisible rows are found too. */
uint32_t dld_tail_id_slot(const struct dld_tail *tail, uint64_t key);
bool dld_tail_find_id(const struct dld_tail *tail, uint64_t key, uint32_t *slot,
                      uint32_t *row);

#endif
