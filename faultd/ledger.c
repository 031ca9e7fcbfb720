/* SPDX-License-Identifier: MIT */
/*
 * Ledger: a table of event ids and a list of requests, in memory.
 *
 * DESIGN
 * Ids lie one behind the other in one buffer, entries in the order of arrival
 * in an array, and an open-addressed table of their numbers finds them. The
 * key of the hash is fixed: chances that hang on an id (`reject 3%`) must be
 * the same in each run.
 */
#include "ledger.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* Some hundred million ids of usual length: more than a test server's memory
 * should be asked for, less than an accident could take. */
#define MAX_ID_BYTES ((size_t)4 << 30)

struct named_count {
    const char *name;
    size_t offset;
};

#define COUNT(name)                              \
    {                                            \
#        name, offsetof(struct dlf_counts, name) \
    }
static const struct named_count named_counts[] = {
    COUNT(requests),       COUNT(events),         COUNT(stored),
    COUNT(duplicates),     COUNT(rejected),       COUNT(answered_2xx),
    COUNT(unanswered),     COUNT(answered_other), COUNT(malformed),
    COUNT(batches),        COUNT(gzipped),        COUNT(body_bytes),
    COUNT(connections),    COUNT(open),           COUNT(in_progress),
    COUNT(max_concurrent), COUNT(held),
};
#undef COUNT
#define NAMED_COUNTS (sizeof named_counts / sizeof named_counts[0])

void dlf_ledger_clear(struct dlf_ledger *ledger)
{
    dlr_buf_clear(&ledger->ids);
    dlr_free(ledger->entries);
    dlr_free(ledger->slots);
    dlr_free(ledger->visits);
    memset(ledger, 0, sizeof *ledger);
}

void dlf_ledger_reset(struct dlf_ledger *ledger, int64_t now_ms)
{
    struct dlf_counts counts = ledger->counts;

    dlf_ledger_clear(ledger);
    ledger->counts.open = counts.open;
    ledger->counts.in_progress = counts.in_progress;
    ledger->counts.held = counts.held;
    ledger->start_ms = now_ms;
    dlr_buf_init(&ledger->ids, MAX_ID_BYTES);
}

uint64_t dlf_ledger_hash(const struct dlf_ledger *ledger, struct dlr_text id)
{
    return dlr_hash(&ledger->key, id.ptr, id.len);
}

static struct dlr_text id_of(const struct dlf_ledger *ledger,
                             const struct dlf_entry *entry)
{
    return dlr_text_n(ledger->ids.ptr + entry->id_at, entry->id_len);
}

/* Makes room for one more element of an array that doubles. */
static bool make_room(void **items, size_t *cap, size_t count, size_t size)
{
    size_t wanted = *cap == 0 ? 1024 : *cap * 2;
    void *larger;

    if (count < *cap) {
        return true;
    }
    larger = dlr_realloc(*items, wanted * size);
    if (larger == NULL) {
        return false;
    }
    *items = larger;
    *cap = wanted;
    return true;
}

static void fill_slot(struct dlf_ledger *ledger, size_t index)
{
    size_t mask = ledger->slot_count - 1;
    size_t slot = ledger->entries[index].hash & mask;

    while (ledger->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    ledger->slots[slot] = (uint32_t)index + 1;
}

/* Keeps the table at most half full. */
static bool grow_slots(struct dlf_ledger *ledger)
{
    size_t wanted = ledger->slot_count == 0 ? 4096 : ledger->slot_count * 2;
    uint32_t *slots;

    if (ledger->entry_count * 2 < ledger->slot_count) {
        return true;
    }
    slots = dlr_calloc(wanted, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    dlr_free(ledger->slots);
    ledger->slots = slots;
    ledger->slot_count = wanted;
    for (size_t i = 0; i < ledger->entry_count; i++) {
        fill_slot(ledger, i);
    }
    return true;
}

static struct dlf_entry *find_entry(const struct dlf_ledger *ledger,
                                    struct dlr_text id, uint64_t hash)
{
    size_t mask = ledger->slot_count - 1;

    if (ledger->slot_count == 0) {
        return NULL;
    }
    for (size_t slot = hash & mask; ledger->slots[slot] != 0;
         slot = (slot + 1) & mask) {
        struct dlf_entry *entry = &ledger->entries[ledger->slots[slot] - 1];

        if (entry->hash == hash && dlr_text_equals(id_of(ledger, entry), id)) {
            return entry;
        }
    }
    return NULL;
}

struct dlf_entry *dlf_ledger_entry(struct dlf_ledger *ledger,
                                   struct dlr_text id, int64_t now_ms)
{
    uint64_t hash = dlf_ledger_hash(ledger, id);
    struct dlf_entry *entry = find_entry(ledger, id, hash);
    void *entries = ledger->entries;

    if (entry != NULL) {
        return entry;
    }
    if (!grow_slots(ledger) || !make_room(&entries, &ledger->entry_cap,
                                          ledger->entry_count, sizeof *entry)) {
        return NULL;
    }
    ledger->entries = entries;
    entry = &ledger->entries[ledger->entry_count];
    memset(entry, 0, sizeof *entry);
    entry->id_at = ledger->ids.len;
    entry->id_len = id.len;
    entry->hash = hash;
    entry->request = ledger->counts.requests;
    entry->at_ms = now_ms - ledger->start_ms;
    dlr_buf_append_text(&ledger->ids, id);
    if (ledger->ids.failed) {
        return NULL;
    }
    fill_slot(ledger, ledger->entry_count++);
    return entry;
}

static bool is_before(struct dlr_text a, struct dlr_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.ptr, b.ptr, len);

    return order != 0 ? order < 0 : a.len < b.len;
}

bool dlf_ledger_store(struct dlf_ledger *ledger, struct dlf_entry *entry)
{
    entry->stored_count++;
    if (entry->stored_count > 1) {
        ledger->counts.duplicates++;
        return false;
    }
    if (ledger->counts.stored > 0 &&
        is_before(id_of(ledger, entry),
                  id_of(ledger, &ledger->entries[ledger->last_stored]))) {
        ledger->is_mixed = true;
    }
    ledger->last_stored = (size_t)(entry - ledger->entries);
    ledger->counts.stored++;
    return true;
}

struct dlf_visit *dlf_ledger_visit(struct dlf_ledger *ledger, int64_t now_ms)
{
    void *visits = ledger->visits;
    struct dlf_visit *visit;

    if (!make_room(&visits, &ledger->visit_cap, ledger->visit_count,
                   sizeof *visit)) {
        return NULL;
    }
    ledger->visits = visits;
    visit = &ledger->visits[ledger->visit_count++];
    memset(visit, 0, sizeof *visit);
    visit->at_ms = now_ms - ledger->start_ms;
    return visit;
}

static uint64_t count_at(const struct dlf_ledger *ledger, size_t i)
{
    uint64_t value;

    memcpy(&value, (const char *)&ledger->counts + named_counts[i].offset,
           sizeof value);
    return value;
}

void dlf_ledger_put_counts(const struct dlf_ledger *ledger, struct dlr_buf *out)
{
    dlr_buf_append_char(out, '{');
    for (size_t i = 0; i < NAMED_COUNTS; i++) {
        dlr_buf_printf(out, "\"%s\":%" PRIu64 ",", named_counts[i].name,
                       count_at(ledger, i));
    }
    dlr_buf_printf(out, "\"order\":\"%s\"}\n",
                   ledger->is_mixed ? "mixed" : "ascending");
}

void dlf_ledger_put_events(const struct dlf_ledger *ledger, struct dlr_buf *out)
{
    for (size_t i = 0; i < ledger->entry_count; i++) {
        const struct dlf_entry *entry = &ledger->entries[i];
        struct dlr_text id = id_of(ledger, entry);

        dlr_buf_append_string(out, "{\"id\":");
        (void)dlr_json_put_text(out, id.ptr, id.len); /* was JSON before */
        dlr_buf_printf(out,
                       ",\"seen\":%" PRIu64 ",\"stored\":%" PRIu64
                       ",\"rejected\":%" PRIu64 ",\"request\":%" PRIu64
                       ",\"at_ms\":%" PRId64 "}\n",
                       entry->seen_count, entry->stored_count,
                       entry->rejected_count, entry->request, entry->at_ms);
    }
}

void dlf_ledger_put_visits(const struct dlf_ledger *ledger, struct dlr_buf *out)
{
    for (size_t i = 0; i < ledger->visit_count; i++) {
        const struct dlf_visit *visit = &ledger->visits[i];

        dlr_buf_printf(out,
                       "{\"request\":%zu,\"at_ms\":%" PRId64
                       ",\"events\":%u,\"bytes\":%u,\"status\":%u,"
                       "\"batch\":%s,\"gzip\":%s}\n",
                       i + 1, visit->at_ms, (unsigned)visit->event_count,
                       (unsigned)visit->body_bytes, (unsigned)visit->status,
                       visit->is_batch ? "true" : "false",
                       visit->is_gzipped ? "true" : "false");
    }
}

const uint64_t *dlf_ledger_count(const struct dlf_ledger *ledger,
                                 struct dlr_text name)
{
    for (size_t i = 0; i < NAMED_COUNTS; i++) {
        if (dlr_text_equals(name, dlr_text_of(named_counts[i].name))) {
            return (const uint64_t *)((const char *)&ledger->counts +
                                      named_counts[i].offset);
        }
    }
    return NULL;
}
