/* SPDX-License-Identifier: MIT */
/*
 * Database: one SQLite connection with our settings, and its statements.
 */
#ifndef DLD_STORE_SQLITE_DATABASE_H
#define DLD_STORE_SQLITE_DATABASE_H

#include <datalyr.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero is closed. */
struct dld_database {
    sqlite3 *handle;
};

enum dld_database_mode {
    DLD_DATABASE_WRITE,   /* made if missing; write-ahead log */
    DLD_DATABASE_READ,    /* others may be writing */
    DLD_DATABASE_SETTLED, /* nobody writes it any more */
    DLD_DATABASE_COPY,    /* made if missing; nobody else has it */
    DLD_DATABASE_ALTER,   /* changes a settled one; nobody else has it */
};

datalyr_status dld_database_open(struct dld_database *database,
                                 const char *path, enum dld_database_mode mode,
                                 datalyr_error *error);
void dld_database_close(struct dld_database *database);

datalyr_status dld_database_run(struct dld_database *database, const char *sql,
                                datalyr_error *error);
datalyr_status dld_database_prepare(struct dld_database *database,
                                    const char *sql, sqlite3_stmt **out,
                                    datalyr_error *error);
/* Runs a statement that returns no row, and resets it. */
datalyr_status dld_database_step(struct dld_database *database,
                                 sqlite3_stmt *statement, datalyr_error *error);
/* Goes to the next row; false in `has_row` when there is none. An error is not
 * the end of the rows. */
datalyr_status dld_database_next(struct dld_database *database,
                                 sqlite3_stmt *statement, bool *has_row,
                                 datalyr_error *error);
/* Turns what SQLite says into our error; returns its status. */
datalyr_status dld_database_fail(struct dld_database *database,
                                 const char *what, datalyr_error *error);

#define DLD_READER_STATEMENTS 6

/* A connection that reads a partition, with its statements made on demand. */
struct dld_reader {
    struct dld_database database;
    sqlite3_stmt *statements[DLD_READER_STATEMENTS];
};

void dld_reader_close(struct dld_reader *reader);
/* Accepts NULL. */
void dld_reader_free(struct dld_reader *reader);

#endif
