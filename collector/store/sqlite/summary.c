/* SPDX-License-Identifier: MIT */
/*
 * Summary: a row of a small table in the file of the partition.
 */
#include "store/sqlite/summary.h"

datalyr_status dld_summary_write(struct dld_database *database,
                                 const char *name, const void *data,
                                 size_t size, datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        database, "INSERT OR REPLACE INTO summary VALUES(?1, ?2)", &statement,
        error);

    if (status == DATALYR_OK) {
        (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(statement, 2, data == NULL ? "" : data, size,
                                  SQLITE_STATIC);
        status = dld_database_step(database, statement, error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

datalyr_status dld_summary_read(struct dld_database *database,
                                struct dld_summary *summary,
                                datalyr_error *error)
{
    sqlite3_stmt **out = &summary->statement;
    datalyr_status status = dld_database_prepare(
        database, "SELECT data FROM summary WHERE name = ?1", out, error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_text(*out, 1, summary->name, -1, SQLITE_STATIC);
    if (sqlite3_step(*out) != SQLITE_ROW) {
        return dld_database_fail(database, "store: summary", error);
    }
    summary->data = sqlite3_column_blob(*out, 0);
    summary->size = (size_t)sqlite3_column_bytes(*out, 0);
    return DATALYR_OK;
}
