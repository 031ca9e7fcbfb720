/* SPDX-License-Identifier: MIT */
/*
 * Seal: the thread that gives full partitions their sorted keys, and keeps the
 * counters on disk.
 *
 * DESIGN
 * Keys are sorted once, in memory, and written as pages in order (sorted.c): a
 * fraction of what keeping an index up to date costs while rows arrive. The
 * partition is entered as sealed last, so a crash repeats the work and loses
 * nothing.
 */
#include "base/mem.h"
#include "os/clock.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sorted.h"
#include "store/sqlite/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_INTERVAL_MS 1000

static const char create_summary[] =
    "CREATE TABLE IF NOT EXISTS summary("
    "name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;";

/* Entries of the rows that have such a key. */
static size_t list_entries(const struct dld_tail *tail, int kind,
                           struct dld_sorted_entry *entries)
{
    size_t count = 0;

    for (uint32_t i = 0; i < tail->visible; i++) {
        int64_t key = kind == DLD_SORTED_TIME ? tail->times_ms[i]
                                              : (int64_t)tail->keys[kind][i];

        if (kind == DLD_SORTED_TIME || key != 0) {
            entries[count++] = (struct dld_sorted_entry){
                .key = key, .seq = (int64_t)(tail->first_seq + i)};
        }
    }
    return count;
}

static datalyr_status write_sorted(struct dld_database *database,
                                   const struct dld_tail *tail,
                                   datalyr_error *error)
{
    size_t rows = (size_t)tail->visible + 1;
    struct dld_sorted_entry *entries = dlr_malloc(2 * rows * sizeof *entries);
    datalyr_status status =
        entries == NULL ? DATALYR_NOMEM : dld_sorted_create(database, error);

    for (int kind = DLD_KEY_ID; kind <= DLD_SORTED_TIME && status == DATALYR_OK;
         kind++) {
        status = dld_sorted_write(database, kind, entries,
                                  list_entries(tail, kind, entries), error);
    }
    dlr_free(entries);
    return status;
}

static int compare_entries(const void *left, const void *right)
{
    const struct dld_summary_entry *a = left;
    const struct dld_summary_entry *b = right;

    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    /* The one without an owner first: it says more. */
    return (int)b->is_unowned - (int)a->is_unowned;
}

static size_t keep_distinct(struct dld_summary_entry *entries, size_t count)
{
    size_t kept = 0;

    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || entries[kept - 1].key != entries[i].key) {
            entries[kept++] = entries[i];
        }
    }
    return kept;
}

static datalyr_status summarise_people(struct dld_database *database,
                                       const struct dld_tail *tail,
                                       enum dld_key kind, const char *name,
                                       datalyr_error *error)
{
    struct dld_summary_entry *entries =
        dlr_malloc(((size_t)tail->visible + 1) * sizeof *entries);
    datalyr_status status;
    size_t count = 0;

    if (entries == NULL) {
        return DATALYR_NOMEM;
    }
    for (uint32_t i = 0; i < tail->visible; i++) {
        if (tail->keys[kind][i] != 0) {
            entries[count++] = (struct dld_summary_entry){
                .key = tail->keys[kind][i],
                .workspace = tail->workspaces[i],
                .is_unowned = tail->keys[DLD_KEY_USER][i] == 0,
            };
        }
    }
    count = keep_distinct(entries, count);
    status = dld_summary_write(database, name, entries, count * sizeof *entries,
                               error);
    dlr_free(entries);
    return status;
}

static datalyr_status summarise_counts(struct dld_database *database,
                                       const struct dld_tail *tail,
                                       datalyr_error *error)
{
    struct dld_summary_entry *entries = NULL;
    datalyr_status status;
    size_t count = 0;

    for (uint32_t i = 0; i < tail->visible; i++) {
        uint32_t workspace = tail->workspaces[i];

        if (workspace >= count) {
            struct dld_summary_entry *larger =
                dlr_realloc(entries, ((size_t)workspace + 1) * sizeof *entries);

            if (larger == NULL) {
                dlr_free(entries);
                return DATALYR_NOMEM;
            }
            entries = larger;
            for (; count <= workspace; count++) {
                entries[count] =
                    (struct dld_summary_entry){.workspace = (uint32_t)count};
            }
        }
        entries[workspace].key++;
    }
    status = dld_summary_write(database, "workspace", entries,
                               count * sizeof *entries, error);
    dlr_free(entries);
    return status;
}

static datalyr_status write_summaries(struct dld_database *database,
                                      const struct dld_tail *tail,
                                      datalyr_error *error)
{
    datalyr_status status =
        dld_summary_write(database, "id", tail->keys[DLD_KEY_ID],
                          tail->visible * sizeof(uint64_t), error);

    if (status == DATALYR_OK) {
        status = summarise_people(database, tail, DLD_KEY_ANONYMOUS, "visitor",
                                  error);
    }
    if (status == DATALYR_OK) {
        status = summarise_people(database, tail, DLD_KEY_USER, "user", error);
    }
    if (status == DATALYR_OK) {
        status = summarise_counts(database, tail, error);
    }
    return status;
}

/* Folds the log into the file and leaves the file alone on disk. */
static datalyr_status settle(struct dld_partition *partition,
                             struct dld_database *database,
                             datalyr_error *error)
{
    datalyr_status status;
    /* Most pages move while readers go on; the rest is short. */
    int code = sqlite3_wal_checkpoint_v2(database->handle, NULL,
                                         SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        /* The disk refuses: readers keep what they have. */
        return dld_database_fail(database, "store", error);
    }
    dld_readers_shut(partition);
    status =
        dld_database_run(database, "PRAGMA wal_checkpoint(TRUNCATE)", error);
    if (status == DATALYR_OK) {
        status =
            dld_database_run(database, "PRAGMA journal_mode=DELETE", error);
    }
    return status;
}

static datalyr_status seal(struct dld_sqlite *store,
                           struct dld_partition *partition,
                           datalyr_error *error)
{
    struct dld_database database = {0};
    datalyr_status status = dld_database_open(&database, partition->path,
                                              DLD_DATABASE_WRITE, error);

    if (status == DATALYR_OK) {
        /* The events are safe in the log; the keys can be sorted again. */
        status = dld_database_run(&database,
                                  "PRAGMA synchronous=NORMAL; BEGIN;", error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(&database, create_summary, error);
    }
    if (status == DATALYR_OK) {
        status = write_sorted(&database, partition->tail, error);
    }
    if (status == DATALYR_OK) {
        status = write_summaries(&database, partition->tail, error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(&database, "COMMIT", error);
    }
    if (status == DATALYR_OK) {
        status = settle(partition, &database, error);
    }
    if (status == DATALYR_OK) {
        status = dld_meta_seal_partition(store, partition, error);
    }
    dld_database_close(&database);
    if (status == DATALYR_OK) {
        dlr_mutex_lock(&partition->guard);
        partition->state = DLD_PARTITION_SEALED;
        dld_tail_free(partition->tail);
        partition->tail = NULL;
        dlr_mutex_unlock(&partition->guard);
    }
    dld_readers_admit(partition);
    return status;
}

/* The oldest full partition; called with the lock. */
static struct dld_partition *find_full(struct dld_sqlite *store)
{
    for (size_t i = 0; i < store->partition_count; i++) {
        struct dld_partition *partition = store->partitions[i];
        bool is_full;

        dlr_mutex_lock(&partition->guard);
        is_full = partition->state == DLD_PARTITION_FULL;
        dlr_mutex_unlock(&partition->guard);
        if (is_full) {
            return partition;
        }
    }
    return NULL;
}

/* Waits for something to do. Returns false when it is time to stop. */
static bool await_work(struct dld_sqlite *store, struct dld_partition **out)
{
    bool should_go_on;

    dlr_mutex_lock(&store->lock);
    *out = store->is_recovered && !store->has_seal_failed ? find_full(store)
                                                          : NULL;
    if (*out == NULL && !store->is_stopping) {
        (void)dlr_cond_wait_ms(&store->changed, &store->lock, SAVE_INTERVAL_MS);
        *out = store->is_recovered ? find_full(store) : NULL;
    }
    if (*out != NULL) {
        (*out)->holders++;
    }
    should_go_on = !store->is_stopping;
    dlr_mutex_unlock(&store->lock);
    return should_go_on;
}

static void finish(struct dld_sqlite *store, struct dld_partition *partition,
                   datalyr_status status, const datalyr_error *error)
{
    dlr_mutex_lock(&store->lock);
    partition->holders--;
    store->has_seal_failed = status != DATALYR_OK;
    store->seal_error = *error;
    if (status == DATALYR_OK && store->backlog > 0) {
        store->backlog--;
    }
    dlr_cond_broadcast(&store->changed);
    dlr_mutex_unlock(&store->lock);
}

/* Before, the counters belong to the writer, who reads them without a lock. */
static bool is_recovered(struct dld_sqlite *store)
{
    bool answer;

    dlr_mutex_lock(&store->lock);
    answer = store->is_recovered;
    dlr_mutex_unlock(&store->lock);
    return answer;
}

void dld_seal_run(void *self)
{
    struct dld_sqlite *store = self;
    struct dld_partition *partition;
    datalyr_error error = {0};
    int64_t saved_ms = 0;

    while (await_work(store, &partition)) {
        int64_t now_ms = dlr_clock_monotonic_ms();

        if (partition != NULL) {
            datalyr_status status = seal(store, partition, &error);

            finish(store, partition, status, &error);
        }
        if (now_ms - saved_ms >= SAVE_INTERVAL_MS && is_recovered(store)) {
            /* Tried again a second later if the disk refuses. */
            (void)dld_meta_save_counters(store, &error);
            saved_ms = now_ms;
        }
    }
    if (partition != NULL) {
        finish(store, partition, DATALYR_OK, &error);
    }
}

static bool enter_ids(struct dld_sqlite *store, uint32_t number,
                      const struct dld_summary *summary)
{
    const uint64_t *keys = summary->data;
    size_t count = summary->size / sizeof *keys;
    bool has_room = true;

    for (size_t i = 0; i < count && has_room; i++) {
        has_room = dld_idset_add(&store->ids, keys[i], (uint16_t)number);
    }
    return has_room;
}

static bool enter_people(struct dld_sqlite *store,
                         const struct dld_summary *summary)
{
    const struct dld_summary_entry *entries = summary->data;
    const char *name = summary->name;
    size_t count = summary->size / sizeof *entries;
    bool has_room = true;

    for (size_t i = 0; i < count && has_room; i++) {
        const struct dld_summary_entry *entry = &entries[i];

        if (name[0] == 'v') {
            has_room = dld_seen_visitor(store, entry->key, entry->workspace,
                                        entry->is_unowned != 0);
        } else if (name[0] == 'u') {
            has_room = dld_seen_user(store, entry->key, entry->workspace);
        } else {
            struct dld_workspace_stats *stats =
                dld_seen_workspace(store, entry->workspace);

            has_room = stats != NULL;
            if (has_room) {
                stats->numbers.events += entry->key;
            }
        }
    }
    return has_room;
}

datalyr_status dld_seal_load(struct dld_sqlite *store,
                             struct dld_partition *partition,
                             datalyr_error *error)
{
    static const char *const names[] = {"id", "visitor", "user", "workspace"};
    size_t count = partition->state == DLD_PARTITION_DROPPED ? 1 : 4;
    struct dld_database database = {0};
    datalyr_status status = dld_database_open(&database, partition->path,
                                              DLD_DATABASE_SETTLED, error);

    /* Of a dropped one the ids are all there is. */
    for (size_t i = 0; i < count && status == DATALYR_OK; i++) {
        struct dld_summary summary = {.name = names[i]};
        bool has_room = true;

        status = dld_summary_read(&database, &summary, error);
        if (status == DATALYR_OK) {
            has_room = i == 0 ? enter_ids(store, partition->number, &summary)
                              : enter_people(store, &summary);
        }
        status = has_room ? status : DATALYR_NOMEM;
        (void)sqlite3_finalize(summary.statement);
    }
    dld_database_close(&database);
    return status;
}
