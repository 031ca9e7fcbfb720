/* SPDX-License-Identifier: MIT */
/*
 * Backup: a copy of a store that a collector may be writing at the moment.
 *
 * DESIGN
 * The list of partitions is copied first, then each partition that is on it,
 * every file in one read transaction. What is in the copy is therefore a
 * beginning of the order of arrival: all that was answered with 200 before the
 * backup began, and some of what came in while it ran. If a partition was
 * emptied in between (retention, reset), the list is wrong and all begins
 * anew. The copy of the list gets its name last: if TARGET is there, the
 * backup is complete.
 */
#include "store/sqlite.h"
#include "store/sqlite/database.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 5

struct backup {
    const char *source;
    const char *target;
    char *from; /* paths, made one after the other */
    char *to;
    size_t path_cap;
    struct dld_backup_stats *stats;
    datalyr_error *error;
};

static datalyr_status fail(struct backup *backup, const char *what,
                           const char *path, int code)
{
    backup->error->status = DATALYR_IO;
    backup->error->system_code = code;
    (void)snprintf(backup->error->message, sizeof backup->error->message,
                   "%s %.150s: %s", what, path, strerror(code));
    return DATALYR_IO;
}

static void name_list(struct backup *backup)
{
    (void)snprintf(backup->from, backup->path_cap, "%s", backup->source);
    (void)snprintf(backup->to, backup->path_cap, "%s.part", backup->target);
}

static void name_partition(struct backup *backup, uint32_t number)
{
    (void)snprintf(backup->from, backup->path_cap, "%s.events/%08u.db",
                   backup->source, number);
    (void)snprintf(backup->to, backup->path_cap, "%s.events/%08u.db",
                   backup->target, number);
}

static datalyr_status copy_pages(struct dld_database *from,
                                 struct dld_database *to, datalyr_error *error)
{
    sqlite3_backup *copy =
        sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int code = SQLITE_ERROR;

    if (copy != NULL) {
        do {
            code = sqlite3_backup_step(copy, -1);
            if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
                (void)sqlite3_sleep(10);
            }
        } while (code == SQLITE_BUSY || code == SQLITE_LOCKED);
        (void)sqlite3_backup_finish(copy);
    }
    return code == SQLITE_DONE ? DATALYR_OK
                               : dld_database_fail(to, "backup", error);
}

/* Copies the file of the names that are set. */
static datalyr_status copy_file(struct backup *backup)
{
    struct dld_database from = {0};
    struct dld_database to = {0};
    datalyr_status status = dld_database_open(&from, backup->from,
                                              DLD_DATABASE_READ, backup->error);

    if (status == DATALYR_OK) {
        status = dld_database_open(&to, backup->to, DLD_DATABASE_COPY,
                                   backup->error);
    }
    if (status == DATALYR_OK) {
        status = copy_pages(&from, &to, backup->error);
    }
    dld_database_close(&from);
    dld_database_close(&to);
    return status;
}

/* ------------------------------------------------------------- partitions */

static datalyr_status copy_partition(struct backup *backup,
                                     sqlite3_stmt *statement)
{
    name_partition(backup, (uint32_t)sqlite3_column_int64(statement, 0));
    if (access(backup->from, F_OK) != 0) {
        /* Entered, but its file is not made yet: no event is in it. */
        return DATALYR_OK;
    }
    backup->stats->files++;
    return copy_file(backup);
}

static datalyr_status copy_partitions(struct backup *backup,
                                      struct dld_database *list)
{
    sqlite3_stmt *statement = NULL;
    bool has_row = true;
    datalyr_status status = dld_database_prepare(
        list, "SELECT number FROM partition ORDER BY number", &statement,
        backup->error);

    backup->stats->files = 0;
    while (status == DATALYR_OK && has_row) {
        status = dld_database_next(list, statement, &has_row, backup->error);
        if (has_row) {
            status = copy_partition(backup, statement);
        }
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Does the list of the copy still fit the files? */
static datalyr_status check_list(struct backup *backup,
                                 struct dld_database *list, bool *is_good)
{
    sqlite3_stmt *statement = NULL;
    datalyr_status status;

    *is_good = false;
    name_list(backup);
    status = dld_database_prepare(list, "ATTACH ?1 AS source", &statement,
                                  backup->error);
    if (status == DATALYR_OK) {
        (void)sqlite3_bind_text(statement, 1, backup->from, -1, SQLITE_STATIC);
        status = dld_database_step(list, statement, backup->error);
    }
    (void)sqlite3_finalize(statement);
    if (status == DATALYR_OK) {
        status = dld_database_prepare(
            list,
            "SELECT count(*) FROM main.partition AS a LEFT JOIN "
            "source.partition AS b ON a.number = b.number AND "
            "a.first_seq = b.first_seq WHERE b.number IS NULL OR "
            "(b.is_sealed = 2 AND a.is_sealed <> 2)",
            &statement, backup->error);
    }
    if (status == DATALYR_OK) {
        *is_good = sqlite3_step(statement) == SQLITE_ROW &&
                   sqlite3_column_int(statement, 0) == 0;
        (void)sqlite3_finalize(statement);
    }
    return status;
}

/* -------------------------------------------------------------------- life */

static datalyr_status make_target(struct backup *backup)
{
    struct stat facts;

    if (stat(backup->source, &facts) != 0) {
        return fail(backup, "there is no store", backup->source, errno);
    }
    if (stat(backup->target, &facts) == 0) {
        return fail(backup, "cannot back up to", backup->target, EEXIST);
    }
    (void)snprintf(backup->to, backup->path_cap, "%s.events", backup->target);
    if (mkdir(backup->to, 0700) != 0) {
        return fail(backup, "cannot make", backup->to, errno);
    }
    return DATALYR_OK;
}

static datalyr_status finish(struct backup *backup)
{
    name_list(backup);
    if (rename(backup->to, backup->target) != 0) {
        return fail(backup, "cannot make", backup->target, errno);
    }
    return DATALYR_OK;
}

static datalyr_status copy_all(struct backup *backup, bool *is_good)
{
    struct dld_database list = {0};
    datalyr_status status;

    *is_good = false;
    name_list(backup);
    status = copy_file(backup);
    if (status == DATALYR_OK) {
        status = dld_database_open(&list, backup->to, DLD_DATABASE_COPY,
                                   backup->error);
    }
    if (status == DATALYR_OK) {
        status = copy_partitions(backup, &list);
    }
    if (status == DATALYR_OK) {
        status = check_list(backup, &list, is_good);
    }
    dld_database_close(&list);
    return status;
}

static datalyr_status run(struct backup *backup)
{
    datalyr_status status = make_target(backup);
    bool is_good = false;

    for (int i = 0; i < TRIES && status == DATALYR_OK && !is_good; i++) {
        status = copy_all(backup, &is_good);
    }
    if (status == DATALYR_OK && !is_good) {
        status = fail(backup, "the store was emptied while it was copied",
                      backup->source, EAGAIN);
    }
    return status == DATALYR_OK ? finish(backup) : status;
}

datalyr_status dld_sqlite_backup(const char *source, const char *target,
                                 struct dld_backup_stats *stats,
                                 datalyr_error *error)
{
    size_t longest =
        strlen(source) > strlen(target) ? strlen(source) : strlen(target);
    struct backup backup = {.source = source,
                            .target = target,
                            .path_cap =
                                longest + sizeof ".events/4294967295.db",
                            .stats = stats,
                            .error = error};
    datalyr_status status = DATALYR_NOMEM;

    memset(error, 0, sizeof *error);
    memset(stats, 0, sizeof *stats);
    backup.from = dlr_malloc(backup.path_cap);
    backup.to = dlr_malloc(backup.path_cap);
    if (backup.from != NULL && backup.to != NULL) {
        status = run(&backup);
    }
    dlr_free(backup.from);
    dlr_free(backup.to);
    return status;
}
