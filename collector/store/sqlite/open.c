/* SPDX-License-Identifier: MIT */
/*
 * Open: the life of a store, from the first file to the last.
 */
#include "base/mem.h"
#include "store/sqlite.h"
#include "store/sqlite/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *path, const char *suffix)
{
    size_t cap = strlen(path) + strlen(suffix) + 1;
    char *joined = dlr_malloc(cap);

    if (joined != NULL) {
        (void)snprintf(joined, cap, "%s%s", path, suffix);
    }
    return joined;
}

static datalyr_status make_folder(struct dld_sqlite *store,
                                  datalyr_error *error)
{
    if (mkdir(store->folder, 0700) != 0 && errno != EEXIST) {
        error->status = DATALYR_IO;
        error->system_code = errno;
        (void)snprintf(error->message, sizeof error->message,
                       "cannot make the folder %.150s: %s", store->folder,
                       strerror(errno));
        return DATALYR_IO;
    }
    return DATALYR_OK;
}

static void free_store(struct dld_sqlite *store)
{
    for (size_t i = 0; i < store->partition_count; i++) {
        dld_partition_free(store->partitions[i]);
    }
    dlr_free(store->partitions);
    dld_seen_clear(store);
    dlr_free(store->workspaces);
    dld_database_close(&store->meta);
    dlr_free(store->path);
    dlr_free(store->folder);
    dlr_free(store);
}

/* Keeps two processes from writing one store. The lock dies with us. */
static datalyr_status lock_store(struct dld_sqlite *store, datalyr_error *error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = join(store->folder, "/lock");

    store->lock_file =
        path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    dlr_free(path);
    if (store->lock_file >= 0 && fcntl(store->lock_file, F_SETLK, &lock) == 0) {
        return DATALYR_OK;
    }
    error->status = DATALYR_IO;
    error->system_code = errno;
    (void)snprintf(error->message, sizeof error->message,
                   errno == EACCES || errno == EAGAIN
                       ? "%.150s is in use by another datalyrd"
                       : "%.150s cannot be locked",
                   store->path);
    return DATALYR_IO;
}

static void close_store(void *self)
{
    struct dld_sqlite *store = self;
    datalyr_error error;

    dlr_mutex_lock(&store->lock);
    store->is_stopping = true;
    dlr_cond_broadcast(&store->changed);
    dlr_mutex_unlock(&store->lock);
    dlr_thread_join(&store->sealer);
    dld_append_close(store);
    (void)dld_meta_save_counters(store, &error);
    (void)close(store->lock_file);
    free_store(store);
}

static void fill_table(struct dld_sqlite *store, struct dld_store *out)
{
    *out = (struct dld_store){
        .self = store,
        .recover = dld_sqlite_recover,
        .put = dld_sqlite_put,
        .commit = dld_sqlite_commit,
        .rollback = dld_sqlite_rollback,
        .count_rejected = dld_sqlite_count_rejected,
        .count_verdicts = dld_sqlite_count_verdicts,
        .scan = dld_sqlite_scan,
        .may_have_unowned = dld_sqlite_may_have_unowned,
        .stats = dld_sqlite_stats,
        .drop_before = dld_sqlite_drop_before,
        .forget = dld_sqlite_forget,
        .reset = dld_sqlite_reset,
        .close = close_store,
    };
}

static datalyr_status open_parts(struct dld_sqlite *store, datalyr_error *error)
{
    datalyr_status status = make_folder(store, error);

    if (status == DATALYR_OK) {
        status = lock_store(store, error);
    }
    if (status == DATALYR_OK) {
        status = dld_meta_open(store, error);
    }
    if (status == DATALYR_OK) {
        status = dld_meta_load_partitions(store, error);
    }
    if (status == DATALYR_OK && dlr_thread_start(&store->sealer, "dld-seal",
                                                 dld_seal_run, store) != 0) {
        status = DATALYR_NOMEM;
    }
    return status;
}

datalyr_status dld_sqlite_open(const struct dld_sqlite_options *options,
                               struct dld_store *out, datalyr_error *error)
{
    struct dld_sqlite *store = dlr_calloc(1, sizeof *store);
    datalyr_status status = DATALYR_NOMEM;

    memset(out, 0, sizeof *out);
    memset(error, 0, sizeof *error);
    if (store == NULL) {
        return status;
    }
    store->lock_file = -1;
    store->path = join(options->path, "");
    store->folder = join(options->path, ".events");
    store->partition_rows = options->partition_rows == 0
                                ? DLD_PARTITION_ROWS
                                : options->partition_rows;
    if (store->path != NULL && store->folder != NULL &&
        dlr_mutex_init(&store->lock) == 0 &&
        dlr_mutex_init(&store->meta_lock) == 0 &&
        dlr_mutex_init(&store->seen_lock) == 0 &&
        dlr_cond_init(&store->changed) == 0) {
        status = open_parts(store, error);
    }
    if (status != DATALYR_OK) {
        if (store->lock_file >= 0) {
            (void)close(store->lock_file);
        }
        free_store(store);
        return status;
    }
    fill_table(store, out);
    return DATALYR_OK;
}
