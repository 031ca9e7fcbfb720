/* SPDX-License-Identifier: MIT */
/*
 * Tail: a partition's keys as columns in memory.
 *
 * DESIGN
 * Sorted index pages would be dirtied all over by random visitors; a column is
 * only appended to. Looking for a user walks 200,000 numbers of eight bytes,
 * about 50 microseconds, which no reader notices. Only ids are looked up often
 * (each delivery asks for each of its ids), so they have a hash table.
 */
#include "store/sqlite/tail.h"

#include "base/mem.h"

#include <string.h>

#define FIRST_ROWS 4096u

struct dld_tail *dld_tail_new(uint64_t first_seq)
{
    struct dld_tail *tail = dlr_calloc(1, sizeof *tail);

    if (tail != NULL) {
        tail->first_seq = first_seq;
    }
    return tail;
}

void dld_tail_free(struct dld_tail *tail)
{
    if (tail == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof tail->keys / sizeof tail->keys[0]; i++) {
        dlr_free(tail->keys[i]);
    }
    dlr_free(tail->times_ms);
    dlr_free(tail->workspaces);
    dlr_free(tail->slots);
    dlr_free(tail);
}

static bool resize(void **column, uint32_t rows, size_t width)
{
    void *larger = dlr_realloc(*column, rows * width);

    if (larger == NULL) {
        return false;
    }
    *column = larger;
    return true;
}

static void index_row(struct dld_tail *tail, uint32_t row)
{
    uint32_t slot = dld_tail_id_slot(tail, tail->keys[DLD_KEY_ID][row]);

    while (tail->slots[slot] != 0) {
        slot = (slot + 1) & (tail->slot_count - 1);
    }
    tail->slots[slot] = row + 1;
}

static void index_all(struct dld_tail *tail)
{
    memset(tail->slots, 0, tail->slot_count * sizeof *tail->slots);
    for (uint32_t row = 0; row < tail->count; row++) {
        index_row(tail, row);
    }
}

bool dld_tail_reserve(struct dld_tail *tail, uint32_t rows)
{
    uint32_t wanted = tail->count + rows;
    uint32_t capacity = tail->capacity == 0 ? FIRST_ROWS : tail->capacity;
    bool has_room = true;

    if (wanted <= tail->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    for (size_t i = 0; i < sizeof tail->keys / sizeof tail->keys[0]; i++) {
        has_room = has_room && resize((void **)&tail->keys[i], capacity,
                                      sizeof *tail->keys[i]);
    }
    has_room = has_room && resize((void **)&tail->times_ms, capacity,
                                  sizeof *tail->times_ms);
    has_room = has_room && resize((void **)&tail->workspaces, capacity,
                                  sizeof *tail->workspaces);
    /* Twice the rows: walks of one or two slots. */
    has_room = has_room &&
               resize((void **)&tail->slots, capacity * 2, sizeof *tail->slots);
    if (!has_room) {
        return false;
    }
    tail->capacity = capacity;
    tail->slot_count = capacity * 2;
    index_all(tail);
    return true;
}

void dld_tail_append(struct dld_tail *tail, const struct dld_tail_row *row)
{
    uint32_t at = tail->count;

    tail->keys[DLD_KEY_NONE][at] = row->content_hash;
    tail->keys[DLD_KEY_ID][at] = row->id;
    tail->keys[DLD_KEY_USER][at] = row->user;
    tail->keys[DLD_KEY_ANONYMOUS][at] = row->anonymous;
    tail->keys[DLD_KEY_NAME][at] = row->name;
    tail->keys[DLD_KEY_LINK][at] = row->link;
    tail->times_ms[at] = row->time_ms;
    tail->workspaces[at] = row->workspace;
    tail->count++;
    index_row(tail, at);
}

void dld_tail_publish(struct dld_tail *tail)
{
    tail->visible = tail->count;
}

void dld_tail_rollback(struct dld_tail *tail)
{
    if (tail->count != tail->visible) {
        tail->count = tail->visible;
        index_all(tail);
    }
}

uint32_t dld_tail_id_slot(const struct dld_tail *tail, uint64_t key)
{
    return tail->slot_count == 0 ? 0 : (uint32_t)key & (tail->slot_count - 1);
}

bool dld_tail_find_id(const struct dld_tail *tail, uint64_t key, uint32_t *slot,
                      uint32_t *row)
{
    if (tail->slot_count == 0) {
        return false;
    }
    while (tail->slots[*slot] != 0) {
        uint32_t found = tail->slots[*slot] - 1;

        *slot = (*slot + 1) & (tail->slot_count - 1);
        if (tail->keys[DLD_KEY_ID][found] == key) {
            *row = found;
            return true;
        }
    }
    return false;
}
