/* SPDX-License-Identifier: MIT */
/*
 * Key table: two tables in the small database of the store, on a connection of
 * its own, so that `datalyrd key` works while a collector runs.
 */
#include "store/key_table.h"

#include "base/mem.h"
#include "store/sqlite/database.h"

#include <stdio.h>
#include <string.h>

struct dld_key_table {
    struct dld_database database;
    int64_t data_version;
};

/* Workspace 1 is the one that keys of the command line belong to. */
static const char create_tables[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS workspace("
    "number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "INSERT OR IGNORE INTO workspace VALUES(1, 'default');"
    "CREATE TABLE IF NOT EXISTS api_key("
    "number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, hint TEXT NOT NULL,"
    "workspace INTEGER NOT NULL REFERENCES workspace(number),"
    "roles INTEGER NOT NULL, created INTEGER NOT NULL,"
    "revoked INTEGER NOT NULL DEFAULT 0);"
    "COMMIT;";

datalyr_status dld_key_table_open(const char *store_path,
                                  struct dld_key_table **out,
                                  datalyr_error *error)
{
    struct dld_key_table *table = dlr_calloc(1, sizeof *table);
    datalyr_status status = DATALYR_NOMEM;

    *out = NULL;
    if (table != NULL) {
        status = dld_database_open(&table->database, store_path,
                                   DLD_DATABASE_WRITE, error);
    }
    if (status == DATALYR_OK) {
        status = dld_database_run(&table->database, create_tables, error);
    }
    if (status != DATALYR_OK) {
        dld_key_table_close(&table);
        return status;
    }
    *out = table;
    return DATALYR_OK;
}

void dld_key_table_close(struct dld_key_table **table)
{
    if (*table != NULL) {
        dld_database_close(&(*table)->database);
        dlr_free(*table);
        *table = NULL;
    }
}

static datalyr_status find_workspace(struct dld_key_table *table,
                                     struct dld_key_record *record,
                                     datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &table->database,
        "INSERT INTO workspace(name) VALUES(?1) ON CONFLICT(name) DO UPDATE "
        "SET name = name RETURNING number",
        &statement, error);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)sqlite3_bind_text(statement, 1, record->workspace_name, -1,
                            SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        record->workspace = (uint32_t)sqlite3_column_int64(statement, 0);
    } else {
        status = dld_database_fail(&table->database, "keys", error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static datalyr_status insert_key(struct dld_key_table *table,
                                 struct dld_key_record *record,
                                 datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &table->database,
        "INSERT INTO api_key(hash, hint, workspace, roles, created) "
        "VALUES(?1, ?2, ?3, ?4, ?5)",
        &statement, error);

    if (status == DATALYR_OK) {
        (void)sqlite3_bind_blob(statement, 1, record->hash, sizeof record->hash,
                                SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 2, record->hint, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 3, record->workspace);
        (void)sqlite3_bind_int64(statement, 4, record->roles);
        (void)sqlite3_bind_int64(statement, 5, record->created_ms);
        status = dld_database_step(&table->database, statement, error);
    }
    (void)sqlite3_finalize(statement);
    record->number = sqlite3_last_insert_rowid(table->database.handle);
    return status;
}

datalyr_status dld_key_table_add(struct dld_key_table *table,
                                 struct dld_key_record *record,
                                 datalyr_error *error)
{
    datalyr_status status =
        dld_database_run(&table->database, "BEGIN IMMEDIATE", error);

    if (status != DATALYR_OK) {
        return status;
    }
    status = find_workspace(table, record, error);
    if (status == DATALYR_OK) {
        status = insert_key(table, record, error);
    }
    if (status == DATALYR_OK) {
        return dld_database_run(&table->database, "COMMIT", error);
    }
    (void)dld_database_run(&table->database, "ROLLBACK", NULL);
    return status;
}

datalyr_status dld_key_table_revoke(struct dld_key_table *table, int64_t number,
                                    int64_t now_ms, bool *is_found,
                                    datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status = dld_database_prepare(
        &table->database,
        "UPDATE api_key SET revoked = ?2 WHERE number = ?1 AND revoked = 0",
        &statement, error);

    if (status == DATALYR_OK) {
        (void)sqlite3_bind_int64(statement, 1, number);
        (void)sqlite3_bind_int64(statement, 2, now_ms);
        status = dld_database_step(&table->database, statement, error);
    }
    (void)sqlite3_finalize(statement);
    *is_found = sqlite3_changes(table->database.handle) > 0;
    return status;
}

static void read_text(sqlite3_stmt *statement, int column, char *out,
                      size_t cap)
{
    (void)snprintf(out, cap, "%s",
                   (const char *)sqlite3_column_text(statement, column));
}

static void read_record(sqlite3_stmt *statement, struct dld_key_record *record)
{
    *record = (struct dld_key_record){
        .number = sqlite3_column_int64(statement, 0),
        .workspace = (uint32_t)sqlite3_column_int64(statement, 3),
        .roles = (uint32_t)sqlite3_column_int64(statement, 5),
        .created_ms = sqlite3_column_int64(statement, 6),
        .revoked_ms = sqlite3_column_int64(statement, 7),
    };
    if (sqlite3_column_bytes(statement, 1) == sizeof record->hash) {
        memcpy(record->hash, sqlite3_column_blob(statement, 1),
               sizeof record->hash);
    }
    read_text(statement, 2, record->hint, sizeof record->hint);
    read_text(statement, 4, record->workspace_name,
              sizeof record->workspace_name);
}

datalyr_status dld_key_table_list(struct dld_key_table *table,
                                  void (*show)(void *self,
                                               const struct dld_key_record *),
                                  void *self, datalyr_error *error)
{
    sqlite3_stmt *statement = NULL;
    struct dld_key_record record;
    int code = SQLITE_ROW;
    datalyr_status status = dld_database_prepare(
        &table->database,
        "SELECT k.number, k.hash, k.hint, k.workspace, w.name, k.roles,"
        "k.created, k.revoked FROM api_key k JOIN workspace w "
        "ON w.number = k.workspace ORDER BY k.number",
        &statement, error);

    while (status == DATALYR_OK && code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            read_record(statement, &record);
            show(self, &record);
        } else if (code != SQLITE_DONE) {
            status = dld_database_fail(&table->database, "keys", error);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

bool dld_key_table_has_changed(struct dld_key_table *table)
{
    sqlite3_stmt *statement = NULL;
    int64_t version = table->data_version;

    if (dld_database_prepare(&table->database, "PRAGMA data_version",
                             &statement, NULL) == DATALYR_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        version = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    if (version == table->data_version) {
        return false;
    }
    table->data_version = version;
    return true;
}
