/* SPDX-License-Identifier: MIT */
/*
 * Settings: what a client tells its sender. Where the values come from is the
 * business of src/client.
 */
#ifndef DLR_SENDER_SETTINGS_H
#define DLR_SENDER_SETTINGS_H

#include "queue/heir.h"
#include "queue/sync.h"

#include <datalyr.h>

struct dlr_sender_settings {
    datalyr_hooks hooks;
    bool is_debug;
    int64_t timeout_ms;
    uint32_t retry_limit;
    uint32_t max_in_flight;
    uint64_t max_requests_per_second; /* 0: no limit */
    datalyr_batch_mode batch;
    datalyr_compression_mode compression;
    uint32_t max_batch_events; /* never more than half of the queue */
    size_t max_batch_bytes;
    size_t body_budget;            /* bytes of bodies at any moment */
    uint64_t max_in_flight_events; /* so that something can be evicted */
    uint64_t flush_at;
    int64_t flush_interval_ms;
    struct dlr_journal *journal; /* NULL: none. With one nothing is dropped
                                    for a key, a proxy or an address */
    struct dlr_heir *heir;       /* with a journal */
    struct dlr_sync *sync;       /* with a journal */
    int64_t sync_interval_ms;    /* 0: the sender does not sync */
    const char *warning; /* said at the start; lent for its life; may be NULL */
};

#endif
