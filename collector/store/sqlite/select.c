/* SPDX-License-Identifier: MIT */
/*
 * Select: rows out of the partitions, in order of arrival.
 *
 * DESIGN
 * Partitions follow each other in order of arrival, so a scan asks them one
 * after the other and stops as soon as its visitor has enough. A sealed one
 * answers by its sorted keys; in an unsealed one the tail names the rows and
 * each is fetched by its row id. Rows that are not committed are never seen, so
 * `seq` is a cursor that no later row can slip behind.
 */
#include "base/mem.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sorted.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS "seq, workspace, flags, time, received, content, id, doc"

/* Statements of a reader, by number; some more are those of sorted.c. */
enum {
    STATEMENT_RANGE_UP,
    STATEMENT_RANGE_DOWN,
    STATEMENT_SEQ = 5,
};

struct partition_scan {
    struct dld_partition *partition;
    const struct dld_scan *scan;
    uint64_t key;
    uint64_t before; /* seq, exclusive, never 0 */
    size_t rows;     /* of the partition */
    dld_visit visit;
    void *visitor;
    bool is_over;          /* the visitor has enough */
    datalyr_status status; /* of the last row */
    struct dld_reader *reader;
    datalyr_error *error;
};

static const char *const statements[] = {
    [STATEMENT_RANGE_UP] = "SELECT " COLUMNS " FROM event WHERE seq > ?1 AND "
                           "seq < ?2 ORDER BY seq",
    [STATEMENT_RANGE_DOWN] = "SELECT " COLUMNS " FROM event WHERE seq > ?1 AND "
                             "seq < ?2 ORDER BY seq DESC",
    [STATEMENT_SEQ] = "SELECT " COLUMNS " FROM event WHERE seq = ?1",
};

static datalyr_status get_statement(struct dld_reader *reader, int number,
                                    sqlite3_stmt **out, datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    if (reader->statements[number] == NULL) {
        status = dld_database_prepare(&reader->database, statements[number],
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

/* Walks over a range of row ids. */
static datalyr_status walk_rows(struct partition_scan *work)
{
    sqlite3_stmt *statement;
    datalyr_status status = get_statement(
        work->reader,
        work->scan->descending ? STATEMENT_RANGE_DOWN : STATEMENT_RANGE_UP,
        &statement, work->error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)work->scan->after);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)work->before);
    return walk(work, statement);
}

static datalyr_status walk_row(struct partition_scan *work, uint64_t seq)
{
    sqlite3_stmt *statement;
    datalyr_status status =
        get_statement(work->reader, STATEMENT_SEQ, &statement, work->error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)seq);
    return walk(work, statement);
}

static datalyr_status walk_seqs(struct partition_scan *work,
                                const uint64_t *seqs, size_t count)
{
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < count && !work->is_over && status == DATALYR_OK;
         i++) {
        status =
            walk_row(work, seqs[work->scan->descending ? count - 1 - i : i]);
    }
    return status;
}

static bool visit_entry(void *self, uint64_t seq)
{
    struct partition_scan *work = self;

    work->status = walk_row(work, seq);
    return work->status == DATALYR_OK && !work->is_over;
}

/* By the sorted keys of a sealed partition. */
static datalyr_status walk_key(struct partition_scan *work)
{
    struct dld_sorted_range range = {
        .kind = (int)work->scan->key,
        .first = {(int64_t)work->key, (int64_t)work->scan->after + 1},
        .last = {(int64_t)work->key, (int64_t)work->before - 1},
        .is_descending = work->scan->descending,
    };
    datalyr_status status =
        dld_sorted_walk(work->reader, &range, visit_entry, work, work->error);

    return status == DATALYR_OK ? work->status : status;
}

/* Rows of a time range; `cap` are all there are. */
struct picked {
    uint64_t after;
    uint64_t before;
    uint64_t *seqs;
    size_t count;
    size_t cap;
};

static bool pick_entry(void *self, uint64_t seq)
{
    struct picked *picked = self;

    if (seq > picked->after && seq < picked->before &&
        picked->count < picked->cap) {
        picked->seqs[picked->count++] = seq;
    }
    return true;
}

static int compare_seqs(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* By time, then in order of arrival. */
static datalyr_status walk_time(struct partition_scan *work)
{
    const struct dld_scan *scan = work->scan;
    struct dld_sorted_range range = {
        .kind = DLD_SORTED_TIME,
        .first = {scan->since_ms, 0},
        .last = {scan->until_ms - 1, INT64_MAX},
    };
    struct picked picked = {
        .after = scan->after, .before = work->before, .cap = work->rows};
    datalyr_status status;

    picked.seqs = dlr_malloc((picked.cap + 1) * sizeof *picked.seqs);
    if (picked.seqs == NULL) {
        return DATALYR_NOMEM;
    }
    status =
        dld_sorted_walk(work->reader, &range, pick_entry, &picked, work->error);
    if (status == DATALYR_OK) {
        qsort(picked.seqs, picked.count, sizeof *picked.seqs, compare_seqs);
        status = walk_seqs(work, picked.seqs, picked.count);
    }
    dlr_free(picked.seqs);
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
    if (work->scan->key != DLD_KEY_NONE) {
        return walk_key(work);
    }
    return is_inside ? walk_rows(work) : walk_time(work);
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
    work->rows = (size_t)partition->rows;
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
        /* Its events may have gone while we waited for the file; now they
         * stay until it is given back. */
        if (dld_partition_look(partition) != DLD_PARTITION_DROPPED) {
            status = seqs != NULL ? walk_seqs(work, seqs, count)
                                  : walk_range(work, has_tail || is_inside);
        }
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
                      uint64_t *seqs, size_t cap, bool *has_tail)
{
    size_t count = 0;
    uint32_t row;
    uint32_t slot;

    dlr_mutex_lock(&partition->guard);
    *has_tail = partition->tail != NULL;
    if (*has_tail) {
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
    bool has_tail;
    size_t count = pick_id(partition, key, seqs, SAME_KEY_MAX, &has_tail);
    datalyr_status status = dld_reader_take(partition, &work.reader, error);

    if (status != DATALYR_OK) {
        return status;
    }
    status = has_tail ? walk_seqs(&work, seqs, count) : walk_range(&work, true);
    dld_reader_give_back(partition, &work.reader);
    *known = match.known;
    return status;
}
