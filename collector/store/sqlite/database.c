/* SPDX-License-Identifier: MIT */
/*
 * Database: SQLite as this store uses it.
 *
 * DESIGN
 * Commits are synchronous=FULL: a 200 is a promise. The log of a partition is
 * folded into its file when it is sealed and not before (wal_autocheckpoint=0):
 * a checkpoint in the middle would write the same pages twice on the thread
 * that ingests. Page caches are small because the kernel has the same pages.
 */
#include "store/sqlite/database.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* A writer elsewhere in this process holds a lock for milliseconds only. */
#define BUSY_TIMEOUT_MS 5000

/* The log takes two writes a page: fewer, larger pages cost a tenth less in
 * all. With 16 KiB, writing the last page anew at each commit eats that up. */
#define WRITE_SETTINGS             \
    "PRAGMA page_size=8192;"       \
    "PRAGMA journal_mode=WAL;"     \
    "PRAGMA synchronous=FULL;"     \
    "PRAGMA wal_autocheckpoint=0;" \
    "PRAGMA temp_store=MEMORY;"    \
    "PRAGMA cache_size=-4096;"

/* With a rollback journal: whoever reads the file alone sees all of a change
 * or nothing of it. What is freed is overwritten. */
#define ALTER_SETTINGS            \
    "PRAGMA journal_mode=DELETE;" \
    "PRAGMA synchronous=FULL;"    \
    "PRAGMA secure_delete=ON;"    \
    "PRAGMA temp_store=MEMORY;"   \
    "PRAGMA cache_size=-4096;"

#define COPY_SETTINGS "PRAGMA synchronous=FULL;"

#define READ_SETTINGS           \
    "PRAGMA query_only=1;"      \
    "PRAGMA temp_store=MEMORY;" \
    "PRAGMA cache_size=-256;"

datalyr_status dld_database_fail(struct dld_database *database,
                                 const char *what, datalyr_error *error)
{
    int code = sqlite3_extended_errcode(database->handle);

    if (error != NULL) {
        error->status = DATALYR_IO;
        error->system_code = code;
        (void)snprintf(error->message, sizeof error->message, "%s: %s (%d)",
                       what, sqlite3_errmsg(database->handle), code);
    }
    return (code & 0xff) == SQLITE_NOMEM ? DATALYR_NOMEM : DATALYR_IO;
}

static const char *const settings[] = {
    [DLD_DATABASE_WRITE] = WRITE_SETTINGS,  [DLD_DATABASE_READ] = READ_SETTINGS,
    [DLD_DATABASE_SETTLED] = READ_SETTINGS, [DLD_DATABASE_COPY] = COPY_SETTINGS,
    [DLD_DATABASE_ALTER] = ALTER_SETTINGS,
};

/* Can it be written into a URI as it is? */
static bool is_plain(const char *path)
{
    return strpbrk(path, "?#%") == NULL;
}

static int open_handle(struct dld_database *database, const char *path,
                       enum dld_database_mode mode)
{
    int flags = SQLITE_OPEN_NOMUTEX;
    char *uri;
    int code;

    if (mode == DLD_DATABASE_WRITE || mode == DLD_DATABASE_COPY) {
        return sqlite3_open_v2(
            path, &database->handle,
            flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    }
    if (mode == DLD_DATABASE_ALTER) {
        return sqlite3_open_v2(path, &database->handle,
                               flags | SQLITE_OPEN_READWRITE, NULL);
    }
    if (mode == DLD_DATABASE_READ || !is_plain(path)) {
        return sqlite3_open_v2(path, &database->handle,
                               flags | SQLITE_OPEN_READONLY, NULL);
    }
    /* Told that nobody writes, SQLite takes no locks on it. */
    uri = sqlite3_mprintf("file:%s?immutable=1", path);
    if (uri == NULL) {
        return SQLITE_NOMEM;
    }
    code =
        sqlite3_open_v2(uri, &database->handle,
                        flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    sqlite3_free(uri);
    return code;
}

datalyr_status dld_database_open(struct dld_database *database,
                                 const char *path, enum dld_database_mode mode,
                                 datalyr_error *error)
{
    datalyr_status status;

    database->handle = NULL;
    if (open_handle(database, path, mode) != SQLITE_OK) {
        status = dld_database_fail(database, path, error);
        dld_database_close(database);
        return status;
    }
    (void)sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    status = dld_database_run(database, settings[mode], error);
    if (status != DATALYR_OK) {
        dld_database_close(database);
    }
    return status;
}

void dld_database_close(struct dld_database *database)
{
    (void)sqlite3_close_v2(database->handle);
    database->handle = NULL;
}

datalyr_status dld_database_run(struct dld_database *database, const char *sql,
                                datalyr_error *error)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return dld_database_fail(database, "store", error);
    }
    return DATALYR_OK;
}

datalyr_status dld_database_prepare(struct dld_database *database,
                                    const char *sql, sqlite3_stmt **out,
                                    datalyr_error *error)
{
    *out = NULL;
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                           out, NULL) != SQLITE_OK) {
        return dld_database_fail(database, "store", error);
    }
    return DATALYR_OK;
}

datalyr_status dld_database_step(struct dld_database *database,
                                 sqlite3_stmt *statement, datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    if (sqlite3_step(statement) != SQLITE_DONE) {
        status = dld_database_fail(database, "store", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

datalyr_status dld_database_next(struct dld_database *database,
                                 sqlite3_stmt *statement, bool *has_row,
                                 datalyr_error *error)
{
    int code = sqlite3_step(statement);

    *has_row = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return dld_database_fail(database, "store", error);
    }
    return DATALYR_OK;
}

void dld_reader_close(struct dld_reader *reader)
{
    for (int i = 0; i < DLD_READER_STATEMENTS; i++) {
        (void)sqlite3_finalize(reader->statements[i]);
        reader->statements[i] = NULL;
    }
    dld_database_close(&reader->database);
}

void dld_reader_free(struct dld_reader *reader)
{
    if (reader != NULL) {
        dld_reader_close(reader);
        dlr_free(reader);
    }
}
