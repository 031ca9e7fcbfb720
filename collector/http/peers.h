/* SPDX-License-Identifier: MIT */
/*
 * Peers: the open connections and the moment each must have got somewhere.
 */
#ifndef DLD_HTTP_PEERS_H
#define DLD_HTTP_PEERS_H

#include "http/network.h"
#include "os/thread.h"

#include <stdbool.h>
#include <stdint.h>

#define DLD_NO_DEADLINE INT64_MAX

struct dld_peer {
    int socket;
    struct dld_address address;
    int64_t deadline_ms; /* by the monotonic clock */
    struct dld_peer *next;
    struct dld_peer *previous;
};

struct dld_peers {
    struct dlr_mutex lock;
    struct dlr_cond wake;
    struct dld_peer *first;
    uint64_t count;
    uint64_t cut_count;
    bool is_stopping;
    struct dlr_thread sweeper;
};

/* 0 or an errno value. */
int dld_peers_start(struct dld_peers *peers);
void dld_peers_stop(struct dld_peers *peers);

/* NULL when out of memory. */
struct dld_peer *dld_peers_add(struct dld_peers *peers, int socket,
                               int64_t deadline_ms);
void dld_peers_remove(struct dld_peers *peers, struct dld_peer *peer);
void dld_peers_set_deadline(struct dld_peers *peers, struct dld_peer *peer,
                            int64_t deadline_ms);

#endif
