/* SPDX-License-Identifier: MIT */
/*
 * Partition: one file of events, and who may read it at the moment.
 *
 * LOCKING
 * Readers borrow a connection of the partition and bring it back; a few idle
 * ones are kept, because opening one costs as much as a hundred look-ups. Who
 * must have the file alone (to seal, forget or drop) shuts the partition: it
 * waits for the borrowed connections, and new borrowers wait for it.
 */
#include "base/mem.h"
#include "store/sqlite/parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char create_event[] =
    "CREATE TABLE IF NOT EXISTS event("
    "seq INTEGER PRIMARY KEY, workspace INTEGER NOT NULL,"
    "flags INTEGER NOT NULL, time INTEGER NOT NULL,"
    "received INTEGER NOT NULL, id_key INTEGER NOT NULL, user_key INTEGER,"
    "anonymous_key INTEGER, name_key INTEGER NOT NULL, link_key INTEGER,"
    "content INTEGER NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL);";

static char *make_path(const struct dld_sqlite *store, uint32_t number)
{
    size_t cap = strlen(store->folder) + sizeof "/4294967295.db";
    char *path = dlr_malloc(cap);

    if (path != NULL) {
        (void)snprintf(path, cap, "%s/%08u.db", store->folder, number);
    }
    return path;
}

struct dld_partition *dld_partition_new(struct dld_sqlite *store,
                                        uint32_t number, uint64_t first_seq)
{
    struct dld_partition *partition = dlr_calloc(1, sizeof *partition);

    if (partition == NULL) {
        return NULL;
    }
    partition->number = number;
    partition->first_seq = first_seq;
    partition->first_ms = DLD_TIME_MAX;
    partition->last_ms = DLD_TIME_MIN;
    partition->path = make_path(store, number);
    if (partition->path == NULL || dlr_mutex_init(&partition->guard) != 0) {
        dlr_free(partition->path);
        dlr_free(partition);
        return NULL;
    }
    if (dlr_cond_init(&partition->readers_back) != 0) {
        dlr_mutex_clear(&partition->guard);
        dlr_free(partition->path);
        dlr_free(partition);
        return NULL;
    }
    return partition;
}

void dld_partition_free(struct dld_partition *partition)
{
    if (partition == NULL) {
        return;
    }
    while (partition->idle_count > 0) {
        dld_reader_free(partition->idle[--partition->idle_count]);
    }
    dld_tail_free(partition->tail);
    dlr_cond_clear(&partition->readers_back);
    dlr_mutex_clear(&partition->guard);
    dlr_free(partition->path);
    dlr_free(partition);
}

datalyr_status dld_partition_create(struct dld_partition *partition,
                                    struct dld_database *database,
                                    datalyr_error *error)
{
    datalyr_status status =
        dld_database_open(database, partition->path, DLD_DATABASE_WRITE, error);

    if (status == DATALYR_OK) {
        status = dld_database_run(database, create_event, error);
    }
    if (status != DATALYR_OK) {
        dld_database_close(database);
    }
    return status;
}

enum dld_partition_state dld_partition_look(struct dld_partition *partition)
{
    enum dld_partition_state state;

    dlr_mutex_lock(&partition->guard);
    state = partition->state;
    dlr_mutex_unlock(&partition->guard);
    return state;
}

datalyr_status dld_partition_heal(const struct dld_partition *partition,
                                  datalyr_error *error)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    struct dld_database database = {0};
    datalyr_status status = DATALYR_OK;
    bool is_left = false;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *path = sqlite3_mprintf("%s%s", partition->path, suffixes[i]);

        is_left = is_left || (path != NULL && access(path, F_OK) == 0);
        sqlite3_free(path);
    }
    if (is_left) {
        status = dld_database_open(&database, partition->path,
                                   DLD_DATABASE_ALTER, error);
        if (status == DATALYR_OK) {
            /* The first look rolls back or takes over what is there. */
            status = dld_database_run(
                &database, "SELECT count(*) FROM sqlite_master", error);
        }
        dld_database_close(&database);
    }
    return status;
}

void dld_partition_unlink(const struct dld_partition *partition)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    size_t cap = strlen(partition->path) + sizeof "-journal";
    char *path = dlr_malloc(cap);

    if (path == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(path, cap, "%s%s", partition->path, suffixes[i]);
        (void)unlink(path);
    }
    dlr_free(path);
}

bool dld_partition_list(struct dld_sqlite *store,
                        struct dld_partition *partition)
{
    bool has_room = true;

    dlr_mutex_lock(&store->lock);
    if (store->partition_count == store->partition_capacity) {
        size_t capacity = store->partition_capacity * 2 + 16;
        void *larger = dlr_realloc(store->partitions,
                                   capacity * sizeof(*store->partitions));

        has_room = larger != NULL;
        if (has_room) {
            store->partitions = larger;
            store->partition_capacity = capacity;
        }
    }
    if (has_room) {
        store->partitions[store->partition_count++] = partition;
    }
    dlr_mutex_unlock(&store->lock);
    return has_room;
}

static datalyr_status open_reader(const char *path, bool is_settled,
                                  struct dld_reader **out, datalyr_error *error)
{
    struct dld_reader *reader = dlr_calloc(1, sizeof *reader);
    datalyr_status status;

    *out = NULL;
    if (reader == NULL) {
        return DATALYR_NOMEM;
    }
    status = dld_database_open(
        &reader->database, path,
        is_settled ? DLD_DATABASE_SETTLED : DLD_DATABASE_READ, error);
    if (status != DATALYR_OK) {
        dlr_free(reader);
        return status;
    }
    *out = reader;
    return DATALYR_OK;
}

datalyr_status dld_reader_take(struct dld_partition *partition,
                               struct dld_reader **out, datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;
    bool is_settled;

    *out = NULL;
    dlr_mutex_lock(&partition->guard);
    while (partition->is_switching) {
        dlr_cond_wait(&partition->readers_back, &partition->guard);
    }
    partition->readers_out++;
    is_settled = partition->state == DLD_PARTITION_SEALED;
    if (partition->idle_count > 0) {
        *out = partition->idle[--partition->idle_count];
    }
    dlr_mutex_unlock(&partition->guard);
    if (*out == NULL) {
        status = open_reader(partition->path, is_settled, out, error);
    }
    if (status != DATALYR_OK) {
        dld_reader_give_back(partition, out);
    }
    return status;
}

void dld_reader_give_back(struct dld_partition *partition,
                          struct dld_reader **reader)
{
    dlr_mutex_lock(&partition->guard);
    if (*reader != NULL && !partition->is_switching &&
        partition->idle_count < DLD_IDLE_READERS) {
        partition->idle[partition->idle_count++] = *reader;
        *reader = NULL;
    }
    dlr_mutex_unlock(&partition->guard);
    dld_reader_free(*reader);
    *reader = NULL;
    /* Counted as out until it is closed: somebody may want the file alone. */
    dlr_mutex_lock(&partition->guard);
    partition->readers_out--;
    if (partition->readers_out == 0) {
        dlr_cond_broadcast(&partition->readers_back);
    }
    dlr_mutex_unlock(&partition->guard);
}

void dld_readers_shut(struct dld_partition *partition)
{
    dlr_mutex_lock(&partition->guard);
    partition->is_switching = true;
    while (partition->readers_out > 0) {
        dlr_cond_wait(&partition->readers_back, &partition->guard);
    }
    while (partition->idle_count > 0) {
        dld_reader_free(partition->idle[--partition->idle_count]);
    }
    dlr_mutex_unlock(&partition->guard);
}

void dld_readers_admit(struct dld_partition *partition)
{
    dlr_mutex_lock(&partition->guard);
    partition->is_switching = false;
    dlr_cond_broadcast(&partition->readers_back);
    dlr_mutex_unlock(&partition->guard);
}
