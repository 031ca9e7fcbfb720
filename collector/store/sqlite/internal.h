/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: the parts of the SQLite store.
 *
 * FORMAT
 * PATH                    keys of the store: partitions, counters, API keys
 * PATH.events/N.db        one partition: about 200,000 events each
 *
 * A partition is open (the writer appends, no index but the row id), full
 * (waits for its indexes) or sealed (indexed, never written again). What is
 * not sealed has its columns of keys in memory, the tail, which stands in for
 * the missing indexes.
 *
 * LOCKING, in this order
 * sqlite.lock       the list of partitions and what is next to be sealed
 * partition.guard   the tail, the state and the idle readers of one partition
 * sqlite.seen_lock  the sets of ids, visitors and users, and the counters
 */
#ifndef DLD_STORE_SQLITE_INTERNAL_H
#define DLD_STORE_SQLITE_INTERNAL_H

#include "base/hash.h"
#include "os/thread.h"
#include "store/sqlite/database.h"
#include "store/sqlite/idset.h"
#include "store/sqlite/tail.h"
#include "store/store.h"

/* Enough rows that few partitions are asked, few enough that the tail and the
 * sorting of one stay small. */
#define DLD_PARTITION_ROWS 200000u

/* Large events fill a partition earlier: its log is not folded into the file
 * before it is sealed, and would grow with them. */
#define DLD_PARTITION_BYTES (256u << 20)

/* Payloads of the id set name partitions; the set keeps 65535 for itself. */
#define DLD_PARTITIONS_MAX 65000u

enum dld_partition_state {
    DLD_PARTITION_OPEN,
    DLD_PARTITION_FULL,
    DLD_PARTITION_SEALED,
};

/* Two threads answer questions. */
#define DLD_IDLE_READERS 2

struct dld_partition {
    uint32_t number;
    char *path;
    uint64_t first_seq;

    struct dlr_mutex guard;
    struct dlr_cond readers_back;
    enum dld_partition_state state;
    struct dld_tail *tail; /* NULL when sealed */
    uint64_t rows;         /* committed */
    int64_t first_ms;      /* smallest and largest time_ms */
    int64_t last_ms;
    struct dld_reader *idle[DLD_IDLE_READERS];
    uint32_t idle_count;
    uint32_t readers_out;
    uint32_t holders; /* scans that have it in their list */
    bool is_switching; /* the sealer needs the file for itself */
};

struct dld_workspace_stats {
    struct dld_store_stats numbers;
    bool is_dirty; /* counters differ from those on disk */
};

/* The writer's side of the open partition. */
struct dld_writer_state {
    struct dld_database database;
    sqlite3_stmt *insert;
    sqlite3_stmt *lookup; /* id of a row, uncommitted ones included */
    struct dld_partition *partition;
    uint64_t bytes; /* of docs in the open partition */
    bool in_transaction;
};

struct dld_sqlite {
    char *path;
    char *folder; /* of the partitions */
    int lock_file;
    struct dlr_hash_key hash_key;
    uint64_t next_seq;
    uint64_t loaded_bytes; /* of docs in the partition read last */
    uint32_t partition_rows;
    struct dld_writer_state writer;

    struct dlr_mutex meta_lock;
    struct dld_database meta;

    struct dlr_mutex lock;
    struct dlr_cond changed; /* recovered, something to seal, or stopping */
    struct dld_partition **partitions; /* by number, oldest first */
    size_t partition_count;
    size_t partition_capacity;
    uint32_t backlog; /* partitions that wait for the sealer */
    bool has_seal_failed; /* tried again a second later */
    bool is_recovered;
    bool is_stopping;
    struct dlr_thread sealer;

    struct dlr_mutex seen_lock;
    uint64_t visible_seq; /* of the last committed row */
    struct dld_idset ids;
    struct dld_idset visitors;
    struct dld_idset users;
    struct dld_workspace_stats *workspaces; /* index is the number */
    size_t workspace_count;
};

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
/* Opens the file for writing and makes its table; `database` is the writer's. */
datalyr_status dld_partition_create(struct dld_partition *partition,
                                    struct dld_database *database,
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
struct dld_workspace_stats *dld_seen_workspace(struct dld_sqlite *store,
                                               uint32_t workspace);
void dld_seen_clear(struct dld_sqlite *store);
bool dld_sqlite_may_have_unowned(void *self, uint32_t workspace,
                                 struct dlr_text anonymous);
void dld_sqlite_stats(void *self, uint32_t workspace,
                      struct dld_store_stats *out);
void dld_sqlite_count_rejected(void *self, uint32_t workspace, uint64_t count);
void dld_sqlite_count_verdicts(void *self, uint32_t workspace,
                               uint64_t duplicates, uint64_t conflicts);

/* ------------------------------------------------------------- load.c */

datalyr_status dld_sqlite_recover(void *self, datalyr_error *error);
/* Waits until recover() is done. */
void dld_sqlite_await_recovery(struct dld_sqlite *store);

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
/* The content hash of the row with this key and id text in one partition. */
datalyr_status dld_select_id(struct dld_sqlite *store,
                             struct dld_partition *partition, uint64_t key,
                             const struct dld_row *row, bool *is_found,
                             uint64_t *content_hash, datalyr_error *error);

/* ------------------------------------------------------------ reset.c */

datalyr_status dld_sqlite_reset(void *self, datalyr_error *error);

/* ------------------------------------------------------------- seal.c */

void dld_seal_run(void *store);
/* Reads what sealing wrote about a partition into the sets. */
datalyr_status dld_seal_load(struct dld_sqlite *store,
                             struct dld_partition *partition,
                             datalyr_error *error);

#endif
