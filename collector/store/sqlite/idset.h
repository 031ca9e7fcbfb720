/* SPDX-License-Identifier: MIT */
/*
 * A compact set of 64-bit hashes with 16 bits of payload each: which ids the
 * store has, and in which partition. Leaves to its caller to verify a hit,
 * because it keeps 40 bits of the hash only.
 */
#ifndef DLD_STORE_SQLITE_IDSET_H
#define DLD_STORE_SQLITE_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLD_IDSET_TABLES 256

struct dld_idset_table {
    uint32_t *tags;     /* 0 is an empty slot */
    uint16_t *payloads; /* beside tags, so that a slot costs 6 bytes */
    uint32_t capacity;  /* a power of two */
    uint32_t count;
};

/* All zero is the empty set. One thread at a time. */
struct dld_idset {
    struct dld_idset_table tables[DLD_IDSET_TABLES];
};

/* A walk over the payloads that stand beside one hash. */
struct dld_idset_cursor {
    const struct dld_idset_table *table;
    uint32_t tag;
    uint32_t slot;
};

/* Adds the pair, even when the hash is there already. False: out of memory. */
bool dld_idset_add(struct dld_idset *set, uint64_t hash, uint16_t payload);

/* Adds the pair unless it is there. `is_new` says which it was. */
bool dld_idset_add_once(struct dld_idset *set, uint64_t hash, uint16_t payload,
                        bool *is_new);

/* Forgets one pair; the slot stays used until its table grows. */
void dld_idset_remove(struct dld_idset *set, uint64_t hash, uint16_t payload);

void dld_idset_find(const struct dld_idset *set, uint64_t hash,
                    struct dld_idset_cursor *cursor);

/* The next payload of the hash, or false when there is none left. */
bool dld_idset_next(struct dld_idset_cursor *cursor, uint16_t *payload);

size_t dld_idset_bytes(const struct dld_idset *set);

void dld_idset_clear(struct dld_idset *set);

#endif
