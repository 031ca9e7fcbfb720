/* SPDX-License-Identifier: MIT */
/*
 * Queue: the log from `track` to acknowledgement, its ceilings and its ledger.
 * Sending is left to the sender, which takes ranges of the log (slices) and
 * settles them.
 *
 *      first                        cursor                     last
 *        |                             |                          |
 *     [segment] -> [segment] -> [segment] -> [segment] -> [segment] ...
 *      done      in slices: in      |   waiting: not taken yet   ^
 *                flight or resting  |                            tail
 *
 * A record is pending from its acceptance until it is settled: delivered, or
 * dropped for a reason. Segments leave the log when nothing in them is pending,
 * to be reported, or part of a slice, wherever they stand.
 */
#ifndef DLR_QUEUE_QUEUE_H
#define DLR_QUEUE_QUEUE_H

#include "os/clock.h"
#include "os/thread.h"
#include "queue/segment.h"

#include <datalyr.h>
#include <stdatomic.h>

struct dlr_position {
    struct dlr_segment *segment;
    uint32_t offset;
};

/* A range of the log that the sender took. Records in it may have been evicted
 * since: those are skipped. All-zero is "no slice". */
struct dlr_slice {
    struct dlr_position first;
    struct dlr_segment *last_segment;
    uint32_t span;          /* records from the first to the last */
    uint32_t live;          /* of them pending */
    size_t bytes;           /* of JSON, when it was taken */
    bool is_resting;        /* evictable: not in a request now */
    struct dlr_slice *next; /* among the resting, in order of the log */
    struct dlr_slice *previous;
};

/* Waits for everything that was accepted before it. Lives on the stack of the
 * thread that waits. */
struct dlr_fence {
    uint64_t ordinal; /* where the log ended */
    uint32_t offset;
    uint64_t left; /* pending records before that place */
    struct dlr_fence *next;
};

struct dlr_queue_config {
    uint64_t max_events; /* UINT64_MAX: only bytes count */
    uint64_t max_bytes;
    uint32_t max_event_bytes;
    datalyr_overflow overflow;
    int64_t block_timeout_ms;
    uint64_t flush_at;
    int64_t flush_interval_ms;
    bool keeps_dropped;    /* for the on_drop hook */
    uint64_t memory_bytes; /* with files: what may stay in memory of them */
    int64_t max_age_ms;    /* with files: older records are dropped */
    bool syncs_always;     /* with files: append waits for the disk */
    struct dlr_clock clock;
};

struct dlr_queue {
    struct dlr_queue_config config;
    struct dlr_segment_maker maker;
    bool has_checksums; /* the maker's segments are files */

    struct dlr_mutex lock;
    /* Everything below is guarded by `lock`. */
    struct dlr_cond room;    /* for those who wait for a place */
    struct dlr_cond settled; /* for fences */
    struct dlr_segment *first;
    struct dlr_segment *last;
    struct dlr_segment *spares; /* made ahead */
    uint32_t spare_count;
    struct dlr_segment *garbage;         /* to be retired outside of the lock */
    struct dlr_segment *foreign_garbage; /* the same, by the sender alone */
    struct dlr_position cursor;
    struct dlr_slice *resting_first;
    struct dlr_slice *resting_last;
    struct dlr_fence *fences;
    datalyr_ledger ledger;
    uint64_t in_flight_events;
    uint64_t waiting; /* pending records behind the cursor */
    uint64_t owed;    /* of them to be sent without further delay */
    uint64_t dead;    /* dropped, to be reported */
    uint64_t unreported[DATALYR_DROP_COUNT]; /* bodies gone, to be reported */
    uint64_t adopted; /* of pending: from journals of dead processes */
    uint64_t flushes; /* how often somebody asked for one */
    uint64_t blocked; /* threads that wait for room */
    uint64_t wake_at; /* waiting records that wake the sender */
    uint64_t next_ordinal;
    size_t held_bytes;       /* of all segments */
    size_t segment_bytes;    /* size of the next segment */
    bool is_closed;          /* nothing is accepted any more */
    bool is_report_promised; /* the sender was woken for `dead` */
    bool wants_spare;
};

/* What an append asks of its caller. */
struct dlr_appended {
    bool wake_sender;
};

int dlr_queue_init(struct dlr_queue *queue,
                   const struct dlr_queue_config *config,
                   const struct dlr_segment_maker *maker);

/* Releases everything; no other thread uses the queue any more. */
void dlr_queue_clear(struct dlr_queue *queue);

/* Releases the queue of a forked child, whose events are the parent's; it may
 * then be initialised again. */
void dlr_queue_forget(struct dlr_queue *queue);

/* ---- recording: any thread */

/* Accepts one encoded event, or refuses it and counts why: DATALYR_TOO_LARGE,
 * DATALYR_QUEUE_FULL, DATALYR_CLOSED, DATALYR_NOMEM. `may_block` is false on
 * the library's own thread, which must not wait for itself. `wake` (may be
 * NULL) is called before a caller starts to wait, under the lock: it must not
 * use the queue. */
datalyr_status dlr_queue_append(struct dlr_queue *queue, struct dlr_text json,
                                bool may_block, void (*wake)(void *self),
                                void *self, struct dlr_appended *out);

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
    uint64_t flushes; /* how often somebody asked for a flush */
    bool is_asked;    /* a flush or close is waiting: send and do not rest */
    bool has_reports;
    bool wants_tidying;
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
