/* SPDX-License-Identifier: MIT */
/*
 * Select: rows out of the partitions, in order of arrival.
 *
 * DESIGN
 * Partitions follow each other in order of arrival, so a scan asks them one
 * after the other and stops as soon as its visitor has enough. A sealed one
 * answers by an index; in an unsealed one the tail names the rows and each is
 * fetched by its row id. Rows that are not committed are never seen, so `seq`
 * is a cursor that no later row can slip behind.
 */
#include "base/mem.h"
#include "store/sqlite/parts.h"

#include <stdio.h>

#define COLUMNS "seq, workspace, flags, time, received, content, id, doc"

/* Statements of a reader, by number. Keys take 0 to 11, two orders each. */
enum {
    STATEMENT_SEQ = 12,
    STATEMENT_TIME_UP,
    STATEMENT_TIME_DOWN,
    STATEMENT_ID,
};

static const char *const key_columns[] = {
    [DLD_KEY_NONE] = NULL,       [DLD_KEY_ID] = "id_key",
    [DLD_KEY_USER] = "user_key", [DLD_KEY_ANONYMOUS] = "anonymous_key",
    [DLD_KEY_NAME] = "name_key", [DLD_KEY_LINK] = "link_key",
};

struct partition_scan {
    struct dld_partition *partition;
    const struct dld_scan *scan;
    uint64_t key;
    uint64_t before; /* seq, exclusive, never 0 */
    dld_visit visit;
    void *visitor;
    bool is_over; /* the visitor has enough */
    struct dld_reader *reader;
    datalyr_error *error;
};

static void write_sql(int number, char *out, int cap)
{
    enum dld_key key = (enum dld_key)(number / 2);
    const char *order = number % 2 == 0 ? "" : " DESC";

    if (number == STATEMENT_SEQ) {
        (void)snprintf(out, (size_t)cap,
                       "SELECT " COLUMNS " FROM event WHERE seq = ?1");
    } else if (number == STATEMENT_ID) {
        (void)snprintf(out, (size_t)cap,
                       "SELECT content, id FROM event WHERE id_key = ?1");
    } else if (number >= STATEMENT_TIME_UP) {
        (void)snprintf(out, (size_t)cap,
                       "SELECT " COLUMNS " FROM event WHERE seq IN (SELECT seq "
                       "FROM event WHERE time >= ?3 AND time < ?4 AND "
                       "seq > ?1 AND seq < ?2) ORDER BY seq%s",
                       number == STATEMENT_TIME_UP ? "" : " DESC");
    } else if (key == DLD_KEY_NONE) {
        (void)snprintf(out, (size_t)cap,
                       "SELECT " COLUMNS " FROM event WHERE seq > ?1 AND "
                       "seq < ?2 ORDER BY seq%s",
                       order);
    } else {
        (void)snprintf(out, (size_t)cap,
                       "SELECT " COLUMNS " FROM event WHERE %s = ?3 AND "
                       "seq > ?1 AND seq < ?2 ORDER BY seq%s",
                       key_columns[key], order);
    }
}

static datalyr_status get_statement(struct dld_reader *reader, int number,
                                    sqlite3_stmt **out, datalyr_error *error)
{
    char sql[256];
    datalyr_status status = DATALYR_OK;

    if (reader->statements[number] == NULL) {
        write_sql(number, sql, (int)sizeof sql);
        status = dld_database_prepare(&reader->database, sql,
                                      &reader->statements[number], error);
    }
    *out = reader->statements[number];
    return status;
}

static struct dlr_text column_text(sqlite3_stmt *statement, int column)
{
    const char *ptr = (const char *)sqlite3_column_text(statement, column);

    return dlr_text_n(ptr, (size_t)sqlite3_column_bytes(statement, column));
}

/* Shows the row to the visitor if it is what the scan asks for. */
static void show(struct partition_scan *work, sqlite3_stmt *statement)
{
    struct dld_row row = {0};

    row.seq = (uint64_t)sqlite3_column_int64(statement, 0);
    row.workspace = (uint32_t)sqlite3_column_int64(statement, 1);
    row.time_ms = sqlite3_column_int64(statement, 3);
    if (row.workspace == 0 && work->scan->key != DLD_KEY_ID) {
        return; /* forgotten; only its id is asked for */
    }
    if ((work->scan->workspace != 0 &&
         row.workspace != work->scan->workspace) ||
        row.time_ms < work->scan->since_ms ||
        row.time_ms >= work->scan->until_ms) {
        return;
    }
    row.flags = (uint32_t)sqlite3_column_int64(statement, 2);
    row.received_ms = sqlite3_column_int64(statement, 4);
    row.content_hash = (uint64_t)sqlite3_column_int64(statement, 5);
    row.id = column_text(statement, 6);
    row.doc = column_text(statement, 7);
    work->is_over = !work->visit(work->visitor, &row);
}

static datalyr_status walk(struct partition_scan *work, sqlite3_stmt *statement)
{
    datalyr_status status = DATALYR_OK;
    int code = SQLITE_ROW;

    while (!work->is_over && code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            show(work, statement);
        } else if (code != SQLITE_DONE) {
            status = dld_database_fail(&work->reader->database, "store",
                                       work->error);
        }
    }
    (void)sqlite3_reset(statement);
    return status;
}

/* Walks over a range of row ids or the entries of an index. */
static datalyr_status walk_statement(struct partition_scan *work, int number)
{
    sqlite3_stmt *statement;
    datalyr_status status =
        get_statement(work->reader, number, &statement, work->error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)work->scan->after);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)work->before);
    if (number >= STATEMENT_TIME_UP) {
        (void)sqlite3_bind_int64(statement, 3, work->scan->since_ms);
        (void)sqlite3_bind_int64(statement, 4, work->scan->until_ms);
    } else if (number >= 2) {
        (void)sqlite3_bind_int64(statement, 3, (int64_t)work->key);
    }
    return walk(work, statement);
}

static datalyr_status walk_seqs(struct partition_scan *work,
                                const uint64_t *seqs, size_t count)
{
    sqlite3_stmt *statement;
    datalyr_status status =
        get_statement(work->reader, STATEMENT_SEQ, &statement, work->error);

    for (size_t i = 0; i < count && !work->is_over && status == DATALYR_OK;
         i++) {
        uint64_t seq = seqs[work->scan->descending ? count - 1 - i : i];

        (void)sqlite3_bind_int64(statement, 1, (int64_t)seq);
        status = walk(work, statement);
    }
    return status;
}

static bool is_wanted(const struct partition_scan *work,
                      const struct dld_tail *tail, uint32_t row)
{
    const struct dld_scan *scan = work->scan;
    uint64_t seq = tail->first_seq + row;

    return seq > scan->after && seq < work->before &&
           tail->workspaces[row] != 0 &&
           tail->times_ms[row] >= scan->since_ms &&
           tail->times_ms[row] < scan->until_ms &&
           (scan->workspace == 0 || tail->workspaces[row] == scan->workspace);
}

/* The rows that the tail names, in rising order. */
static size_t pick(const struct partition_scan *work,
                   const struct dld_tail *tail, uint64_t *seqs)
{
    const uint64_t *keys = tail->keys[work->scan->key];
    bool has_key = work->scan->key != DLD_KEY_NONE;
    size_t count = 0;

    for (uint32_t row = 0; row < tail->visible; row++) {
        if ((!has_key || keys[row] == work->key) &&
            is_wanted(work, tail, row)) {
            seqs[count++] = tail->first_seq + row;
        }
    }
    return count;
}

static bool is_plain_range(const struct dld_scan *scan)
{
    return scan->key == DLD_KEY_NONE && scan->since_ms == DLD_TIME_MIN &&
           scan->until_ms == DLD_TIME_MAX;
}

/* Called with the guard; what it returns is used without it. */
static datalyr_status plan_tail(struct partition_scan *work, uint64_t **seqs,
                                size_t *count)
{
    const struct dld_tail *tail = work->partition->tail;
    uint64_t end = tail->first_seq + tail->visible;

    *seqs = NULL;
    *count = 0;
    if (is_plain_range(work->scan)) {
        work->before = work->before < end ? work->before : end;
        return DATALYR_OK;
    }
    *seqs = dlr_malloc(((size_t)tail->visible + 1) * sizeof **seqs);
    if (*seqs == NULL) {
        return DATALYR_NOMEM;
    }
    *count = pick(work, tail, *seqs);
    return DATALYR_OK;
}

static datalyr_status walk_range(struct partition_scan *work, bool is_inside)
{
    bool is_down = work->scan->descending;

    if (work->scan->key == DLD_KEY_NONE && !is_inside) {
        return walk_statement(work, is_down ? STATEMENT_TIME_DOWN
                                            : STATEMENT_TIME_UP);
    }
    return walk_statement(work, (int)work->scan->key * 2 + (is_down ? 1 : 0));
}

static datalyr_status scan_partition(struct partition_scan *work)
{
    struct dld_partition *partition = work->partition;
    const struct dld_scan *scan = work->scan;
    uint64_t *seqs = NULL;
    size_t count = 0;
    bool has_tail;
    bool is_outside;
    bool is_inside;
    datalyr_status status = DATALYR_OK;

    dlr_mutex_lock(&partition->guard);
    is_outside = partition->rows == 0 || partition->last_ms < scan->since_ms ||
                 partition->first_ms >= scan->until_ms;
    is_inside = partition->first_ms >= scan->since_ms &&
                partition->last_ms < scan->until_ms;
    has_tail = partition->tail != NULL;
    if (has_tail && !is_outside) {
        status = plan_tail(work, &seqs, &count);
    }
    dlr_mutex_unlock(&partition->guard);
    if (is_outside || status != DATALYR_OK ||
        (has_tail && seqs != NULL && count == 0)) {
        dlr_free(seqs);
        return status;
    }
    status = dld_reader_take(partition, &work->reader, work->error);
    if (status == DATALYR_OK) {
        status = seqs != NULL ? walk_seqs(work, seqs, count)
                              : walk_range(work, has_tail || is_inside);
        dld_reader_give_back(partition, &work->reader);
    }
    dlr_free(seqs);
    return status;
}

/* Partitions that may hold rows of the scan, each held for the caller. */
static datalyr_status hold_partitions(struct dld_sqlite *store,
                                      struct dld_partition ***out,
                                      size_t *count)
{
    dlr_mutex_lock(&store->lock);
    *count = store->partition_count;
    *out = dlr_malloc((*count + 1) * sizeof **out);
    for (size_t i = 0; *out != NULL && i < *count; i++) {
        (*out)[i] = store->partitions[i];
        (*out)[i]->holders++;
    }
    dlr_mutex_unlock(&store->lock);
    return *out == NULL ? DATALYR_NOMEM : DATALYR_OK;
}

static void release_partitions(struct dld_sqlite *store,
                               struct dld_partition **partitions, size_t count)
{
    dlr_mutex_lock(&store->lock);
    for (size_t i = 0; i < count; i++) {
        partitions[i]->holders--;
    }
    dlr_cond_broadcast(&store->changed);
    dlr_mutex_unlock(&store->lock);
    dlr_free(partitions);
}

static bool is_in_range(struct dld_partition *const *partitions, size_t count,
                        size_t i, const struct dld_scan *scan)
{
    bool is_before_end =
        scan->before == 0 || partitions[i]->first_seq < scan->before;
    bool is_behind_start =
        i + 1 == count || partitions[i + 1]->first_seq > scan->after + 1;

    return is_before_end && is_behind_start;
}

datalyr_status dld_sqlite_scan(void *self, const struct dld_scan *scan,
                               dld_visit visit, void *visitor,
                               datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct dld_partition **partitions = NULL;
    struct partition_scan work = {
        .scan = scan, .visit = visit, .visitor = visitor, .error = error};
    size_t count = 0;
    datalyr_status status;

    if (!dld_sqlite_await_recovery(store)) {
        (void)snprintf(error->message, sizeof error->message,
                       "store: it cannot be read at the moment");
        return DATALYR_IO;
    }
    work.key = dld_sqlite_key(store, scan->key, scan->workspace, scan->value);
    status = hold_partitions(store, &partitions, &count);
    if (status != DATALYR_OK) {
        return status;
    }
    for (size_t i = 0; i < count && !work.is_over && status == DATALYR_OK;
         i++) {
        size_t at = scan->descending ? count - 1 - i : i;

        if (is_in_range(partitions, count, at, scan)) {
            work.partition = partitions[at];
            work.before = scan->before == 0 ? INT64_MAX : scan->before;
            status = scan_partition(&work);
        }
    }
    release_partitions(store, partitions, count);
    return status;
}

/* The row with this id in the tail of a partition that is not sealed yet. */
static size_t pick_id(struct dld_partition *partition, uint64_t key,
                      uint64_t *seqs, size_t cap)
{
    size_t count = 0;
    uint32_t row;
    uint32_t slot;

    dlr_mutex_lock(&partition->guard);
    if (partition->tail != NULL) {
        slot = dld_tail_id_slot(partition->tail, key);
        while (count < cap &&
               dld_tail_find_id(partition->tail, key, &slot, &row)) {
            seqs[count++] = partition->tail->first_seq + row;
        }
    }
    dlr_mutex_unlock(&partition->guard);
    return count;
}

struct id_match {
    struct dlr_text id;
    struct dld_known known;
};

static bool match_id(void *self, const struct dld_row *row)
{
    struct id_match *match = self;

    if (row->workspace == 0) {
        /* Of a forgotten one the key is left, which is the same. */
        match->known =
            (struct dld_known){.is_found = true, .is_tombstone = true};
        return false;
    }
    if (!dlr_text_equals(match->id, row->id)) {
        return true;
    }
    match->known =
        (struct dld_known){.is_found = true, .content_hash = row->content_hash};
    return false;
}

/* Ids with one 64-bit key are at most a few. */
#define SAME_KEY_MAX 16

datalyr_status dld_select_id(struct dld_partition *partition, uint64_t key,
                             struct dlr_text id, struct dld_known *known,
                             datalyr_error *error)
{
    struct dld_scan scan = {
        .key = DLD_KEY_ID, .since_ms = DLD_TIME_MIN, .until_ms = DLD_TIME_MAX};
    struct id_match match = {.id = id};
    uint64_t seqs[SAME_KEY_MAX];
    struct partition_scan work = {.partition = partition,
                                  .scan = &scan,
                                  .key = key,
                                  .before = INT64_MAX,
                                  .visit = match_id,
                                  .visitor = &match,
                                  .error = error};
    size_t count = pick_id(partition, key, seqs, SAME_KEY_MAX);
    datalyr_status status = dld_reader_take(partition, &work.reader, error);

    if (status != DATALYR_OK) {
        return status;
    }
    if (count > 0) {
        status = walk_seqs(&work, seqs, count);
    } else {
        /* By the index; without one it is a walk over the table, but then the
         * set was wrong, which happens once in a million million look-ups. */
        status = walk_range(&work, true);
    }
    dld_reader_give_back(partition, &work.reader);
    *known = match.known;
    return status;
}
