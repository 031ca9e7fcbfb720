/* SPDX-License-Identifier: MIT */
/*
 * Sorted: the indexes of a sealed partition. Each kind of key is a list of
 * entries in order of key, then of arrival.
 */
#ifndef DLD_STORE_SQLITE_SORTED_H
#define DLD_STORE_SQLITE_SORTED_H

#include "store/sqlite/database.h"
#include "store/store.h"

#include <stddef.h>

/* Beside the kinds of enum dld_key: the time of an event. */
#define DLD_SORTED_TIME 6

struct dld_sorted_entry {
    int64_t key;
    int64_t seq;
};

/* Entries from `first` to `last`, both of them included. */
struct dld_sorted_range {
    int kind;
    struct dld_sorted_entry first;
    struct dld_sorted_entry last;
    bool is_descending;
};

/* Sees an entry's row; false ends the walk. */
typedef bool (*dld_sorted_visit)(void *self, uint64_t seq);

/* Makes the table, empty. */
datalyr_status dld_sorted_create(struct dld_database *database,
                                 datalyr_error *error);
/* Sorts entries that come in order of seq, and writes them. There is room for
 * as many behind them. */
datalyr_status dld_sorted_write(struct dld_database *database, int kind,
                                struct dld_sorted_entry *entries, size_t count,
                                datalyr_error *error);
datalyr_status dld_sorted_walk(struct dld_reader *reader,
                               const struct dld_sorted_range *range,
                               dld_sorted_visit visit, void *self,
                               datalyr_error *error);
/* Takes an entry away, if it is there. */
datalyr_status dld_sorted_remove(struct dld_reader *reader, int kind,
                                 const struct dld_sorted_entry *entry,
                                 datalyr_error *error);

#endif
