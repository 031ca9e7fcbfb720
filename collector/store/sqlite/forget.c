/* SPDX-License-Identifier: MIT */
/*
 * Forget: takes all that rows say out of the files, and leaves what knows a
 * second delivery of their events.
 *
 * DESIGN
 * The row stays and says nothing: the place in the order of arrival is used
 * up, and the keyed hash of its id answers when the event is delivered again.
 * Workspace 0 marks it; no scan shows it. SQLite overwrites what it frees
 * (secure_delete), and the log of the open partition is folded into the file
 * and cut, so that the text is gone from the disk when we say so.
 *
 * A sealed partition is changed under a rollback journal, never a write-ahead
 * log: its readers are told that nobody writes it, and do not look for one. A
 * journal that a crash leaves behind is rolled back before the next start
 * reads the file (dld_partition_heal()).
 *
 * LOCKING
 * On the writer's thread, which alone changes the list of partitions. The
 * readers of a partition are kept out while its file changes.
 */
#include "base/mem.h"
#include "store/sqlite/forget_keys.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sorted.h"

#include <stdio.h>
#include <string.h>

#define REDACT                                                     \
    "UPDATE event SET workspace = 0, flags = 0, user_key = NULL, " \
    "anonymous_key = NULL, name_key = 0, link_key = NULL, "        \
    "content = 0, id = '', doc = '' WHERE seq = ?1"

struct forgetting {
    struct dld_sqlite *store;
    const uint64_t *seqs; /* of one partition */
    size_t count;
    struct dld_forget_keys keys; /* of all partitions */
    datalyr_error *error;
};

static datalyr_status redact(struct dld_database *database,
                             const struct forgetting *work)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status =
        dld_database_prepare(database, REDACT, &statement, work->error);

    for (size_t i = 0; i < work->count && status == DATALYR_OK; i++) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)work->seqs[i]);
        status = dld_database_step(database, statement, work->error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* -------------------------------------------------------- a sealed partition */

/* Takes a row out of the sorted keys; its id and its time stay known. */
static datalyr_status unsort(struct dld_reader *reader, sqlite3_stmt *row,
                             uint64_t seq, datalyr_error *error)
{
    static const enum dld_key kinds[] = {DLD_KEY_USER, DLD_KEY_ANONYMOUS,
                                         DLD_KEY_NAME, DLD_KEY_LINK};
    datalyr_status status = DATALYR_OK;

    for (int i = 0; i < 4 && status == DATALYR_OK; i++) {
        struct dld_sorted_entry entry = {sqlite3_column_int64(row, i + 1),
                                         (int64_t)seq};

        if (entry.key != 0) {
            status = dld_sorted_remove(reader, (int)kinds[i], &entry, error);
        }
    }
    return status;
}

/* The keys of the rows, before they go. */
static datalyr_status take_keys(struct dld_reader *reader,
                                const struct forgetting *work,
                                struct dld_forget_keys *keys)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &reader->database,
        "SELECT workspace, user_key, anonymous_key, name_key, link_key "
        "FROM event WHERE seq = ?1",
        &statement, work->error);

    for (size_t i = 0; i < work->count && status == DATALYR_OK; i++) {
        bool has_row;

        (void)sqlite3_bind_int64(statement, 1, (int64_t)work->seqs[i]);
        status = dld_database_next(&reader->database, statement, &has_row,
                                   work->error);
        if (has_row) {
            uint32_t workspace = (uint32_t)sqlite3_column_int64(statement, 0);
            uint64_t user = (uint64_t)sqlite3_column_int64(statement, 1);
            uint64_t visitor = (uint64_t)sqlite3_column_int64(statement, 2);

            status = dld_forget_note(keys, workspace, user, visitor)
                         ? unsort(reader, statement, work->seqs[i], work->error)
                         : DATALYR_NOMEM;
        }
        (void)sqlite3_reset(statement);
    }
    (void)sqlite3_finalize(statement);
    dld_forget_sort(keys);
    return status;
}

static datalyr_status change_sealed(struct dld_reader *reader,
                                    const struct forgetting *work,
                                    struct dld_forget_keys *keys)
{
    datalyr_status status =
        dld_database_run(&reader->database, "BEGIN IMMEDIATE", work->error);

    if (status == DATALYR_OK) {
        status = take_keys(reader, work, keys);
    }
    if (status == DATALYR_OK) {
        status = redact(&reader->database, work);
    }
    if (status == DATALYR_OK) {
        status = dld_forget_look(reader, keys, work->error);
    }
    if (status == DATALYR_OK) {
        status = dld_forget_summarise(&reader->database, keys, work->error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(&reader->database, "COMMIT", work->error);
    }
    return status;
}

static datalyr_status forget_sealed(struct forgetting *work,
                                    struct dld_partition *partition)
{
    struct dld_reader reader = {0};
    struct dld_forget_keys keys = {0};
    datalyr_status status;

    dld_readers_shut(partition);
    status = dld_database_open(&reader.database, partition->path,
                               DLD_DATABASE_ALTER, work->error);
    if (status == DATALYR_OK) {
        status = change_sealed(&reader, work, &keys);
    }
    /* Rolls back what did not come to its end. */
    dld_reader_close(&reader);
    dld_readers_admit(partition);
    if (status == DATALYR_OK && !dld_forget_add(&work->keys, &keys)) {
        status = DATALYR_NOMEM;
    }
    if (status == DATALYR_OK) {
        dld_forget_count(work->store, &keys);
    }
    dld_forget_clear(&keys);
    return status;
}

/* -------------------------------------------------------- the open partition */

static datalyr_status change_open(struct dld_database *database,
                                  const struct forgetting *work)
{
    datalyr_status status = dld_database_run(
        database, "PRAGMA secure_delete = ON; BEGIN IMMEDIATE", work->error);

    if (status == DATALYR_OK) {
        status = redact(database, work);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(database, "COMMIT", work->error);
    }
    if (status != DATALYR_OK && sqlite3_get_autocommit(database->handle) == 0) {
        (void)dld_database_run(database, "ROLLBACK", NULL);
    }
    (void)dld_database_run(database, "PRAGMA secure_delete = OFF", NULL);
    return status;
}

static bool change_tail(const struct forgetting *work,
                        struct dld_partition *partition,
                        struct dld_forget_keys *keys)
{
    struct dld_tail *tail = partition->tail;
    bool has_room = true;

    dlr_mutex_lock(&partition->guard);
    for (size_t i = 0; i < work->count; i++) {
        uint32_t row = (uint32_t)(work->seqs[i] - tail->first_seq);

        has_room = dld_forget_note(keys, tail->workspaces[row],
                                   tail->keys[DLD_KEY_USER][row],
                                   tail->keys[DLD_KEY_ANONYMOUS][row]) &&
                   has_room;
        tail->workspaces[row] = 0;
        tail->keys[DLD_KEY_NONE][row] = 0;
        tail->keys[DLD_KEY_USER][row] = 0;
        tail->keys[DLD_KEY_ANONYMOUS][row] = 0;
        tail->keys[DLD_KEY_NAME][row] = 0;
        tail->keys[DLD_KEY_LINK][row] = 0;
    }
    dlr_mutex_unlock(&partition->guard);
    dld_forget_sort(keys);
    return has_room;
}

/* The log still holds the rows as they were written. */
static datalyr_status cut_log(struct dld_partition *partition,
                              struct dld_database *database,
                              datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dld_readers_shut(partition);
    if (sqlite3_wal_checkpoint_v2(database->handle, NULL,
                                  SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL) != SQLITE_OK) {
        status = dld_database_fail(database, "store", error);
    }
    dld_readers_admit(partition);
    return status;
}

static datalyr_status forget_open(struct forgetting *work,
                                  struct dld_partition *partition)
{
    struct dld_database *database = &work->store->writer.database;
    struct dld_forget_keys keys = {0};
    datalyr_status status = DATALYR_OK;

    if (work->store->writer.partition == NULL) {
        status = dld_append_open(work->store, work->error);
    }
    if (status == DATALYR_OK) {
        status = change_open(database, work);
    }
    if (status == DATALYR_OK) {
        /* Without memory the sums are wrong until the next start. */
        bool has_room = change_tail(work, partition, &keys);

        dld_forget_count(work->store, &keys);
        has_room = dld_forget_add(&work->keys, &keys) && has_room;
        status = cut_log(partition, database, work->error);
        status = has_room ? status : DATALYR_NOMEM;
    }
    dld_forget_clear(&keys);
    return status;
}

/* ------------------------------------------------------------- all partitions */

/* A full one belongs to the sealer, who is at it. */
static datalyr_status await_seal(struct dld_sqlite *store,
                                 struct dld_partition *partition,
                                 datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dlr_mutex_lock(&store->lock);
    while (dld_partition_look(partition) == DLD_PARTITION_FULL &&
           !store->has_seal_failed && !store->is_stopping) {
        dlr_cond_wait(&store->changed, &store->lock);
    }
    dlr_mutex_unlock(&store->lock);
    if (dld_partition_look(partition) == DLD_PARTITION_FULL) {
        status = DATALYR_IO;
        (void)snprintf(error->message, sizeof error->message,
                       "store: %.150s cannot be sealed", partition->path);
    }
    return status;
}

static datalyr_status forget_in(struct forgetting *work,
                                struct dld_partition *partition)
{
    datalyr_status status = await_seal(work->store, partition, work->error);

    if (status != DATALYR_OK) {
        return status;
    }
    switch (dld_partition_look(partition)) {
    case DLD_PARTITION_OPEN:
        return forget_open(work, partition);
    case DLD_PARTITION_SEALED:
        return forget_sealed(work, partition);
    case DLD_PARTITION_FULL:
    case DLD_PARTITION_DROPPED:
        break;
    }
    return DATALYR_OK;
}

/* Which of the people are in some other event still? */
static datalyr_status look_everywhere(struct forgetting *work)
{
    struct dld_sqlite *store = work->store;
    datalyr_status status = DATALYR_OK;

    dld_forget_sort(&work->keys);
    for (size_t i = 0; i < work->keys.count; i++) {
        work->keys.keys[i].is_left = false;
    }
    for (size_t i = 0; i < store->partition_count && status == DATALYR_OK;
         i++) {
        status =
            dld_forget_look_in(store->partitions[i], &work->keys, work->error);
    }
    return status;
}

datalyr_status dld_sqlite_forget(void *self, const uint64_t *seqs, size_t count,
                                 datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct forgetting work = {.store = store, .error = error};
    datalyr_status status = DATALYR_OK;
    size_t at = 0;

    for (size_t i = 0; i < store->partition_count && status == DATALYR_OK;
         i++) {
        uint64_t end = i + 1 < store->partition_count
                           ? store->partitions[i + 1]->first_seq
                           : UINT64_MAX;
        size_t first = at;

        while (at < count && seqs[at] < end) {
            at++;
        }
        work.seqs = seqs + first;
        work.count = at - first;
        if (work.count > 0) {
            status = forget_in(&work, store->partitions[i]);
        }
    }
    if (status == DATALYR_OK) {
        status = look_everywhere(&work);
    }
    if (status == DATALYR_OK) {
        dld_forget_people(store, &work.keys);
    }
    dld_forget_clear(&work.keys);
    return status;
}
