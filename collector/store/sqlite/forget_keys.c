/* SPDX-License-Identifier: MIT */
/*
 * Forget keys: sums stay exact, at once and after the next start.
 */
#include "store/sqlite/forget_keys.h"

#include "base/mem.h"
#include "store/sqlite/sorted.h"
#include "store/sqlite/summary.h"

#include <stdlib.h>
#include <string.h>

static bool note(struct dld_forget_keys *keys, const struct dld_forget_key *key)
{
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity * 2 + 64;
        void *larger = dlr_realloc(keys->keys, capacity * sizeof *keys->keys);

        if (larger == NULL) {
            return false;
        }
        keys->keys = larger;
        keys->capacity = capacity;
    }
    keys->keys[keys->count++] = *key;
    return true;
}

bool dld_forget_note(struct dld_forget_keys *keys, uint32_t workspace,
                     uint64_t user, uint64_t visitor)
{
    struct dld_forget_key key = {.workspace = workspace, .rows = 1};
    bool has_room;

    if (workspace == 0) {
        return true; /* forgotten before */
    }
    has_room = note(keys, &key);
    key.kind = DLD_KEY_USER;
    key.key = user;
    has_room = has_room && (user == 0 || note(keys, &key));
    key.kind = DLD_KEY_ANONYMOUS;
    key.key = visitor;
    return has_room && (visitor == 0 || note(keys, &key));
}

bool dld_forget_note_summary(struct dld_forget_keys *keys, enum dld_key kind,
                             const struct dld_summary *summary)
{
    const struct dld_summary_entry *entries = summary->data;
    size_t count = summary->size / sizeof *entries;
    bool has_room = true;

    for (size_t i = 0; i < count && has_room; i++) {
        struct dld_forget_key key = {.kind = kind,
                                     .key = entries[i].key,
                                     .workspace = entries[i].workspace};

        has_room = note(keys, &key);
    }
    return has_room;
}

static int compare(const void *left, const void *right)
{
    const struct dld_forget_key *a = left;
    const struct dld_forget_key *b = right;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return (a->workspace > b->workspace) - (a->workspace < b->workspace);
}

void dld_forget_sort(struct dld_forget_keys *keys)
{
    size_t kept = 0;

    if (keys->count > 0) {
        qsort(keys->keys, keys->count, sizeof *keys->keys, compare);
    }
    for (size_t i = 0; i < keys->count; i++) {
        if (kept > 0 && compare(&keys->keys[kept - 1], &keys->keys[i]) == 0) {
            keys->keys[kept - 1].rows += keys->keys[i].rows;
        } else {
            keys->keys[kept++] = keys->keys[i];
        }
    }
    keys->count = kept;
}

bool dld_forget_add(struct dld_forget_keys *keys,
                    const struct dld_forget_keys *more)
{
    bool has_room = true;

    for (size_t i = 0; i < more->count && has_room; i++) {
        has_room = note(keys, &more->keys[i]);
    }
    return has_room;
}

void dld_forget_clear(struct dld_forget_keys *keys)
{
    dlr_free(keys->keys);
    *keys = (struct dld_forget_keys){0};
}

/* ------------------------------------------------------------- who is left */

static bool stop_at_first(void *self, uint64_t seq)
{
    (void)seq;
    *(bool *)self = true;
    return false;
}

datalyr_status dld_forget_look(struct dld_reader *reader,
                               struct dld_forget_keys *keys,
                               datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < keys->count && status == DATALYR_OK; i++) {
        struct dld_forget_key *key = &keys->keys[i];
        struct dld_sorted_range range = {
            .kind = (int)key->kind,
            .first = {(int64_t)key->key, 0},
            .last = {(int64_t)key->key, INT64_MAX},
        };

        if (key->kind != DLD_KEY_NONE && !key->is_left) {
            status = dld_sorted_walk(reader, &range, stop_at_first,
                                     &key->is_left, error);
        }
    }
    return status;
}

/* The entry of a key, or NULL. */
static struct dld_forget_key *find(const struct dld_forget_keys *keys,
                                   enum dld_key kind, uint64_t key,
                                   uint32_t workspace)
{
    struct dld_forget_key wanted = {
        .kind = kind, .key = key, .workspace = workspace};

    return keys->count == 0 ? NULL
                            : bsearch(&wanted, keys->keys, keys->count,
                                      sizeof wanted, compare);
}

static void look_in_tail(const struct dld_tail *tail,
                         struct dld_forget_keys *keys)
{
    static const enum dld_key kinds[] = {DLD_KEY_USER, DLD_KEY_ANONYMOUS};

    for (uint32_t row = 0; row < tail->visible; row++) {
        for (size_t k = 0; k < 2; k++) {
            struct dld_forget_key *key =
                find(keys, kinds[k], tail->keys[kinds[k]][row],
                     tail->workspaces[row]);

            if (key != NULL) {
                key->is_left = true;
            }
        }
    }
}

/* How a sealed file is asked; of others the tail tells. */
typedef datalyr_status (*ask_file)(struct dld_reader *reader,
                                   struct dld_forget_keys *keys,
                                   datalyr_error *error);

static datalyr_status look_in_partition(struct dld_partition *partition,
                                        struct dld_forget_keys *keys,
                                        ask_file ask, datalyr_error *error)
{
    struct dld_reader *reader;
    datalyr_status status;
    bool is_done;

    dlr_mutex_lock(&partition->guard);
    is_done = partition->state != DLD_PARTITION_SEALED;
    if (partition->tail != NULL) {
        look_in_tail(partition->tail, keys);
    }
    dlr_mutex_unlock(&partition->guard);
    if (is_done) {
        return DATALYR_OK;
    }
    status = dld_reader_take(partition, &reader, error);
    if (status == DATALYR_OK) {
        status = ask(reader, keys, error);
        dld_reader_give_back(partition, &reader);
    }
    return status;
}

datalyr_status dld_forget_look_in(struct dld_partition *partition,
                                  struct dld_forget_keys *keys,
                                  datalyr_error *error)
{
    return look_in_partition(partition, keys, dld_forget_look, error);
}

/* The first key of that kind; both lists rise from there. */
static size_t find_kind(const struct dld_forget_keys *keys, enum dld_key kind)
{
    size_t low = 0;
    size_t high = keys->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (keys->keys[middle].kind < kind) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void look_in_entries(const struct dld_summary *summary,
                            enum dld_key kind, struct dld_forget_keys *keys)
{
    const struct dld_summary_entry *entries = summary->data;
    size_t count = summary->size / sizeof *entries;
    size_t at = find_kind(keys, kind);

    for (size_t i = 0; i < count && at < keys->count; i++) {
        while (at < keys->count && keys->keys[at].kind == kind &&
               keys->keys[at].key < entries[i].key) {
            at++;
        }
        if (at == keys->count || keys->keys[at].kind != kind) {
            return;
        }
        /* The workspace is in the key. */
        keys->keys[at].is_left =
            keys->keys[at].is_left || keys->keys[at].key == entries[i].key;
    }
}

static datalyr_status look_in_summaries(struct dld_reader *reader,
                                        struct dld_forget_keys *keys,
                                        datalyr_error *error)
{
    static const enum dld_key kinds[] = {DLD_KEY_USER, DLD_KEY_ANONYMOUS};
    static const char *const names[] = {"user", "visitor"};
    datalyr_status status = DATALYR_OK;

    for (size_t k = 0; k < 2 && status == DATALYR_OK; k++) {
        struct dld_summary summary = {.name = names[k]};

        status = dld_summary_read(&reader->database, &summary, error);
        if (status == DATALYR_OK) {
            look_in_entries(&summary, kinds[k], keys);
        }
        (void)sqlite3_finalize(summary.statement);
    }
    return status;
}

datalyr_status dld_forget_look_in_summary(struct dld_partition *partition,
                                          struct dld_forget_keys *keys,
                                          datalyr_error *error)
{
    return look_in_partition(partition, keys, look_in_summaries, error);
}

/* ---------------------------------------------------------------- summaries */

static enum dld_key kind_of(const char *name)
{
    return name[0] == 'u'   ? DLD_KEY_USER
           : name[0] == 'v' ? DLD_KEY_ANONYMOUS
                            : DLD_KEY_NONE;
}

/* Copies the entries that stay; returns their number. */
static size_t filter(struct dld_summary_entry *entries, size_t count,
                     const char *name, const struct dld_forget_keys *keys)
{
    enum dld_key kind = kind_of(name);
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct dld_summary_entry entry = entries[i];
        const struct dld_forget_key *key = find(
            keys, kind, kind == DLD_KEY_NONE ? 0 : entry.key, entry.workspace);

        if (key != NULL && kind == DLD_KEY_NONE) {
            entry.key -= key->rows;
        }
        if (key == NULL || key->is_left || kind == DLD_KEY_NONE) {
            entries[kept++] = entry;
        }
    }
    return kept;
}

datalyr_status dld_forget_summarise(struct dld_database *database,
                                    const struct dld_forget_keys *keys,
                                    datalyr_error *error)
{
    static const char *const names[] = {"user", "visitor", "workspace"};
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < 3 && status == DATALYR_OK; i++) {
        struct dld_summary summary = {.name = names[i]};
        struct dld_summary_entry *entries = NULL;

        status = dld_summary_read(database, &summary, error);
        if (status == DATALYR_OK) {
            entries = dlr_malloc(summary.size + 1);
            status = entries == NULL ? DATALYR_NOMEM : DATALYR_OK;
        }
        if (status == DATALYR_OK && summary.size > 0) {
            memcpy(entries, summary.data, summary.size);
        }
        (void)sqlite3_finalize(summary.statement);
        if (status == DATALYR_OK) {
            size_t count =
                filter(entries, summary.size / sizeof *entries, names[i], keys);

            status = dld_summary_write(database, names[i], entries,
                                       count * sizeof *entries, error);
        }
        dlr_free(entries);
    }
    return status;
}

/* --------------------------------------------------------------------- sums */

void dld_forget_count(struct dld_sqlite *store,
                      const struct dld_forget_keys *keys)
{
    dlr_mutex_lock(&store->seen_lock);
    for (size_t i = 0; i < keys->count; i++) {
        const struct dld_forget_key *key = &keys->keys[i];
        struct dld_workspace_stats *stats =
            dld_seen_workspace(store, key->workspace);

        if (key->kind == DLD_KEY_NONE && stats != NULL &&
            stats->numbers.events >= key->rows) {
            stats->numbers.events -= key->rows;
        }
    }
    dlr_mutex_unlock(&store->seen_lock);
}

void dld_forget_people(struct dld_sqlite *store,
                       const struct dld_forget_keys *keys)
{
    dlr_mutex_lock(&store->seen_lock);
    for (size_t i = 0; i < keys->count; i++) {
        const struct dld_forget_key *key = &keys->keys[i];

        if (key->kind == DLD_KEY_USER && !key->is_left) {
            dld_seen_forget_user(store, key->key, key->workspace);
        } else if (key->kind == DLD_KEY_ANONYMOUS && !key->is_left) {
            dld_seen_forget_visitor(store, key->key, key->workspace);
        }
    }
    dlr_mutex_unlock(&store->seen_lock);
}
