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
#include "base/swar.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS ((size_t)1 << 14)
#define FIRST   ((size_t)1 << 14)
#define CAP_MAX ((size_t)1 << 30)

/* Half a cache line: with tens of thousands under way, memory is what adding
 * and noting cost. */
struct cli_settled_entry {
    uint64_t id_hash;
    uint64_t record;
    uint64_t hash;
    uint32_t next; /* 1 + the place in the ring of an older one of the bucket */
    uint32_t file : 30;
    uint32_t ends_record : 1;
    uint32_t is_done : 1;
};

static const struct dlr_hash_key hash_key = {
    {0x646174616c797269, 0x6d706f7274000001}};

/* Four lanes fold the text, so that the processor works on them side by side,
 * and only what they end as is hashed with care. No step of a lane loses
 * anything: texts that differ in one word never fold to the same. */
uint64_t cli_settled_hash(struct dlr_text bytes)
{
    static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15); /* odd */
    uint64_t folded[8] = {bytes.len, factor, ~factor, ~(uint64_t)bytes.len};
    const char *at = bytes.ptr;
    size_t left = bytes.len;

    for (; left >= 32; left -= 32) {
        for (int i = 0; i < 4; i++) {
            folded[i] = (folded[i] ^ dlr_swar_load_8(at)) * factor;
            folded[i] ^= folded[i] >> 29;
            at += 8;
        }
    }
    if (left > 0) {
        memcpy(folded + 4, at, left);
    }
    return dlr_hash(&hash_key, folded, 32 + left);
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

static uint32_t place_of(const struct cli_settled *settled, uint64_t sequence)
{
    return (uint32_t)(sequence & (settled->cap - 1));
}

static void link_entry(struct cli_settled *settled, uint32_t place)
{
    struct cli_settled_entry *entry = &settled->ring[place];
    uint32_t *bucket = &settled->buckets[entry->id_hash & (BUCKETS - 1)];

    entry->next = *bucket;
    *bucket = place + 1;
}

static void unlink_entry(struct cli_settled *settled, uint32_t place)
{
    const struct cli_settled_entry *entry = &settled->ring[place];
    uint32_t *link = &settled->buckets[entry->id_hash & (BUCKETS - 1)];

    while (*link != 0 && *link != place + 1) {
        link = &settled->ring[*link - 1].next;
    }
    if (*link != 0) {
        *link = entry->next;
    }
}

/* Places move, so the table is made anew, the oldest first as ever. */
static bool grow(struct cli_settled *settled)
{
    struct cli_settled_entry *old = settled->ring;
    size_t old_cap = settled->cap;

    if (old_cap == CAP_MAX) {
        return false;
    }
    settled->ring = calloc(old_cap * 2, sizeof *settled->ring);
    if (settled->ring == NULL) {
        settled->ring = old;
        return false;
    }
    settled->cap = old_cap * 2;
    memset(settled->buckets, 0, BUCKETS * sizeof *settled->buckets);
    for (uint64_t i = settled->head; i < settled->tail; i++) {
        uint32_t place = place_of(settled, i);

        settled->ring[place] = old[i & (old_cap - 1)];
        if (!settled->ring[place].is_done) {
            link_entry(settled, place);
        }
    }
    free(old);
    return true;
}

static void advance(struct cli_settled *settled)
{
    while (settled->head < settled->tail && !settled->is_frozen) {
        const struct cli_settled_entry *entry =
            &settled->ring[place_of(settled, settled->head)];

        if (!entry->is_done) {
            return;
        }
        if (entry->ends_record) {
            settled->marks[entry->file] =
                (struct cli_mark){entry->record, entry->hash};
        }
        settled->head++;
    }
}

/* The entry has no id yet. NULL: nothing is noted any more. */
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
    entry = &settled->ring[place_of(settled, settled->tail++)];
    *entry = (struct cli_settled_entry){
        .record = item->record,
        .hash = item->hash,
        .file = (uint32_t)item->file & 0x3fffffff,
        .ends_record = item->ends_record,
    };
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
        entry->id_hash = id_hash;
        link_entry(settled, (uint32_t)(entry - settled->ring));
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
    uint32_t oldest = 0;

    pthread_mutex_lock(&settled->lock);
    settled->is_frozen |= !is_final;
    for (uint32_t at = settled->buckets[id_hash & (BUCKETS - 1)];
         at != 0 && !settled->is_frozen; at = settled->ring[at - 1].next) {
        if (settled->ring[at - 1].id_hash == id_hash) {
            oldest = at; /* newer ones stand first */
        }
    }
    if (oldest != 0) {
        unlink_entry(settled, oldest - 1);
        settled->ring[oldest - 1].is_done = true;
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
