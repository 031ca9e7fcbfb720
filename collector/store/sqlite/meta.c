/* SPDX-License-Identifier: MIT */
/*
 * Meta: the small database beside the partitions: which there are, what was
 * counted, and the secret of the hash.
 *
 * DESIGN
 * A partition is entered here before its file is made, and as sealed after its
 * sorted keys are in the file: whatever a crash leaves behind reads as "not done
 * yet". Counters of duplicates and refusals are written once a second and at
 * the end; a crash may take the last second of them, never an event.
 */
#include "os/random.h"
#include "store/sqlite/parts.h"

#include <string.h>

/* The keys of a sealed partition are a table (sorted.c); in the format before,
 * they were indexes of SQLite's own. */
#define STORE_FORMAT 2
#define INDEX_FORMAT 1

static const char create_meta[] =
    "CREATE TABLE IF NOT EXISTS setting("
    "name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS partition("
    "number INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
    "is_sealed INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,"
    "first_ms INTEGER NOT NULL DEFAULT 0, last_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS counter("
    "workspace INTEGER PRIMARY KEY, duplicates INTEGER NOT NULL,"
    "id_conflicts INTEGER NOT NULL, rejected INTEGER NOT NULL);";

/* A value of fixed size that the store keeps about itself. */
struct setting {
    const char *name;
    void *value;
    int size;
    bool is_found;
};

static datalyr_status read_setting(struct dld_sqlite *store,
                                   struct setting *setting,
                                   datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    bool has_row = false;
    datalyr_status status = dld_database_prepare(
        &store->meta, "SELECT value FROM setting WHERE name = ?1", &statement,
        error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_text(statement, 1, setting->name, -1, SQLITE_STATIC);
    status = dld_database_next(&store->meta, statement, &has_row, error);
    if (has_row && sqlite3_column_bytes(statement, 0) == setting->size) {
        memcpy(setting->value, sqlite3_column_blob(statement, 0),
               (size_t)setting->size);
        setting->is_found = true;
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static datalyr_status write_setting(struct dld_sqlite *store,
                                    const struct setting *setting,
                                    datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &store->meta, "INSERT OR REPLACE INTO setting VALUES(?1, ?2)",
        &statement, error);

    if (status == DATALYR_OK) {
        (void)sqlite3_bind_text(statement, 1, setting->name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_blob(statement, 2, setting->value, setting->size,
                                SQLITE_STATIC);
        status = dld_database_step(&store->meta, statement, error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static datalyr_status load_hash_key(struct dld_sqlite *store,
                                    datalyr_error *error)
{
    struct setting setting = {"hash_key", &store->hash_key,
                              (int)sizeof store->hash_key, false};
    datalyr_status status = read_setting(store, &setting, error);

    if (status != DATALYR_OK || setting.is_found) {
        return status;
    }
    if (!dlr_random_fill(&store->hash_key, sizeof store->hash_key)) {
        return DATALYR_IO;
    }
    return write_setting(store, &setting, error);
}

static datalyr_status has_sealed(struct dld_sqlite *store, bool *answer,
                                 datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &store->meta, "SELECT 1 FROM partition WHERE is_sealed = 1 LIMIT 1",
        &statement, error);

    *answer = false;
    if (status == DATALYR_OK) {
        status = dld_database_next(&store->meta, statement, answer, error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static datalyr_status refuse_format(const struct dld_sqlite *store,
                                    int64_t format, datalyr_error *error)
{
    error->status = DATALYR_INVALID;
    (void)sqlite3_snprintf(
        (int)sizeof error->message, error->message,
        "%.100s has store format %lld, this datalyrd reads %d: use the version "
        "that made it, or move it and its folder .events away and begin anew",
        store->path, (long long)format, STORE_FORMAT);
    return DATALYR_INVALID;
}

static datalyr_status check_format(struct dld_sqlite *store,
                                   datalyr_error *error)
{
    int64_t format = STORE_FORMAT;
    struct setting setting = {"format", &format, (int)sizeof format, false};
    datalyr_status status = read_setting(store, &setting, error);
    bool is_foreign = format != STORE_FORMAT;

    if (status == DATALYR_OK && format == INDEX_FORMAT) {
        /* What is not sealed yet is the same in both. */
        status = has_sealed(store, &is_foreign, error);
    }
    if (status != DATALYR_OK) {
        return status;
    }
    if (is_foreign) {
        return refuse_format(store, format, error);
    }
    if (setting.is_found && format == STORE_FORMAT) {
        return DATALYR_OK;
    }
    format = STORE_FORMAT;
    return write_setting(store, &setting, error);
}

static datalyr_status read_counters(struct dld_sqlite *store,
                                    sqlite3_stmt *statement)
{
    struct dld_workspace_stats *stats =
        dld_seen_workspace(store, (uint32_t)sqlite3_column_int64(statement, 0));

    if (stats == NULL) {
        return DATALYR_NOMEM;
    }
    stats->numbers.duplicates = (uint64_t)sqlite3_column_int64(statement, 1);
    stats->numbers.id_conflicts = (uint64_t)sqlite3_column_int64(statement, 2);
    stats->numbers.rejected = (uint64_t)sqlite3_column_int64(statement, 3);
    return DATALYR_OK;
}

static datalyr_status load_counters(struct dld_sqlite *store,
                                    datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    bool has_row = true;
    datalyr_status status = dld_database_prepare(
        &store->meta,
        "SELECT workspace, duplicates, id_conflicts, rejected FROM counter",
        &statement, error);

    while (status == DATALYR_OK && has_row) {
        status = dld_database_next(&store->meta, statement, &has_row, error);
        if (has_row) {
            status = read_counters(store, statement);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* One transaction, so that a new store waits for the disk once. */
static datalyr_status fill_meta(struct dld_sqlite *store, datalyr_error *error)
{
    datalyr_status status =
        dld_database_run(&store->meta, "BEGIN IMMEDIATE", error);

    if (status == DATALYR_OK) {
        status = dld_database_run(&store->meta, create_meta, error);
    }
    if (status == DATALYR_OK) {
        status = check_format(store, error);
    }
    if (status == DATALYR_OK) {
        status = load_hash_key(store, error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(&store->meta, "COMMIT", error);
    }
    return status;
}

datalyr_status dld_meta_open(struct dld_sqlite *store, datalyr_error *error)
{
    datalyr_status status =
        dld_database_open(&store->meta, store->path, DLD_DATABASE_WRITE, error);

    if (status == DATALYR_OK) {
        status = dld_database_run(&store->meta,
                                  "PRAGMA wal_autocheckpoint=1000;", error);
    }
    if (status == DATALYR_OK) {
        status = fill_meta(store, error);
    }
    if (status == DATALYR_OK) {
        status = load_counters(store, error);
    }
    return status;
}

static datalyr_status list_row(struct dld_sqlite *store,
                               sqlite3_stmt *statement)
{
    struct dld_partition *partition =
        dld_partition_new(store, (uint32_t)sqlite3_column_int64(statement, 0),
                          (uint64_t)sqlite3_column_int64(statement, 1));

    if (partition == NULL || !dld_partition_list(store, partition)) {
        dld_partition_free(partition);
        return DATALYR_NOMEM;
    }
    partition->state = DLD_PARTITION_FULL;
    if (sqlite3_column_int(statement, 2) != 0) {
        partition->state = sqlite3_column_int(statement, 2) == 1
                               ? DLD_PARTITION_SEALED
                               : DLD_PARTITION_DROPPED;
        partition->rows = (uint64_t)sqlite3_column_int64(statement, 3);
        partition->first_ms = sqlite3_column_int64(statement, 4);
        partition->last_ms = sqlite3_column_int64(statement, 5);
    }
    return DATALYR_OK;
}

datalyr_status dld_meta_load_partitions(struct dld_sqlite *store,
                                        datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    int64_t next_seq = 1;
    bool has_row = true;
    struct setting setting = {"next_seq", &next_seq, (int)sizeof next_seq,
                              false};
    datalyr_status status = read_setting(store, &setting, error);

    store->next_seq = (uint64_t)next_seq;
    if (status == DATALYR_OK) {
        status = dld_database_prepare(
            &store->meta,
            "SELECT number, first_seq, is_sealed, rows, first_ms, last_ms "
            "FROM partition ORDER BY number",
            &statement, error);
    }
    /* A list that is cut short would let the next partition take the place of
     * one that is there. */
    while (status == DATALYR_OK && has_row) {
        status = dld_database_next(&store->meta, statement, &has_row, error);
        if (has_row) {
            status = list_row(store, statement);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

datalyr_status dld_meta_add_partition(struct dld_sqlite *store,
                                      const struct dld_partition *partition,
                                      datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status;

    dlr_mutex_lock(&store->meta_lock);
    status = dld_database_prepare(
        &store->meta,
        "INSERT OR REPLACE INTO partition(number, first_seq) VALUES(?1, ?2)",
        &statement, error);
    if (status == DATALYR_OK) {
        (void)sqlite3_bind_int64(statement, 1, partition->number);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)partition->first_seq);
        status = dld_database_step(&store->meta, statement, error);
    }
    (void)sqlite3_finalize(statement);
    dlr_mutex_unlock(&store->meta_lock);
    return status;
}

datalyr_status dld_meta_seal_partition(struct dld_sqlite *store,
                                       const struct dld_partition *partition,
                                       datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status;

    dlr_mutex_lock(&store->meta_lock);
    status = dld_database_prepare(
        &store->meta,
        "UPDATE partition SET is_sealed = 1, rows = ?2, first_ms = ?3,"
        "last_ms = ?4 WHERE number = ?1",
        &statement, error);
    if (status == DATALYR_OK) {
        (void)sqlite3_bind_int64(statement, 1, partition->number);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)partition->rows);
        (void)sqlite3_bind_int64(statement, 3, partition->first_ms);
        (void)sqlite3_bind_int64(statement, 4, partition->last_ms);
        status = dld_database_step(&store->meta, statement, error);
    }
    (void)sqlite3_finalize(statement);
    dlr_mutex_unlock(&store->meta_lock);
    return status;
}

datalyr_status dld_meta_drop_partition(struct dld_sqlite *store,
                                       const struct dld_partition *partition,
                                       datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status;

    dlr_mutex_lock(&store->meta_lock);
    status = dld_database_prepare(
        &store->meta, "UPDATE partition SET is_sealed = 2 WHERE number = ?1",
        &statement, error);
    if (status == DATALYR_OK) {
        (void)sqlite3_bind_int64(statement, 1, partition->number);
        status = dld_database_step(&store->meta, statement, error);
    }
    (void)sqlite3_finalize(statement);
    dlr_mutex_unlock(&store->meta_lock);
    return status;
}

datalyr_status dld_meta_remove_partitions(struct dld_sqlite *store,
                                          uint64_t next_seq,
                                          datalyr_error *error)
{
    int64_t value = (int64_t)next_seq;
    struct setting setting = {"next_seq", &value, (int)sizeof value, false};
    datalyr_status status;

    dlr_mutex_lock(&store->meta_lock);
    status = write_setting(store, &setting, error);
    if (status == DATALYR_OK) {
        status = dld_database_run(&store->meta, "DELETE FROM partition", error);
    }
    dlr_mutex_unlock(&store->meta_lock);
    return status;
}

static datalyr_status save_counter(struct dld_sqlite *store,
                                   sqlite3_stmt *statement, size_t workspace,
                                   const struct dld_store_stats *numbers,
                                   datalyr_error *error)
{
    (void)sqlite3_bind_int64(statement, 1, (int64_t)workspace);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)numbers->duplicates);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)numbers->id_conflicts);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)numbers->rejected);
    return dld_database_step(&store->meta, statement, error);
}

/* Takes the numbers of a workspace if they changed since they were saved. */
static bool take_dirty(struct dld_sqlite *store, size_t workspace,
                       struct dld_store_stats *numbers)
{
    bool is_dirty = false;

    dlr_mutex_lock(&store->seen_lock);
    if (workspace < store->workspace_count) {
        is_dirty = store->workspaces[workspace].is_dirty;
        store->workspaces[workspace].is_dirty = false;
        *numbers = store->workspaces[workspace].numbers;
    }
    dlr_mutex_unlock(&store->seen_lock);
    return is_dirty;
}

/* They could not be saved. */
static void mark_dirty(struct dld_sqlite *store, size_t workspace)
{
    dlr_mutex_lock(&store->seen_lock);
    if (workspace < store->workspace_count) {
        store->workspaces[workspace].is_dirty = true;
    }
    dlr_mutex_unlock(&store->seen_lock);
}

datalyr_status dld_meta_save_counters(struct dld_sqlite *store,
                                      datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    struct dld_store_stats numbers;
    datalyr_status status;
    size_t count;

    dlr_mutex_lock(&store->seen_lock);
    count = store->workspace_count;
    dlr_mutex_unlock(&store->seen_lock);
    dlr_mutex_lock(&store->meta_lock);
    status = dld_database_prepare(
        &store->meta, "INSERT OR REPLACE INTO counter VALUES(?1, ?2, ?3, ?4)",
        &statement, error);
    for (size_t i = 0; status == DATALYR_OK && i < count; i++) {
        if (take_dirty(store, i, &numbers)) {
            status = save_counter(store, statement, i, &numbers, error);
            if (status != DATALYR_OK) {
                mark_dirty(store, i);
            }
        }
    }
    (void)sqlite3_finalize(statement);
    dlr_mutex_unlock(&store->meta_lock);
    return status;
}
