/* SPDX-License-Identifier: MIT */
/*
 * Retain: events older than a date go, a partition at a time; their ids stay.
 *
 * DESIGN
 * A partition goes when its youngest event is too old. What is left of it is
 * the list of id keys, eight bytes each: an event that is delivered again years
 * later is still known, and is not stored a second time. The state is entered
 * first and the file shrunk after: a crash between the two is made good at the
 * next start.
 *
 * Visitors and users whose last event goes are counted no more. Who has others
 * is told by the summaries of the remaining files, which are sorted as those of
 * the dropped one are: a walk over both, not a question for each.
 */
#include "store/sqlite/forget_keys.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/summary.h"

#include <string.h>

/* Visitors and users of dropped files that are looked for in one walk over the
 * others: 32 bytes each. */
#define PEOPLE_MAX 1000000u

static bool is_due(struct dld_partition *partition, int64_t before_ms)
{
    bool answer;

    dlr_mutex_lock(&partition->guard);
    answer = partition->state == DLD_PARTITION_SEALED &&
             partition->last_ms < before_ms;
    dlr_mutex_unlock(&partition->guard);
    return answer;
}

/* The oldest partition that is due. */
static struct dld_partition *find_due(struct dld_sqlite *store,
                                      int64_t before_ms)
{
    struct dld_partition *found = NULL;

    dlr_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->partition_count && found == NULL; i++) {
        if (is_due(store->partitions[i], before_ms)) {
            found = store->partitions[i];
        }
    }
    dlr_mutex_unlock(&store->lock);
    return found;
}

static void take_counts(struct dld_sqlite *store, struct dld_database *database)
{
    sqlite3_stmt *statement = NULL;

    if (dld_database_prepare(database,
                             "SELECT workspace, count(*) FROM event GROUP BY 1",
                             &statement, NULL) != DATALYR_OK) {
        return;
    }
    dlr_mutex_lock(&store->seen_lock);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct dld_workspace_stats *stats = dld_seen_workspace(
            store, (uint32_t)sqlite3_column_int64(statement, 0));
        uint64_t count = (uint64_t)sqlite3_column_int64(statement, 1);

        if (stats != NULL && stats->numbers.events >= count) {
            stats->numbers.events -= count;
        }
    }
    dlr_mutex_unlock(&store->seen_lock);
    (void)sqlite3_finalize(statement);
}

/* The visitors and users of a file whose events go. */
static datalyr_status take_people(struct dld_database *database,
                                  struct dld_forget_keys *people,
                                  datalyr_error *error)
{
    static const struct {
        const char *name;
        enum dld_key kind;
    } kinds[] = {{"user", DLD_KEY_USER}, {"visitor", DLD_KEY_ANONYMOUS}};
    datalyr_status status = DATALYR_OK;

    for (size_t k = 0; k < 2 && status == DATALYR_OK; k++) {
        struct dld_summary summary = {.name = kinds[k].name};

        status = dld_summary_read(database, &summary, error);
        if (status == DATALYR_OK &&
            !dld_forget_note_summary(people, kinds[k].kind, &summary)) {
            status = DATALYR_NOMEM;
        }
        (void)sqlite3_finalize(summary.statement);
    }
    return status;
}

/* Counts those no more that are in no other event. */
static datalyr_status count_out(struct dld_sqlite *store,
                                struct dld_forget_keys *people,
                                datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dld_forget_sort(people);
    for (size_t i = 0; i < store->partition_count && status == DATALYR_OK;
         i++) {
        status =
            dld_forget_look_in_summary(store->partitions[i], people, error);
    }
    if (status == DATALYR_OK) {
        dld_forget_people(store, people);
    }
    dld_forget_clear(people);
    return status;
}

/* With the file alone: no reader has it. `store` is NULL if its events are
 * not counted. */
static datalyr_status empty_file(struct dld_sqlite *store,
                                 struct dld_partition *partition,
                                 struct dld_forget_keys *people,
                                 datalyr_error *error)
{
    struct dld_database database = {0};
    datalyr_status status = dld_database_open(&database, partition->path,
                                              DLD_DATABASE_ALTER, error);

    if (status == DATALYR_OK) {
        if (store != NULL) {
            take_counts(store, &database);
            /* Without their summary they are counted until the next start. */
            (void)take_people(&database, people, error);
        }
        status = dld_database_run(&database,
                                  "BEGIN; DROP TABLE IF EXISTS event;"
                                  "DROP TABLE IF EXISTS sorted;"
                                  "DELETE FROM summary WHERE name <> 'id';"
                                  "COMMIT; VACUUM;",
                                  error);
    }
    dld_database_close(&database);
    return status;
}

datalyr_status dld_retain_complete(struct dld_partition *partition,
                                   datalyr_error *error)
{
    struct dld_database database = {0};
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_open(&database, partition->path,
                                              DLD_DATABASE_SETTLED, error);
    bool has_events = false;

    if (status == DATALYR_OK) {
        status = dld_database_prepare(
            &database, "SELECT 1 FROM sqlite_master WHERE name = 'event'",
            &statement, error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_next(&database, statement, &has_events, error);
    }
    (void)sqlite3_finalize(statement);
    dld_database_close(&database);
    return has_events ? empty_file(NULL, partition, NULL, error) : status;
}

static datalyr_status drop(struct dld_sqlite *store,
                           struct dld_partition *partition,
                           struct dld_forget_keys *people, datalyr_error *error)
{
    datalyr_status status = dld_meta_drop_partition(store, partition, error);

    if (status != DATALYR_OK) {
        return status;
    }
    dld_readers_shut(partition);
    dlr_mutex_lock(&partition->guard);
    partition->state = DLD_PARTITION_DROPPED;
    partition->rows = 0;
    dlr_mutex_unlock(&partition->guard);
    status = empty_file(store, partition, people, error);
    dld_readers_admit(partition);
    return status;
}

/* The open partition is closed early when it is a tenth of the time old: with
 * few events it would never be full, and never go. */
static datalyr_status roll_old(struct dld_sqlite *store, int64_t before_ms,
                               int64_t now_ms, datalyr_error *error)
{
    struct dld_partition *partition = store->writer.partition;
    datalyr_status status = DATALYR_OK;

    if (partition != NULL && partition->rows > 0 &&
        partition->first_ms < now_ms - (now_ms - before_ms) / 10) {
        status = dld_sqlite_commit(store, error);
        if (status == DATALYR_OK && store->writer.partition == partition) {
            dld_append_roll(store);
        }
    }
    return status;
}

datalyr_status dld_sqlite_drop_before(void *self, int64_t before_ms,
                                      int64_t now_ms, datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct dld_partition *partition;
    struct dld_forget_keys people = {0};
    datalyr_status status = roll_old(store, before_ms, now_ms, error);

    while (status == DATALYR_OK &&
           (partition = find_due(store, before_ms)) != NULL) {
        status = drop(store, partition, &people, error);
        if (status == DATALYR_OK && people.count > PEOPLE_MAX) {
            status = count_out(store, &people, error);
        }
    }
    if (status == DATALYR_OK && people.count > 0) {
        status = count_out(store, &people, error);
    }
    dld_forget_clear(&people);
    return status;
}

/* Is the key among those of a partition whose events are gone? */
datalyr_status dld_retain_find(struct dld_partition *partition, uint64_t key,
                               bool *is_found, datalyr_error *error)
{
    struct dld_database database = {0};
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_open(&database, partition->path,
                                              DLD_DATABASE_SETTLED, error);
    bool has_row = false;

    *is_found = false;
    if (status == DATALYR_OK) {
        status = dld_database_prepare(
            &database, "SELECT data FROM summary WHERE name = 'id'", &statement,
            error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_next(&database, statement, &has_row, error);
    }
    if (has_row) {
        const char *keys = sqlite3_column_blob(statement, 0);
        size_t size = (size_t)sqlite3_column_bytes(statement, 0);

        for (size_t at = 0; at + sizeof key <= size && !*is_found;
             at += sizeof key) {
            *is_found = memcmp(keys + at, &key, sizeof key) == 0;
        }
    }
    (void)sqlite3_finalize(statement);
    dld_database_close(&database);
    return status;
}
