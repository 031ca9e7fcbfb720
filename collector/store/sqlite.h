/* SPDX-License-Identifier: MIT */
/*
 * The SQLite store: a small database beside a folder of partitions.
 */
#ifndef DLD_STORE_SQLITE_H
#define DLD_STORE_SQLITE_H

#include "store/store.h"

struct dld_sqlite_options {
    const char *path;
    uint32_t partition_rows; /* 0: the default */
};

/* Opens the store and makes what is missing. Quick: what grows with the number
 * of events is read by recover(). `*out` is filled; close() releases it. */
datalyr_status dld_sqlite_open(const struct dld_sqlite_options *options,
                               struct dld_store *out, datalyr_error *error);

struct dld_backup_stats {
    uint64_t files; /* of events */
};

/* Copies the store at a path to another, which must not be there. A collector
 * may be writing it at the same time. */
datalyr_status dld_sqlite_backup(const char *source, const char *target,
                                 struct dld_backup_stats *stats,
                                 datalyr_error *error);

#endif
