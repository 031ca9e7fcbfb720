/* SPDX-License-Identifier: MIT */
/*
 * Queue: the log from `track` to acknowledgement, its ceilings and its ledger.
 * Sending is left to the sender, which takes ranges of the log (queue/slice.h)
 * and settles them.
 */
#ifndef DLR_QUEUE_QUEUE_H
#define DLR_QUEUE_QUEUE_H

#include "queue/state.h"

int dlr_queue_init(struct dlr_queue *queue,
                   const struct dlr_queue_config *config,
                   const struct dlr_segment_maker *maker);

/* Releases everything; no other thread uses the queue any more. */
void dlr_queue_clear(struct dlr_queue *queue);

/* Releases the queue of a forked child, whose events are the parent's; it may
 * then be initialised again. */
void dlr_queue_forget(struct dlr_queue *queue);

/* ---- recording: any thread */

/* How a caller that has to wait for room wakes the sender, under the queue's
 * lock: `wake` must not use the queue. */
struct dlr_waiter {
    void (*wake)(void *self);
    void *self;
};

/* Accepts one encoded event, or refuses it and counts why: DATALYR_TOO_LARGE,
 * DATALYR_QUEUE_FULL, DATALYR_CLOSED, DATALYR_NOMEM. `waiter` is NULL on the
 * library's own thread, which must not wait for itself. `*wake_sender` says
 * that the sender has news to be woken for. */
datalyr_status dlr_queue_append(struct dlr_queue *queue, struct dlr_text json,
                                const struct dlr_waiter *waiter,
                                bool *wake_sender);

/* Counts a call that never reached the queue. */
void dlr_queue_refuse(struct dlr_queue *queue, datalyr_refusal why);

/* Stops accepting. */
void dlr_queue_close(struct dlr_queue *queue);

/* Pending events but for recovered ones. */
uint64_t dlr_queue_own_pending(struct dlr_queue *queue);

/* One consistent snapshot. */
void dlr_queue_read_ledger(struct dlr_queue *queue, int64_t now_ms,
                           datalyr_ledger *out);

/* ---- sending: the library's thread */

/* What there is to send, in one look. */
struct dlr_queue_look {
    uint64_t waiting;
    int64_t due_in_ms; /* until the oldest waiting is due; 0: now, -1: never */
    uint64_t in_flight_events;
    uint64_t flushes;   /* how often somebody asked for a flush */
    bool is_asked;      /* a flush or close is waiting: send and do not rest */
    int64_t tidy_in_ms; /* until dlr_queue_tidy() has something to do */
    bool has_reports;
};

void dlr_queue_look(struct dlr_queue *queue, int64_t now_ms,
                    struct dlr_queue_look *out);

/* Tells the queue when to wake the sender: at `waiting` or more waiting
 * records. False (and no promise) if that is so already. */
bool dlr_queue_sleep(struct dlr_queue *queue, uint64_t waiting);

/* Makes the segments that come next and releases old ones, so that no caller
 * has to. */
void dlr_queue_tidy(struct dlr_queue *queue);

/* Drops what is pending in segments that had to fall back to memory: at the end
 * of a client with a journal, when nothing is in flight. */
void dlr_queue_drop_unfiled(struct dlr_queue *queue,
                            datalyr_drop_reason reason);

/* Adds to the ledger's counters of requests. */
struct dlr_traffic {
    uint64_t requests;
    uint64_t retries;
    uint64_t failures;
    uint64_t body_bytes;
    uint64_t sent_bytes;
};
void dlr_queue_count_traffic(struct dlr_queue *queue,
                             const struct dlr_traffic *traffic);

#endif
