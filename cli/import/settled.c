/* SPDX-License-Identifier: MIT */
/*
 * Settled: see settled.h.
 *
 * DESIGN
 * A ring of what is under way, in the order of the files, with a hash table
 * from event id to entry. An entry leaves the ring when all before it have
 * left, so the marks only ever move over what is done. Ids that occur twice at
 * a time are served oldest first. Ids are known by 64 bits of a keyed hash: a
 * collision would mark the wrong one of two events, a few milliseconds early.
 *
 * LOCKING
 * The main thread adds, the library's thread notes; `lock` guards all of it.
 */
#include "import/settled.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS ((size_t)1 << 16)
#define FIRST   ((size_t)1 << 14)

struct cli_settled_entry {
    uint64_t id_hash;
    uint64_t next; /* 1 + an older entry of the same bucket */
    struct cli_settled_item item;
    bool is_done;
};

static const struct dlr_hash_key hash_key = {
    {0x646174616c797269, 0x6d706f7274000001}};

uint64_t cli_settled_hash(struct dlr_text bytes)
{
    return dlr_hash(&hash_key, bytes.ptr, bytes.len);
}

bool cli_settled_init(struct cli_settled *settled, size_t file_count)
{
    *settled = (struct cli_settled){.file_count = file_count, .cap = FIRST};
    (void)pthread_mutex_init(&settled->lock, NULL); /* default kind: cannot */
    settled->marks = calloc(file_count + 1, sizeof *settled->marks);
    settled->ring = calloc(FIRST, sizeof *settled->ring);
    settled->buckets = calloc(BUCKETS, sizeof *settled->buckets);
    return settled->marks != NULL && settled->ring != NULL &&
           settled->buckets != NULL;
}

void cli_settled_clear(struct cli_settled *settled)
{
    free(settled->marks);
    free(settled->ring);
    free(settled->buckets);
    *settled = (struct cli_settled){0};
}

static struct cli_settled_entry *entry_at(struct cli_settled *settled,
                                          uint64_t sequence)
{
    return &settled->ring[sequence & (settled->cap - 1)];
}

static bool grow(struct cli_settled *settled)
{
    struct cli_settled_entry *grown = calloc(settled->cap * 2, sizeof *grown);

    if (grown == NULL) {
        return false;
    }
    for (uint64_t i = settled->head; i < settled->tail; i++) {
        grown[i & (settled->cap * 2 - 1)] = *entry_at(settled, i);
    }
    free(settled->ring);
    settled->ring = grown;
    settled->cap *= 2;
    return true;
}

static void unlink_entry(struct cli_settled *settled, uint64_t sequence)
{
    const struct cli_settled_entry *entry = entry_at(settled, sequence);
    uint64_t *link = &settled->buckets[entry->id_hash & (BUCKETS - 1)];

    while (*link != 0 && *link != sequence + 1) {
        link = &entry_at(settled, *link - 1)->next;
    }
    if (*link != 0) {
        *link = entry->next;
    }
}

static void advance(struct cli_settled *settled)
{
    while (settled->head < settled->tail && !settled->is_frozen) {
        const struct cli_settled_entry *entry =
            entry_at(settled, settled->head);

        if (!entry->is_done) {
            return;
        }
        if (entry->item.ends_record) {
            settled->marks[entry->item.file] =
                (struct cli_mark){entry->item.record, entry->item.hash};
        }
        settled->head++;
    }
}

static struct cli_settled_entry *append(struct cli_settled *settled,
                                        const struct cli_settled_item *item)
{
    struct cli_settled_entry *entry;

    if (settled->is_frozen) {
        return NULL;
    }
    if (settled->tail - settled->head == settled->cap && !grow(settled)) {
        settled->is_frozen = true; /* a later run begins here: correct, slow */
        return NULL;
    }
    entry = entry_at(settled, settled->tail++);
    *entry = (struct cli_settled_entry){.item = *item};
    return entry;
}

void cli_settled_add(struct cli_settled *settled,
                     const struct cli_settled_item *item, const char *event_id)
{
    struct cli_settled_entry *entry;
    uint64_t id_hash = dlr_hash(&hash_key, event_id, strlen(event_id));

    pthread_mutex_lock(&settled->lock);
    entry = append(settled, item);
    if (entry != NULL) {
        uint64_t *bucket = &settled->buckets[id_hash & (BUCKETS - 1)];

        entry->id_hash = id_hash;
        entry->next = *bucket;
        *bucket = settled->tail;
    }
    pthread_mutex_unlock(&settled->lock);
}

void cli_settled_add_done(struct cli_settled *settled,
                          const struct cli_settled_item *item)
{
    struct cli_settled_entry *entry;

    pthread_mutex_lock(&settled->lock);
    entry = append(settled, item);
    if (entry != NULL) {
        entry->is_done = true;
        advance(settled);
    }
    pthread_mutex_unlock(&settled->lock);
}

void cli_settled_note(struct cli_settled *settled, const char *event_id,
                      bool is_final)
{
    uint64_t id_hash = dlr_hash(&hash_key, event_id, strlen(event_id));
    uint64_t oldest = 0;

    pthread_mutex_lock(&settled->lock);
    settled->is_frozen |= !is_final;
    for (uint64_t at = settled->buckets[id_hash & (BUCKETS - 1)];
         at != 0 && !settled->is_frozen; at = entry_at(settled, at - 1)->next) {
        if (entry_at(settled, at - 1)->id_hash == id_hash) {
            oldest = at; /* newer ones stand first */
        }
    }
    if (oldest != 0) {
        unlink_entry(settled, oldest - 1);
        entry_at(settled, oldest - 1)->is_done = true;
        advance(settled);
    }
    pthread_mutex_unlock(&settled->lock);
}

void cli_settled_freeze(struct cli_settled *settled)
{
    pthread_mutex_lock(&settled->lock);
    settled->is_frozen = true;
    pthread_mutex_unlock(&settled->lock);
}

void cli_settled_read(struct cli_settled *settled, struct cli_mark *out)
{
    pthread_mutex_lock(&settled->lock);
    memcpy(out, settled->marks, settled->file_count * sizeof *out);
    pthread_mutex_unlock(&settled->lock);
}

void cli_settled_start(struct cli_settled *settled, size_t file,
                       const struct cli_mark *mark)
{
    pthread_mutex_lock(&settled->lock);
    settled->marks[file] = *mark;
    pthread_mutex_unlock(&settled->lock);
}
