/* SPDX-License-Identifier: MIT */
/*
 * Append: the writer's way into the open partition.
 *
 * DESIGN
 * The open partition has no index but the row id, so an insert touches the last
 * page only. An id is known when the set says so and a look-up agrees; the set
 * holds ids of the running transaction too, so that a batch cannot repeat
 * itself. Rows become visible to readers after the commit, all at once.
 */
#include "store/sqlite/parts.h"

#include <stdio.h>

/* Unsealed partitions that may wait before the writer waits for the sealer:
 * each holds 12 MB of keys and a log of its size. */
#define BACKLOG_MAX 4

static datalyr_status out_of_memory(datalyr_error *error)
{
    error->status = DATALYR_NOMEM;
    (void)snprintf(error->message, sizeof error->message,
                   "store: out of memory");
    return DATALYR_NOMEM;
}

static struct dld_partition *find_number(struct dld_sqlite *store,
                                         uint32_t number)
{
    struct dld_partition *found = NULL;

    dlr_mutex_lock(&store->lock);
    for (size_t i = store->partition_count; i > 0 && found == NULL; i--) {
        if (store->partitions[i - 1]->number == number) {
            found = store->partitions[i - 1];
        }
    }
    dlr_mutex_unlock(&store->lock);
    return found;
}

/* Reads a row of the open partition on the writer's own connection, which sees
 * what is not committed yet. */
static datalyr_status is_same_id(struct dld_sqlite *store, uint32_t index,
                                 struct dlr_text id, bool *is_same,
                                 datalyr_error *error)
{
    struct dld_writer_state *writer = &store->writer;
    sqlite3_stmt *statement = writer->lookup;
    datalyr_status status = DATALYR_OK;

    *is_same = false;
    (void)sqlite3_bind_int64(statement, 1,
                             (int64_t)(writer->partition->first_seq + index));
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *is_same = dlr_text_equals(
            id, dlr_text_n((const char *)sqlite3_column_text(statement, 0),
                           (size_t)sqlite3_column_bytes(statement, 0)));
    } else {
        status = dld_database_fail(&writer->database, "store", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

static datalyr_status find_in_open(struct dld_sqlite *store, uint64_t key,
                                   struct dlr_text id, struct dld_known *known,
                                   datalyr_error *error)
{
    const struct dld_tail *tail = store->writer.partition->tail;
    uint32_t slot = dld_tail_id_slot(tail, key);
    datalyr_status status = DATALYR_OK;
    uint32_t index;

    while (status == DATALYR_OK && !known->is_found &&
           dld_tail_find_id(tail, key, &slot, &index)) {
        known->content_hash = tail->keys[DLD_KEY_NONE][index];
        if (tail->workspaces[index] == 0) {
            *known = (struct dld_known){.is_found = true, .is_tombstone = true};
        } else {
            status = is_same_id(store, index, id, &known->is_found, error);
        }
    }
    return status;
}

static datalyr_status find_id(struct dld_sqlite *store, uint64_t key,
                              struct dlr_text id, struct dld_known *known,
                              datalyr_error *error)
{
    struct dld_idset_cursor cursor;
    datalyr_status status = DATALYR_OK;
    uint16_t number;

    dld_idset_find(&store->ids, key, &cursor);
    while (status == DATALYR_OK && !known->is_found &&
           dld_idset_next(&cursor, &number)) {
        struct dld_partition *partition = find_number(store, number);

        if (partition == store->writer.partition) {
            status = find_in_open(store, key, id, known, error);
        } else if (partition != NULL &&
                   dld_partition_look(partition) == DLD_PARTITION_DROPPED) {
            status = dld_retain_find(partition, key, &known->is_found, error);
            known->is_tombstone = known->is_found;
        } else if (partition != NULL) {
            status = dld_select_id(partition, key, id, known, error);
        }
    }
    return status;
}

static void bind_key(sqlite3_stmt *statement, int column, uint64_t key)
{
    if (key == 0) {
        (void)sqlite3_bind_null(statement, column);
    } else {
        (void)sqlite3_bind_int64(statement, column, (int64_t)key);
    }
}

static void bind_text(sqlite3_stmt *statement, int column, struct dlr_text text)
{
    (void)sqlite3_bind_text64(statement, column, text.ptr, text.len,
                              SQLITE_STATIC, SQLITE_UTF8);
}

static datalyr_status insert(struct dld_sqlite *store,
                             const struct dld_row *row,
                             const struct dld_tail_row *keys,
                             datalyr_error *error)
{
    sqlite3_stmt *statement = store->writer.insert;

    (void)sqlite3_bind_int64(statement, 1, (int64_t)row->seq);
    (void)sqlite3_bind_int64(statement, 2, row->workspace);
    (void)sqlite3_bind_int64(statement, 3, row->flags);
    (void)sqlite3_bind_int64(statement, 4, row->time_ms);
    (void)sqlite3_bind_int64(statement, 5, row->received_ms);
    bind_key(statement, 6, keys->id);
    bind_key(statement, 7, keys->user);
    bind_key(statement, 8, keys->anonymous);
    bind_key(statement, 9, keys->name);
    bind_key(statement, 10, keys->link);
    (void)sqlite3_bind_int64(statement, 11, (int64_t)row->content_hash);
    bind_text(statement, 12, row->id);
    bind_text(statement, 13, row->doc);
    return dld_database_step(&store->writer.database, statement, error);
}

static struct dld_tail_row make_keys(const struct dld_sqlite *store,
                                     const struct dld_row *row)
{
    uint32_t workspace = row->workspace;

    return (struct dld_tail_row){
        .id = dld_sqlite_key(store, DLD_KEY_ID, workspace, row->id),
        .user = dld_sqlite_key(store, DLD_KEY_USER, workspace, row->user),
        .anonymous =
            dld_sqlite_key(store, DLD_KEY_ANONYMOUS, workspace, row->anonymous),
        .name = dld_sqlite_key(store, DLD_KEY_NAME, workspace, row->name),
        .link = dld_sqlite_key(store, DLD_KEY_LINK, workspace, row->link),
        .content_hash = row->content_hash,
        .time_ms = row->time_ms,
        .workspace = workspace,
    };
}

static datalyr_status make_room(struct dld_partition *partition,
                                datalyr_error *error)
{
    bool has_room = true;

    if (partition->tail->count == partition->tail->capacity) {
        /* Readers walk the columns under the guard. */
        dlr_mutex_lock(&partition->guard);
        has_room = dld_tail_reserve(partition->tail, 1);
        dlr_mutex_unlock(&partition->guard);
    }
    return has_room ? DATALYR_OK : out_of_memory(error);
}

static datalyr_status begin(struct dld_sqlite *store, datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    if (store->writer.partition == NULL) {
        status = dld_append_open(store, error);
    }
    if (status == DATALYR_OK && !store->writer.in_transaction) {
        status =
            dld_database_run(&store->writer.database, "BEGIN IMMEDIATE", error);
        store->writer.in_transaction = status == DATALYR_OK;
    }
    return status;
}

datalyr_status dld_sqlite_put(void *self, struct dld_row *row,
                              enum dld_verdict *verdict, datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct dld_tail_row keys = make_keys(store, row);
    struct dld_partition *partition;
    struct dld_known known = {0};
    datalyr_status status = begin(store, error);

    if (status == DATALYR_OK) {
        status = find_id(store, keys.id, row->id, &known, error);
    }
    if (status != DATALYR_OK) {
        return status;
    }
    if (known.is_found) {
        *verdict = known.is_tombstone || known.content_hash == row->content_hash
                       ? DLD_DUPLICATE
                       : DLD_CONFLICT;
        return DATALYR_OK;
    }
    partition = store->writer.partition;
    row->seq = store->next_seq;
    status = make_room(partition, error);
    if (status == DATALYR_OK) {
        status = insert(store, row, &keys, error);
    }
    if (status == DATALYR_OK &&
        !dld_idset_add(&store->ids, keys.id, (uint16_t)partition->number)) {
        status = out_of_memory(error);
    }
    if (status != DATALYR_OK) {
        return status;
    }
    dld_tail_append(partition->tail, &keys);
    store->writer.bytes += row->doc.len;
    store->next_seq++;
    *verdict = DLD_STORED;
    return DATALYR_OK;
}

static void publish(struct dld_sqlite *store, struct dld_partition *partition)
{
    struct dld_tail *tail = partition->tail;
    uint32_t first = tail->visible;

    dlr_mutex_lock(&partition->guard);
    dld_tail_publish(tail);
    partition->rows = tail->visible;
    for (uint32_t i = first; i < tail->visible; i++) {
        int64_t time_ms = tail->times_ms[i];

        partition->first_ms =
            time_ms < partition->first_ms ? time_ms : partition->first_ms;
        partition->last_ms =
            time_ms > partition->last_ms ? time_ms : partition->last_ms;
    }
    dlr_mutex_unlock(&partition->guard);
    dlr_mutex_lock(&store->seen_lock);
    for (uint32_t i = first; i < tail->visible; i++) {
        /* Without memory the sums are short until the next start. */
        (void)dld_seen_row(store, tail, i);
    }
    store->visible_seq = store->next_seq - 1;
    dlr_mutex_unlock(&store->seen_lock);
}

void dld_append_close(struct dld_sqlite *store)
{
    struct dld_writer_state *writer = &store->writer;

    (void)sqlite3_finalize(writer->insert);
    (void)sqlite3_finalize(writer->lookup);
    dld_database_close(&writer->database);
    *writer = (struct dld_writer_state){0};
}

void dld_append_roll(struct dld_sqlite *store)
{
    struct dld_partition *partition = store->writer.partition;

    dld_append_close(store);
    dlr_mutex_lock(&partition->guard);
    partition->state = DLD_PARTITION_FULL;
    dlr_mutex_unlock(&partition->guard);
    dlr_mutex_lock(&store->lock);
    store->backlog++;
    dlr_cond_broadcast(&store->changed);
    while (store->backlog > BACKLOG_MAX && !store->has_seal_failed &&
           !store->is_stopping) {
        dlr_cond_wait(&store->changed, &store->lock);
    }
    dlr_mutex_unlock(&store->lock);
}

/* On a full disk nothing is sealed, and waiting for it would leave senders
 * without an answer. */
static datalyr_status check_backlog(struct dld_sqlite *store,
                                    datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dlr_mutex_lock(&store->lock);
    if (store->backlog > BACKLOG_MAX && store->has_seal_failed) {
        status = DATALYR_IO;
        *error = store->seal_error;
    }
    dlr_mutex_unlock(&store->lock);
    return status;
}

datalyr_status dld_sqlite_commit(void *self, datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct dld_writer_state *writer = &store->writer;
    datalyr_status status;

    if (!writer->in_transaction) {
        return DATALYR_OK;
    }
    status = dld_database_run(&writer->database, "COMMIT", error);
    if (status != DATALYR_OK) {
        dld_sqlite_rollback(store);
        return status;
    }
    writer->in_transaction = false;
    publish(store, writer->partition);
    if (writer->partition->rows >= store->partition_rows ||
        writer->bytes >= DLD_PARTITION_BYTES) {
        dld_append_roll(store);
    }
    return DATALYR_OK;
}

void dld_sqlite_rollback(void *self)
{
    struct dld_sqlite *store = self;
    struct dld_writer_state *writer = &store->writer;
    struct dld_tail *tail;

    if (writer->partition == NULL) {
        return;
    }
    tail = writer->partition->tail;
    for (uint32_t i = tail->visible; i < tail->count; i++) {
        dld_idset_remove(&store->ids, tail->keys[DLD_KEY_ID][i],
                         (uint16_t)writer->partition->number);
    }
    store->next_seq -= tail->count - tail->visible;
    dld_tail_rollback(tail);
    writer->in_transaction = false;
    if (sqlite3_get_autocommit(writer->database.handle) == 0 &&
        dld_database_run(&writer->database, "ROLLBACK", NULL) != DATALYR_OK) {
        /* A connection that cannot go back begins nothing new either: the
         * next event opens another. */
        uint64_t bytes = writer->bytes;

        dld_append_close(store);
        writer->bytes = bytes;
    }
}

static datalyr_status prepare(struct dld_writer_state *writer,
                              datalyr_error *error)
{
    datalyr_status status = dld_database_prepare(
        &writer->database,
        "INSERT INTO event VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
        &writer->insert, error);

    if (status == DATALYR_OK) {
        status = dld_database_prepare(&writer->database,
                                      "SELECT id FROM event WHERE seq = ?1",
                                      &writer->lookup, error);
    }
    return status;
}

/* A new partition behind the others, known to the meta database. */
static datalyr_status add_partition(struct dld_sqlite *store,
                                    struct dld_partition **out,
                                    datalyr_error *error)
{
    size_t count = store->partition_count;
    uint32_t number = count == 0 ? 1 : store->partitions[count - 1]->number + 1;
    struct dld_partition *partition;
    datalyr_status status;

    *out = NULL;
    if (number > DLD_PARTITIONS_MAX) {
        (void)snprintf(error->message, sizeof error->message,
                       "store: %u partitions are all it can have",
                       DLD_PARTITIONS_MAX);
        return DATALYR_IO;
    }
    partition = dld_partition_new(store, number, store->next_seq);
    if (partition == NULL) {
        return out_of_memory(error);
    }
    /* What the list does not know was left behind by a crash. */
    dld_partition_unlink(partition);
    partition->tail = dld_tail_new(store->next_seq);
    status = partition->tail == NULL
                 ? out_of_memory(error)
                 : dld_meta_add_partition(store, partition, error);
    if (status == DATALYR_OK && !dld_partition_list(store, partition)) {
        status = out_of_memory(error);
    }
    if (status != DATALYR_OK) {
        dld_partition_free(partition);
        return status;
    }
    *out = partition;
    return DATALYR_OK;
}

datalyr_status dld_append_open(struct dld_sqlite *store, datalyr_error *error)
{
    size_t count = store->partition_count;
    struct dld_partition *partition =
        count == 0 ? NULL : store->partitions[count - 1];
    datalyr_status status = DATALYR_OK;

    if (partition == NULL ||
        dld_partition_look(partition) != DLD_PARTITION_OPEN) {
        status = check_backlog(store, error);
        if (status == DATALYR_OK) {
            status = add_partition(store, &partition, error);
        }
    }
    if (status == DATALYR_OK) {
        status =
            dld_partition_create(partition, &store->writer.database, error);
    }
    if (status == DATALYR_OK) {
        status = prepare(&store->writer, error);
    }
    if (status != DATALYR_OK) {
        dld_append_close(store);
        return status;
    }
    store->writer.partition = partition;
    return DATALYR_OK;
}
