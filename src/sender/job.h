/* SPDX-License-Identifier: MIT */
/*
 * Job: one slice of the log on its way to the server, through as many requests
 * as it takes.
 */
#ifndef DLR_SENDER_JOB_H
#define DLR_SENDER_JOB_H

#include "base/buf.h"
#include "base/uuid.h"
#include "queue/slice.h"
#include "transport/transport.h"

struct dlr_job {
    struct dlr_slice slice;
    struct dlr_request request;
    struct dlr_buf body; /* batches, compressed and replaced events */
    size_t plain_bytes;  /* of the body before compression */
    uint32_t attempts;   /* in this cycle */
    uint32_t cycles;     /* that failed */
    uint64_t ordinal;    /* order among jobs of the same moment */
    uint64_t width;      /* ordinals from it on that are this job's */
    int64_t next_at_ms;  /* of the next attempt */
    bool is_cycle_rest;  /* a flush ends this wait, no other */
    bool is_batch;
    char batch_id[DLR_UUID_CAP]; /* the same over all its attempts */
    datalyr_drop_reason reason;  /* while its dead letters are not written */
    struct dlr_job *next; /* among the unused, those on the wire, or refused */
    struct dlr_job *previous;
};

/* Ordinals between two new jobs: enough for the largest batch to be halved down
 * to single events. */
#define DLR_JOB_WIDTH (UINT64_C(1) << 20)

/* Jobs that wait, soonest first; equal times in their own order. All-zero is
 * empty. */
struct dlr_job_heap {
    struct dlr_job **jobs;
    size_t count;
    size_t cap;
    bool is_strict; /* their order alone decides, not their times */
};

/* Room for `count` jobs in all; false when out of memory. Within it
 * dlr_job_heap_push() cannot fail. */
bool dlr_job_heap_reserve(struct dlr_job_heap *heap, size_t count);
void dlr_job_heap_push(struct dlr_job_heap *heap, struct dlr_job *job);

/* The soonest, NULL if there is none; and takes it. */
struct dlr_job *dlr_job_heap_first(const struct dlr_job_heap *heap);
struct dlr_job *dlr_job_heap_pop(struct dlr_job_heap *heap);

/* Orders anew after times were changed in place. */
void dlr_job_heap_reorder(struct dlr_job_heap *heap);
void dlr_job_heap_clear(struct dlr_job_heap *heap);

/* Gives `second`, which was split off, a place right behind `job` and before
 * all that came after it. */
void dlr_job_place_behind(struct dlr_job *job, struct dlr_job *second);

#endif
