/* SPDX-License-Identifier: MIT */
/*
 * Summary: what a sealed partition tells the next start without its table
 * being read: the keys of ids, visitors and users, and events by workspace, in
 * host byte order.
 */
#ifndef DLD_STORE_SQLITE_SUMMARY_H
#define DLD_STORE_SQLITE_SUMMARY_H

#include "store/sqlite/database.h"

#include <stddef.h>

/* One distinct visitor or user of a partition, or the events of a workspace
 * (then `key` is their number). */
struct dld_summary_entry {
    uint64_t key;
    uint32_t workspace;
    uint32_t is_unowned;
};

struct dld_summary {
    const char *name;        /* "id", "visitor", "user" or "workspace" */
    sqlite3_stmt *statement; /* holds the data; the caller's to finalize */
    const void *data;
    size_t size;
};

datalyr_status dld_summary_write(struct dld_database *database,
                                 const char *name, const void *data,
                                 size_t size, datalyr_error *error);
datalyr_status dld_summary_read(struct dld_database *database,
                                struct dld_summary *summary,
                                datalyr_error *error);

#endif
