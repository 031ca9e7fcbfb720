/* SPDX-License-Identifier: MIT */
/*
 * rawsql: how fast SQLite takes rows like the collector's when it keeps no
 * index at all: what the collector is measured against.
 *
 *     rawsql FILE ROWS
 *
 * One thread, prepared inserts, a synced commit each thousand rows (WAL,
 * synchronous=FULL). Prints one line of JSON.
 */
#include "client/work.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS_PER_COMMIT 1000

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* exists */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(const char *path, sqlite3 **db, sqlite3_stmt **insert)
{
    return sqlite3_open(path, db) == SQLITE_OK &&
           run(*db, "PRAGMA journal_mode=WAL") &&
           run(*db, "PRAGMA synchronous=FULL") &&
           run(*db, "CREATE TABLE events(id INTEGER PRIMARY KEY, event_id BLOB,"
                    " event TEXT, user TEXT, anonymous TEXT, time INTEGER,"
                    " json TEXT)") &&
           sqlite3_prepare_v2(*db,
                              "INSERT INTO events(event_id, event, user,"
                              " anonymous, time, json) VALUES(?,?,?,?,?,?)",
                              -1, insert, NULL) == SQLITE_OK;
}

static bool insert_row(sqlite3_stmt *insert, struct work *work, uint64_t n)
{
    char json[1024];
    uint64_t id[2] = {n * UINT64_C(0x9e3779b97f4a7c15), n};
    size_t len;

    work_turn(work, n);
    len = work_write_json(work, n, json);
    return sqlite3_bind_blob(insert, 1, id, sizeof id, SQLITE_STATIC) ==
               SQLITE_OK &&
           sqlite3_bind_text(insert, 2, "purchase", 8, SQLITE_STATIC) ==
               SQLITE_OK &&
           sqlite3_bind_text(insert, 3, work->user_id, -1, SQLITE_STATIC) ==
               SQLITE_OK &&
           sqlite3_bind_text(insert, 4, work->order_id, -1, SQLITE_STATIC) ==
               SQLITE_OK &&
           sqlite3_bind_int64(insert, 5, (sqlite3_int64)n) == SQLITE_OK &&
           sqlite3_bind_text(insert, 6, json, (int)len, SQLITE_STATIC) ==
               SQLITE_OK &&
           sqlite3_step(insert) == SQLITE_DONE &&
           sqlite3_reset(insert) == SQLITE_OK;
}

int main(int argc, char **argv)
{
    static struct work work;
    char *end = NULL;
    uint64_t rows = argc == 3 ? strtoull(argv[2], &end, 10) : 0;
    sqlite3_stmt *insert = NULL;
    sqlite3 *db = NULL;
    bool is_well;
    int64_t begin_ns;

    if (rows == 0 || *end != '\0') {
        fprintf(stderr, "usage: rawsql FILE ROWS\n");
        return 2;
    }
    work_init(&work, WORK_USUAL);
    is_well = prepare(argv[1], &db, &insert);
    begin_ns = now_ns();
    for (uint64_t n = 0; n < rows && is_well; n++) {
        is_well = (n % ROWS_PER_COMMIT != 0 || run(db, "BEGIN")) &&
                  insert_row(insert, &work, n) &&
                  ((n + 1) % ROWS_PER_COMMIT != 0 || run(db, "COMMIT"));
    }
    if (!is_well) {
        fprintf(stderr, "rawsql: %s\n", sqlite3_errmsg(db));
        return EXIT_FAILURE;
    }
    printf("{\"benchmark\":\"rawsql\",\"rows\":%" PRIu64
           ",\"rows_per_second\":%.1f}\n",
           rows, (double)rows * 1e9 / (double)(now_ns() - begin_ns));
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return EXIT_SUCCESS;
}
