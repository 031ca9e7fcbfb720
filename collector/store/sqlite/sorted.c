/* SPDX-License-Identifier: MIT */
/*
 * Sorted: entries in pieces of a page.
 *
 * DESIGN
 * A partition is sealed once, and the keys are in memory then: they are sorted
 * there, and what SQLite is given are rows of 250 entries with the first one
 * beside them. Indexes of SQLite's own read the table once each and cost ten
 * times the processor time. A look-up finds the piece in which its range begins
 * and walks on from there.
 *
 * FORMAT
 * sorted(kind, key, seq, data): `data` is dld_sorted_entry after
 * dld_sorted_entry in host byte order, `key` and `seq` are those of the first.
 */
#include "store/sqlite/sorted.h"

#include <string.h>

/* Two pieces fill a page of 8 KiB. */
#define PIECE_ENTRIES 250u

/* Statements of a reader, by number. */
enum {
    STATEMENT_START = 2,
    STATEMENT_UP,
    STATEMENT_DOWN,
};

static const char *const statements[] = {
    [STATEMENT_START] = "SELECT key, seq, rowid, data FROM sorted WHERE "
                        "kind = ?1 AND (key, seq) <= (?2, ?3) "
                        "ORDER BY key DESC, seq DESC LIMIT 1",
    [STATEMENT_UP] = "SELECT key, seq, rowid, data FROM sorted WHERE "
                     "kind = ?1 AND (key, seq) >= (?2, ?3) ORDER BY key, seq",
    [STATEMENT_DOWN] = "SELECT key, seq, rowid, data FROM sorted WHERE "
                       "kind = ?1 AND (key, seq) <= (?2, ?3) "
                       "ORDER BY key DESC, seq DESC",
};

static int compare(const struct dld_sorted_entry *a,
                   const struct dld_sorted_entry *b)
{
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* ----------------------------------------------------------------- writing */

datalyr_status dld_sorted_create(struct dld_database *database,
                                 datalyr_error *error)
{
    return dld_database_run(
        database,
        "DROP TABLE IF EXISTS sorted;"
        "CREATE TABLE sorted(kind INTEGER NOT NULL, key INTEGER NOT NULL,"
        "seq INTEGER NOT NULL, data BLOB NOT NULL);"
        "CREATE INDEX sorted_first ON sorted(kind, key, seq);",
        error);
}

static unsigned byte_of(const struct dld_sorted_entry *entry, int shift)
{
    /* Negative keys first. */
    uint64_t key = (uint64_t)entry->key ^ UINT64_C(1) << 63;

    return (unsigned)(key >> shift & 0xff);
}

/* By one byte of the key; entries with the same byte stay as they are. False:
 * all have the same, and nothing was moved. */
static bool sort_by_byte(const struct dld_sorted_entry *from, size_t count,
                         int shift, struct dld_sorted_entry *to)
{
    size_t places[256] = {0};
    size_t place = 0;

    for (size_t i = 0; i < count; i++) {
        places[byte_of(&from[i], shift)]++;
    }
    if (places[byte_of(&from[0], shift)] == count) {
        return false;
    }
    for (size_t i = 0; i < 256; i++) {
        size_t next = place + places[i];

        places[i] = place;
        place = next;
    }
    for (size_t i = 0; i < count; i++) {
        to[places[byte_of(&from[i], shift)]++] = from[i];
    }
    return true;
}

/* Returns where the result is: there, or behind. */
static const struct dld_sorted_entry *sort(struct dld_sorted_entry *entries,
                                           size_t count)
{
    struct dld_sorted_entry *spare = entries + count;

    for (int shift = 0; shift < 64 && count > 1; shift += 8) {
        if (sort_by_byte(entries, count, shift, spare)) {
            struct dld_sorted_entry *sorted = spare;

            spare = entries;
            entries = sorted;
        }
    }
    return entries;
}

static void bind_entry(sqlite3_stmt *statement, int kind,
                       const struct dld_sorted_entry *entry)
{
    (void)sqlite3_bind_int64(statement, 1, kind);
    (void)sqlite3_bind_int64(statement, 2, entry->key);
    (void)sqlite3_bind_int64(statement, 3, entry->seq);
}

datalyr_status dld_sorted_write(struct dld_database *database, int kind,
                                struct dld_sorted_entry *entries, size_t count,
                                datalyr_error *error)
{
    const struct dld_sorted_entry *sorted = sort(entries, count);
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        database, "INSERT INTO sorted VALUES(?1, ?2, ?3, ?4)", &statement,
        error);

    for (size_t at = 0; at < count && status == DATALYR_OK;
         at += PIECE_ENTRIES) {
        size_t left = count - at < PIECE_ENTRIES ? count - at : PIECE_ENTRIES;

        bind_entry(statement, kind, &sorted[at]);
        (void)sqlite3_bind_blob64(statement, 4, &sorted[at],
                                  left * sizeof *sorted, SQLITE_STATIC);
        status = dld_database_step(database, statement, error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* ----------------------------------------------------------------- walking */

static datalyr_status begin(struct dld_reader *reader, int number, int kind,
                            const struct dld_sorted_entry *entry,
                            datalyr_error *error)
{
    sqlite3_stmt **statement = &reader->statements[number];
    datalyr_status status = DATALYR_OK;

    if (*statement == NULL) {
        status = dld_database_prepare(&reader->database, statements[number],
                                      statement, error);
    }
    if (status == DATALYR_OK) {
        bind_entry(*statement, kind, entry);
    }
    return status;
}

/* Where the piece begins that an entry is in, or would be. */
static datalyr_status find_piece(struct dld_reader *reader, int kind,
                                 struct dld_sorted_entry *entry,
                                 datalyr_error *error)
{
    datalyr_status status = begin(reader, STATEMENT_START, kind, entry, error);
    sqlite3_stmt *statement = reader->statements[STATEMENT_START];
    int code;

    if (status != DATALYR_OK) {
        return status;
    }
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        entry->key = sqlite3_column_int64(statement, 0);
        entry->seq = sqlite3_column_int64(statement, 1);
    } else if (code != SQLITE_DONE) {
        status = dld_database_fail(&reader->database, "store", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

static struct dld_sorted_entry entry_at(sqlite3_stmt *statement, size_t index)
{
    struct dld_sorted_entry entry;

    /* Nothing is said about where a blob lies. */
    memcpy(&entry,
           (const char *)sqlite3_column_blob(statement, 3) +
               index * sizeof entry,
           sizeof entry);
    return entry;
}

static size_t count_entries(sqlite3_stmt *statement)
{
    return (size_t)sqlite3_column_bytes(statement, 3) /
           sizeof(struct dld_sorted_entry);
}

/* False when the walk is over. */
static bool walk_piece(const struct dld_sorted_range *range,
                       sqlite3_stmt *statement, dld_sorted_visit visit,
                       void *self)
{
    size_t count = count_entries(statement);

    for (size_t i = 0; i < count; i++) {
        struct dld_sorted_entry entry =
            entry_at(statement, range->is_descending ? count - 1 - i : i);
        bool is_early = compare(&entry, &range->first) < 0;
        bool is_late = compare(&entry, &range->last) > 0;

        if (range->is_descending ? is_early : is_late) {
            return false;
        }
        if (!is_early && !is_late && !visit(self, (uint64_t)entry.seq)) {
            return false;
        }
    }
    return true;
}

datalyr_status dld_sorted_walk(struct dld_reader *reader,
                               const struct dld_sorted_range *range,
                               dld_sorted_visit visit, void *self,
                               datalyr_error *error)
{
    int number = range->is_descending ? STATEMENT_DOWN : STATEMENT_UP;
    struct dld_sorted_entry start =
        range->is_descending ? range->last : range->first;
    datalyr_status status = DATALYR_OK;
    sqlite3_stmt *statement;
    int code = SQLITE_ROW;

    if (!range->is_descending) {
        status = find_piece(reader, range->kind, &start, error);
    }
    if (status == DATALYR_OK) {
        status = begin(reader, number, range->kind, &start, error);
    }
    if (status != DATALYR_OK) {
        return status;
    }
    statement = reader->statements[number];
    while (code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW && !walk_piece(range, statement, visit, self)) {
            code = SQLITE_DONE;
        }
    }
    if (code != SQLITE_DONE) {
        status = dld_database_fail(&reader->database, "store", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

/* ---------------------------------------------------------------- removing */

static datalyr_status change_piece(struct dld_reader *reader, int64_t row,
                                   const struct dld_sorted_entry *entries,
                                   size_t count, datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &reader->database,
        count == 0 ? "DELETE FROM sorted WHERE rowid = ?1"
                   : "UPDATE sorted SET key = ?2, seq = ?3, data = ?4 "
                     "WHERE rowid = ?1",
        &statement, error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(statement, 1, row);
    if (count > 0) {
        (void)sqlite3_bind_int64(statement, 2, entries[0].key);
        (void)sqlite3_bind_int64(statement, 3, entries[0].seq);
        (void)sqlite3_bind_blob64(statement, 4, entries,
                                  count * sizeof *entries, SQLITE_STATIC);
    }
    status = dld_database_step(&reader->database, statement, error);
    (void)sqlite3_finalize(statement);
    return status;
}

datalyr_status dld_sorted_remove(struct dld_reader *reader, int kind,
                                 const struct dld_sorted_entry *entry,
                                 datalyr_error *error)
{
    struct dld_sorted_entry left[PIECE_ENTRIES];
    datalyr_status status = begin(reader, STATEMENT_START, kind, entry, error);
    sqlite3_stmt *statement = reader->statements[STATEMENT_START];
    int64_t row = 0;
    size_t found = 0;
    size_t count = 0;
    int code;

    if (status != DATALYR_OK) {
        return status;
    }
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        row = sqlite3_column_int64(statement, 2);
        found = count_entries(statement);
    }
    for (size_t i = 0; i < found; i++) {
        struct dld_sorted_entry one = entry_at(statement, i);

        if (compare(&one, entry) != 0 && count < PIECE_ENTRIES) {
            left[count++] = one;
        }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = dld_database_fail(&reader->database, "store", error);
    }
    (void)sqlite3_reset(statement);
    if (status == DATALYR_OK && count < found) {
        status = change_piece(reader, row, left, count, error);
    }
    return status;
}
