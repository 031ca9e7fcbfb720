/* SPDX-License-Identifier: MIT */
/*
 * Tally: a hash table with a ceiling.
 */
#include "api/tally.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Names that collide on purpose cost their sender's own report some time: the
 * ceiling on names is the bound. */
static uint64_t hash_of(struct dlr_text name)
{
    static const struct dlr_hash_key key = {{0x64617461, 0x6c797264}};

    return dlr_hash(&key, name.ptr, name.len);
}

static bool grow(struct dld_tally *tally)
{
    size_t slot_count = tally->slot_count == 0 ? 256 : tally->slot_count * 2;
    uint32_t *slots = dlr_calloc(slot_count, sizeof *slots);
    void *lines =
        dlr_realloc(tally->lines, slot_count / 2 * sizeof *tally->lines);

    if (lines != NULL) {
        tally->lines = lines;
    }
    if (slots == NULL || lines == NULL) {
        dlr_free(slots);
        return false;
    }
    for (size_t i = 0; i < tally->count; i++) {
        struct dlr_text name = {tally->lines[i].name, tally->lines[i].len};
        size_t slot = hash_of(name) & (slot_count - 1);

        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    dlr_free(tally->slots);
    tally->slots = slots;
    tally->slot_count = slot_count;
    return true;
}

static bool add_line(struct dld_tally *tally, struct dlr_text name, size_t slot)
{
    struct dld_tally_line *line = &tally->lines[tally->count];

    *line =
        (struct dld_tally_line){dlr_mem_dup(name.ptr, name.len), name.len, 1};
    if (line->name == NULL) {
        return false;
    }
    tally->count++;
    tally->slots[slot] = (uint32_t)tally->count;
    return true;
}

bool dld_tally_add(struct dld_tally *tally, struct dlr_text name)
{
    size_t slot;

    if (tally->count >= tally->slot_count / 2 && !grow(tally)) {
        return false;
    }
    slot = hash_of(name) & (tally->slot_count - 1);
    while (tally->slots[slot] != 0) {
        struct dld_tally_line *line = &tally->lines[tally->slots[slot] - 1];

        if (dlr_text_equals(dlr_text_n(line->name, line->len), name)) {
            line->count++;
            return true;
        }
        slot = (slot + 1) & (tally->slot_count - 1);
    }
    if (tally->count == DLD_TALLY_MAX) {
        tally->others++;
        return true;
    }
    return add_line(tally, name, slot);
}

static int compare(const void *left, const void *right)
{
    const struct dld_tally_line *a = left;
    const struct dld_tally_line *b = right;

    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

void dld_tally_sort(struct dld_tally *tally)
{
    if (tally->count > 0) {
        qsort(tally->lines, tally->count, sizeof *tally->lines, compare);
    }
}

void dld_tally_clear(struct dld_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        dlr_free(tally->lines[i].name);
    }
    dlr_free(tally->lines);
    dlr_free(tally->slots);
    *tally = (struct dld_tally){0};
}
