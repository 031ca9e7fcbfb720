/* SPDX-License-Identifier: MIT */
/*
 * Id set: open addressing over 32-bit tags, split into 256 tables.
 *
 * DESIGN
 * The top eight bits of a hash name its table, the next 32 are the tag. A slot
 * is found from the tag's own top bits, so a table can grow without the hash
 * it has forgotten. 256 tables make growth a matter of microseconds: no batch
 * pays for a rehash of the whole set.
 *
 * Two ids share all 40 bits once in 200,000 look-ups at five million ids; the
 * caller then asks the disk and finds nothing. That is cheaper than eight more
 * bytes an id.
 */
#include "store/sqlite/idset.h"

#include <stdlib.h>
#include <string.h>

/* Below this a table costs less than the bookkeeping around it. */
#define FIRST_CAPACITY 64u

/* A removed pair keeps its slot, so that walks do not end early there. The
 * numbers of partitions end below it. */
#define REMOVED UINT16_MAX

/* Tag 0 means empty, so the two smallest tags share a name. */
static uint32_t tag_of(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 24);

    return tag == 0 ? 1 : tag;
}

static uint32_t first_slot(const struct dld_idset_table *table, uint32_t tag)
{
    uint64_t scaled = (uint64_t)tag * table->capacity;

    return (uint32_t)(scaled >> 32);
}

static uint32_t following(const struct dld_idset_table *table, uint32_t slot)
{
    return (slot + 1) & (table->capacity - 1);
}

static void place(struct dld_idset_table *table, uint32_t tag, uint16_t payload)
{
    uint32_t slot = first_slot(table, tag);

    while (table->tags[slot] != 0) {
        slot = following(table, slot);
    }
    table->tags[slot] = tag;
    table->payloads[slot] = payload;
    table->count++;
}

static bool grow(struct dld_idset_table *table)
{
    struct dld_idset_table larger = {0};

    larger.capacity =
        table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
    larger.tags = calloc(larger.capacity, sizeof *larger.tags);
    larger.payloads = calloc(larger.capacity, sizeof *larger.payloads);
    if (larger.tags == NULL || larger.payloads == NULL) {
        free(larger.tags);
        free(larger.payloads);
        return false;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->tags[i] != 0 && table->payloads[i] != REMOVED) {
            place(&larger, table->tags[i], table->payloads[i]);
        }
    }
    free(table->tags);
    free(table->payloads);
    *table = larger;
    return true;
}

bool dld_idset_add(struct dld_idset *set, uint64_t hash, uint16_t payload)
{
    struct dld_idset_table *table = &set->tables[hash >> 56];

    /* At 7/8 a miss walks about 30 slots in two cache lines. */
    if (table->count >= table->capacity / 8 * 7 && !grow(table)) {
        return false;
    }
    place(table, tag_of(hash), payload);
    return true;
}

void dld_idset_find(const struct dld_idset *set, uint64_t hash,
                    struct dld_idset_cursor *cursor)
{
    cursor->table = &set->tables[hash >> 56];
    cursor->tag = tag_of(hash);
    cursor->slot = cursor->table->capacity == 0
                       ? 0
                       : first_slot(cursor->table, cursor->tag);
}

bool dld_idset_next(struct dld_idset_cursor *cursor, uint16_t *payload)
{
    const struct dld_idset_table *table = cursor->table;

    if (table->capacity == 0) {
        return false;
    }
    while (table->tags[cursor->slot] != 0) {
        uint32_t slot = cursor->slot;

        cursor->slot = following(table, slot);
        if (table->tags[slot] == cursor->tag &&
            table->payloads[slot] != REMOVED) {
            *payload = table->payloads[slot];
            return true;
        }
    }
    return false;
}

bool dld_idset_add_once(struct dld_idset *set, uint64_t hash, uint16_t payload,
                        bool *is_new)
{
    struct dld_idset_cursor cursor;
    uint16_t found;

    *is_new = false;
    dld_idset_find(set, hash, &cursor);
    while (dld_idset_next(&cursor, &found)) {
        if (found == payload) {
            return true;
        }
    }
    *is_new = true;
    return dld_idset_add(set, hash, payload);
}

void dld_idset_remove(struct dld_idset *set, uint64_t hash, uint16_t payload)
{
    struct dld_idset_table *table = &set->tables[hash >> 56];
    struct dld_idset_cursor cursor;
    uint16_t found;

    dld_idset_find(set, hash, &cursor);
    while (dld_idset_next(&cursor, &found)) {
        if (found == payload) {
            uint32_t after = cursor.slot;
            uint32_t slot =
                (after + table->capacity - 1) & (table->capacity - 1);

            table->payloads[slot] = REMOVED;
            return;
        }
    }
}

size_t dld_idset_bytes(const struct dld_idset *set)
{
    size_t bytes = sizeof *set;

    for (int i = 0; i < DLD_IDSET_TABLES; i++) {
        bytes +=
            set->tables[i].capacity * (sizeof(uint32_t) + sizeof(uint16_t));
    }
    return bytes;
}

void dld_idset_clear(struct dld_idset *set)
{
    for (int i = 0; i < DLD_IDSET_TABLES; i++) {
        free(set->tables[i].tags);
        free(set->tables[i].payloads);
    }
    memset(set, 0, sizeof *set);
}
