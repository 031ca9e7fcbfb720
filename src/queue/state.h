/* SPDX-License-Identifier: MIT */
/*
 * State: what a queue consists of, for the files of this folder; everybody else
 * goes through queue/queue.h and its neighbours.
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
#ifndef DLR_QUEUE_STATE_H
#define DLR_QUEUE_STATE_H

#include "os/clock.h"
#include "os/thread.h"
#include "queue/segment.h"

#include <datalyr.h>

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
    struct dlr_segment *foreign; /* of dead owners, outside of the log */
    struct dlr_segment *spares;  /* made ahead, or kept for their warm pages */
    struct dlr_segment *used;    /* files, to be renewed as spares */
    uint32_t spare_count;
    uint32_t spare_low;                  /* the fewest since shed_at_ms */
    uint32_t spare_limit;                /* worth keeping after a burst */
    uint32_t used_count;                 /* of them, if they can be renewed */
    uint32_t segment_count;              /* in the log */
    int64_t shed_at_ms;                  /* when spares that nobody needed go */
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
    size_t cold_bytes;       /* of them, whose pages were given back */
    size_t segment_bytes;    /* size of the next segment */
    bool is_closed;          /* nothing is accepted any more */
    bool is_report_promised; /* the sender was woken for `dead` */
    bool wants_spare;
};

#endif
