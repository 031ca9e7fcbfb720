/* SPDX-License-Identifier: MIT */
/*
 * Live: requests that wait for events that are not there yet.
 */
#ifndef DLD_API_LIVE_H
#define DLD_API_LIVE_H

#include "api/api.h"
#include "api/filter.h"
#include "api/stream.h"

/* One request that waits until `wanted` events match. */
struct dld_waiter {
    struct dld_work *work;
    struct dld_filter filter;
    uint64_t wanted;
    uint64_t count;
    uint64_t last_seq; /* looked at so far */
    int64_t deadline_ms;
    struct dlr_buf body; /* the events that matched */
    struct dld_waiter *next;
};

datalyr_status dld_live_start(struct dld_store *store, struct dld_live **out);
/* Answers all that wait, and all that come later, with 503. Accepts NULL. */
void dld_live_stop(struct dld_live *live);
/* After stop(). Accepts NULL. */
void dld_live_free(struct dld_live *live);

/* Tells that events up to this one can be read. Any thread, never waits. */
void dld_live_commit(void *live, uint64_t last_seq);

/* Takes the waiter, which must be from dlr_calloc(), and its deferred request. */
void dld_live_wait(struct dld_live *live, struct dld_waiter **waiter);

/* Shows new events to the stream until it is closed; one owner's share of it
 * is the live thread's from here on. */
void dld_live_watch(struct dld_live *live, struct dld_stream_client *stream);

#endif
