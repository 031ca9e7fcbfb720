/* SPDX-License-Identifier: MIT */
/*
 * Collector: all parts of datalyrd, started and stopped in order.
 */
#ifndef DLD_COLLECTOR_H
#define DLD_COLLECTOR_H

#include "api/api.h"
#include "options.h"
#include "store/key_table.h"

#define DLD_ADDRESS_CAP  128
#define DLD_KEY_PATH_CAP 4096

struct dld_collector {
    struct dld_store store;
    struct dld_writer *writer;
    struct dld_keys *keys;
    struct dld_key_table *key_table;
    struct dld_log *log;
    struct dld_pool *pool;
    struct dld_server *server;
    struct dld_api api;
    char address[DLD_ADDRESS_CAP];
    char made_key[DLD_KEY_TEXT_CAP]; /* of the key file; empty: keys given */
    char key_path[DLD_KEY_PATH_CAP];
    struct dld_networks proxies;
    char *certificate;
    char *private_key;
    uint64_t keep_ms;
    struct dld_job retain; /* one at a time */
    atomic_bool is_retaining;
    int64_t quiet_until_ms; /* the store's failures are not said again before */
    int failed_exit;        /* exit code that fits the failure */
};

datalyr_status dld_collector_start(const struct dld_options *options,
                                   struct dld_collector *collector,
                                   datalyr_error *error);

/* Lets events go that are too old; does nothing while that is being done. */
void dld_collector_retain(struct dld_collector *collector);

/* Takes over keys that were added or revoked since the last call. */
void dld_collector_refresh_keys(struct dld_collector *collector);

/* Answers what is in work, writes what is queued, and prints the ledger. */
void dld_collector_stop(struct dld_collector *collector, FILE *ledger);

#endif
