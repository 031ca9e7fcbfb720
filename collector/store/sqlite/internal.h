/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: the parts of the SQLite store.
 *
 * FORMAT
 * PATH                    keys of the store: partitions, counters, API keys
 * PATH.events/N.db        one partition: about 200,000 events each
 *
 * A partition is open (the writer appends, no index but the row id), full
 * (waits to be sealed), sealed (its sorted keys are in the file, which only
 * forgetting and retention change) or dropped (its ids are left). What is not
 * sealed has columns of keys in memory, the tail.
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
    DLD_PARTITION_DROPPED, /* too old: nothing is left but its ids */
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
    uint32_t holders;  /* scans that have it in their list */
    bool is_switching; /* somebody needs the file alone */
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
    uint32_t backlog;     /* partitions that wait for the sealer */
    bool has_seal_failed; /* tried again a second later */
    datalyr_error seal_error;
    bool is_recovered;
    bool has_recovery_failed; /* tried again by the writer */
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

#endif
