/* SPDX-License-Identifier: MIT */
/*
 * Load: what a start reads before the first event can be stored.
 *
 * DESIGN
 * Runs on the writer's thread while the server already listens: requests wait
 * for it instead of being refused. Sealed partitions tell their keys in a
 * summary; the others are read row by row into a tail, at most a few.
 *
 * On a disk that is full or ill it fails. What was read so far is forgotten
 * then, and the writer begins anew a second later.
 */
#include "store/sqlite/parts.h"

#include <stdio.h>

static datalyr_status read_row(struct dld_sqlite *store,
                               struct dld_partition *partition,
                               sqlite3_stmt *statement)
{
    struct dld_tail *tail = partition->tail;
    struct dld_tail_row row = {
        .id = (uint64_t)sqlite3_column_int64(statement, 1),
        .user = (uint64_t)sqlite3_column_int64(statement, 2),
        .anonymous = (uint64_t)sqlite3_column_int64(statement, 3),
        .name = (uint64_t)sqlite3_column_int64(statement, 4),
        .link = (uint64_t)sqlite3_column_int64(statement, 5),
        .content_hash = (uint64_t)sqlite3_column_int64(statement, 6),
        .time_ms = sqlite3_column_int64(statement, 7),
        .workspace = (uint32_t)sqlite3_column_int64(statement, 8),
    };

    if (!dld_tail_reserve(tail, 1) ||
        !dld_idset_add(&store->ids, row.id, (uint16_t)partition->number)) {
        return DATALYR_NOMEM;
    }
    dld_tail_append(tail, &row);
    if (!dld_seen_row(store, tail, tail->count - 1)) {
        return DATALYR_NOMEM;
    }
    partition->first_ms =
        row.time_ms < partition->first_ms ? row.time_ms : partition->first_ms;
    partition->last_ms =
        row.time_ms > partition->last_ms ? row.time_ms : partition->last_ms;
    store->loaded_bytes += (uint64_t)sqlite3_column_int64(statement, 9);
    return DATALYR_OK;
}

static datalyr_status read_rows(struct dld_sqlite *store,
                                struct dld_partition *partition,
                                struct dld_database *database,
                                datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_ROW;
    datalyr_status status = dld_database_prepare(
        database,
        "SELECT seq, id_key, user_key, anonymous_key, name_key, link_key,"
        "content, time, workspace, length(CAST(doc AS BLOB)) FROM event "
        "ORDER BY seq",
        &statement, error);

    store->loaded_bytes = 0;
    while (status == DATALYR_OK && code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            status = read_row(store, partition, statement);
        } else if (code != SQLITE_DONE) {
            status = dld_database_fail(database, partition->path, error);
        }
    }
    (void)sqlite3_finalize(statement);
    dld_tail_publish(partition->tail);
    partition->rows = partition->tail->visible;
    return status;
}

/* A partition that is not sealed: its keys go into memory. */
static datalyr_status load_tail(struct dld_sqlite *store,
                                struct dld_partition *partition,
                                datalyr_error *error)
{
    struct dld_database database = {0};
    datalyr_status status;

    partition->tail = dld_tail_new(partition->first_seq);
    if (partition->tail == NULL) {
        return DATALYR_NOMEM;
    }
    /* Also makes the file if a crash came before it was there. */
    status = dld_partition_create(partition, &database, error);
    if (status == DATALYR_OK) {
        status = read_rows(store, partition, &database, error);
    }
    dld_database_close(&database);
    return status;
}

static datalyr_status load_partition(struct dld_sqlite *store,
                                     struct dld_partition *partition,
                                     bool is_newest, datalyr_error *error)
{
    datalyr_status status;

    if (partition->state == DLD_PARTITION_SEALED ||
        partition->state == DLD_PARTITION_DROPPED) {
        status = dld_partition_heal(partition, error);
        if (status == DATALYR_OK && partition->state == DLD_PARTITION_DROPPED) {
            status = dld_retain_complete(partition, error);
        }
        if (status == DATALYR_OK) {
            status = dld_seal_load(store, partition, error);
        }
    } else {
        status = load_tail(store, partition, error);
        if (is_newest && partition->rows < store->partition_rows &&
            store->loaded_bytes < DLD_PARTITION_BYTES) {
            partition->state = DLD_PARTITION_OPEN;
        } else {
            store->backlog++;
        }
    }
    if (partition->first_seq + partition->rows > store->next_seq) {
        store->next_seq = partition->first_seq + partition->rows;
    }
    if (partition->state == DLD_PARTITION_DROPPED) {
        partition->rows = 0; /* they only held the place of their numbers */
    }
    return status;
}

/* Back to what the list of partitions says. */
static void unload(struct dld_sqlite *store)
{
    dld_append_close(store);
    for (size_t i = 0; i < store->partition_count; i++) {
        struct dld_partition *partition = store->partitions[i];

        if (partition->state == DLD_PARTITION_SEALED ||
            partition->state == DLD_PARTITION_DROPPED) {
            continue;
        }
        dld_tail_free(partition->tail);
        partition->tail = NULL;
        partition->state = DLD_PARTITION_FULL;
        partition->rows = 0;
        partition->first_ms = DLD_TIME_MAX;
        partition->last_ms = DLD_TIME_MIN;
    }
    store->backlog = 0;
    dlr_mutex_lock(&store->seen_lock);
    dld_seen_unload(store);
    dlr_mutex_unlock(&store->seen_lock);
}

/* Lets the others go on, with the store or without it. */
static void tell(struct dld_sqlite *store, bool is_recovered)
{
    dlr_mutex_lock(&store->lock);
    store->is_recovered = is_recovered;
    store->has_recovery_failed = !is_recovered;
    dlr_cond_broadcast(&store->changed);
    dlr_mutex_unlock(&store->lock);
}

datalyr_status dld_sqlite_recover(void *self, datalyr_error *error)
{
    struct dld_sqlite *store = self;
    size_t count = store->partition_count;
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < count && status == DATALYR_OK; i++) {
        status =
            load_partition(store, store->partitions[i], i + 1 == count, error);
    }
    if (status == DATALYR_OK) {
        status = dld_append_open(store, error);
        store->writer.bytes = store->loaded_bytes;
    }
    if (status == DATALYR_NOMEM && error->message[0] == '\0') {
        (void)snprintf(error->message, sizeof error->message,
                       "store: out of memory while it was read");
    }
    if (status != DATALYR_OK) {
        unload(store);
    } else {
        dlr_mutex_lock(&store->seen_lock);
        store->visible_seq = store->next_seq - 1;
        dlr_mutex_unlock(&store->seen_lock);
    }
    tell(store, status == DATALYR_OK);
    return status;
}

bool dld_sqlite_await_recovery(struct dld_sqlite *store)
{
    bool is_recovered;

    dlr_mutex_lock(&store->lock);
    while (!store->is_recovered && !store->has_recovery_failed &&
           !store->is_stopping) {
        dlr_cond_wait(&store->changed, &store->lock);
    }
    is_recovered = store->is_recovered;
    dlr_mutex_unlock(&store->lock);
    return is_recovered;
}
