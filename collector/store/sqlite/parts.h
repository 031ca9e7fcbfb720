/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder call of each other. The structures, and which
 * lock comes first, are in internal.h.
 */
#ifndef DLD_STORE_SQLITE_PARTS_H
#define DLD_STORE_SQLITE_PARTS_H

#include "store/sqlite/internal.h"

/* ------------------------------------------------------------- keys.c */

/* The 64-bit key of a text; never 0, which means "none". An empty text has
 * key 0. */
uint64_t dld_sqlite_key(const struct dld_sqlite *store, enum dld_key kind,
                        uint32_t workspace, struct dlr_text text);

/* ------------------------------------------------------------- meta.c */

datalyr_status dld_meta_open(struct dld_sqlite *store, datalyr_error *error);
datalyr_status dld_meta_load_partitions(struct dld_sqlite *store,
                                        datalyr_error *error);
datalyr_status dld_meta_add_partition(struct dld_sqlite *store,
                                      const struct dld_partition *partition,
                                      datalyr_error *error);
datalyr_status dld_meta_seal_partition(struct dld_sqlite *store,
                                       const struct dld_partition *partition,
                                       datalyr_error *error);
datalyr_status dld_meta_drop_partition(struct dld_sqlite *store,
                                       const struct dld_partition *partition,
                                       datalyr_error *error);
datalyr_status dld_meta_remove_partitions(struct dld_sqlite *store,
                                          uint64_t next_seq,
                                          datalyr_error *error);
/* Writes the counters that changed. */
datalyr_status dld_meta_save_counters(struct dld_sqlite *store,
                                      datalyr_error *error);

/* -------------------------------------------------------- partition.c */

struct dld_partition *dld_partition_new(struct dld_sqlite *store,
                                        uint32_t number, uint64_t first_seq);
void dld_partition_free(struct dld_partition *partition);
/* The state at this moment; it only ever moves on. */
enum dld_partition_state dld_partition_look(struct dld_partition *partition);
/* Opens the file for writing and makes its table; `database` is the writer's. */
datalyr_status dld_partition_create(struct dld_partition *partition,
                                    struct dld_database *database,
                                    datalyr_error *error);
/* Ends what a crash left half done in a file that is not written any more. */
datalyr_status dld_partition_heal(const struct dld_partition *partition,
                                  datalyr_error *error);
/* Removes its files. */
void dld_partition_unlink(const struct dld_partition *partition);
/* Appends to the list of the store. False: out of memory. */
bool dld_partition_list(struct dld_sqlite *store,
                        struct dld_partition *partition);
/* Takes the partition's file for one scan or look-up; give_back follows. */
datalyr_status dld_reader_take(struct dld_partition *partition,
                               struct dld_reader **out, datalyr_error *error);
void dld_reader_give_back(struct dld_partition *partition,
                          struct dld_reader **reader);
/* Closes all idle readers and keeps new ones out until the second call. */
void dld_readers_shut(struct dld_partition *partition);
void dld_readers_admit(struct dld_partition *partition);

/* ------------------------------------------------------------- seen.c */

/* Enters one committed row into visitors, users and counts. */
bool dld_seen_row(struct dld_sqlite *store, const struct dld_tail *tail,
                  uint32_t index);
bool dld_seen_visitor(struct dld_sqlite *store, uint64_t key,
                      uint32_t workspace, bool is_unowned);
bool dld_seen_user(struct dld_sqlite *store, uint64_t key, uint32_t workspace);
/* Called with seen_lock, for one of whom no event is left. */
void dld_seen_forget_visitor(struct dld_sqlite *store, uint64_t key,
                             uint32_t workspace);
void dld_seen_forget_user(struct dld_sqlite *store, uint64_t key,
                          uint32_t workspace);
struct dld_workspace_stats *dld_seen_workspace(struct dld_sqlite *store,
                                               uint32_t workspace);
void dld_seen_clear(struct dld_sqlite *store);
/* Forgets what recover() reads; what the counters told stays. */
void dld_seen_unload(struct dld_sqlite *store);
bool dld_sqlite_may_have_unowned(void *self, uint32_t workspace,
                                 struct dlr_text anonymous);
bool dld_sqlite_stats(void *self, uint32_t workspace,
                      struct dld_store_stats *out);
void dld_sqlite_count_rejected(void *self, uint32_t workspace, uint64_t count);
void dld_sqlite_count_verdicts(void *self, uint32_t workspace,
                               uint64_t duplicates, uint64_t conflicts);

/* ------------------------------------------------------------- load.c */

datalyr_status dld_sqlite_recover(void *self, datalyr_error *error);
/* Waits until recover() is done. False: it failed, or it is time to stop. */
bool dld_sqlite_await_recovery(struct dld_sqlite *store);

/* ----------------------------------------------------------- append.c */

datalyr_status dld_sqlite_put(void *self, struct dld_row *row,
                              enum dld_verdict *verdict, datalyr_error *error);
datalyr_status dld_sqlite_commit(void *self, datalyr_error *error);
void dld_sqlite_rollback(void *self);
/* Opens the newest partition for writing, or a new one behind it. */
datalyr_status dld_append_open(struct dld_sqlite *store, datalyr_error *error);
void dld_append_close(struct dld_sqlite *store);

/* ----------------------------------------------------------- select.c */

datalyr_status dld_sqlite_scan(void *self, const struct dld_scan *scan,
                               dld_visit visit, void *visitor,
                               datalyr_error *error);
/* What is known of an id. */
struct dld_known {
    bool is_found;
    bool is_tombstone; /* its event is gone, and its content not known */
    uint64_t content_hash;
};

/* Looks for the row with this key and id text in one partition. */
datalyr_status dld_select_id(struct dld_partition *partition, uint64_t key,
                             struct dlr_text id, struct dld_known *known,
                             datalyr_error *error);

/* Hands the full partition to the sealer. */
void dld_append_roll(struct dld_sqlite *store);

/* ----------------------------------------------------------- retain.c */

datalyr_status dld_sqlite_drop_before(void *self, int64_t before_ms,
                                      int64_t now_ms, datalyr_error *error);
/* Takes the events from the file of a dropped partition if they are there. */
datalyr_status dld_retain_complete(struct dld_partition *partition,
                                   datalyr_error *error);
datalyr_status dld_retain_find(struct dld_partition *partition, uint64_t key,
                               bool *is_found, datalyr_error *error);

/* ----------------------------------------------------------- forget.c */

datalyr_status dld_sqlite_forget(void *self, const uint64_t *seqs, size_t count,
                                 datalyr_error *error);

/* ------------------------------------------------------------ reset.c */

datalyr_status dld_sqlite_reset(void *self, datalyr_error *error);

/* ------------------------------------------------------------- seal.c */

void dld_seal_run(void *store);
/* Reads what sealing wrote about a partition into the sets. */
datalyr_status dld_seal_load(struct dld_sqlite *store,
                             struct dld_partition *partition,
                             datalyr_error *error);

#endif
