/* SPDX-License-Identifier: MIT */
/*
 * Reset: an empty store without a restart, for tests of applications.
 *
 * DESIGN
 * The count of seq goes on, so a cursor taken before stays valid and shows only
 * what came after. The list of partitions is emptied on disk first: files that
 * a crash leaves behind are unknown then, and removed when their number comes
 * up again.
 */
#include "base/mem.h"
#include "store/sqlite/parts.h"

/* Takes the list away and waits until nobody holds one of its partitions. */
static void take_list(struct dld_sqlite *store,
                      struct dld_partition ***partitions, size_t *count)
{
    dlr_mutex_lock(&store->lock);
    *partitions = store->partitions;
    *count = store->partition_count;
    store->partitions = NULL;
    store->partition_count = 0;
    store->partition_capacity = 0;
    store->backlog = 0;
    for (size_t i = 0; i < *count; i++) {
        while ((*partitions)[i]->holders > 0) {
            dlr_cond_wait(&store->changed, &store->lock);
        }
    }
    store->backlog = 0;
    dlr_mutex_unlock(&store->lock);
}

datalyr_status dld_sqlite_reset(void *self, datalyr_error *error)
{
    struct dld_sqlite *store = self;
    struct dld_partition **partitions;
    size_t count;
    datalyr_status status;

    dld_sqlite_rollback(store);
    status = dld_meta_remove_partitions(store, store->next_seq, error);
    if (status != DATALYR_OK) {
        return status;
    }
    dld_append_close(store);
    take_list(store, &partitions, &count);
    for (size_t i = 0; i < count; i++) {
        dld_readers_shut(partitions[i]);
        dld_partition_unlink(partitions[i]);
        dld_partition_free(partitions[i]);
    }
    dlr_free(partitions);
    dlr_mutex_lock(&store->seen_lock);
    dld_seen_clear(store);
    dlr_mutex_unlock(&store->seen_lock);
    return dld_append_open(store, error);
}
