/* SPDX-License-Identifier: MIT */
/*
 * Slice: the ranges of the log that are on their way. Taken, settled and split
 * by the library's thread; evicted from by any thread while they rest.
 */
#ifndef DLR_QUEUE_SLICE_H
#define DLR_QUEUE_SLICE_H

#include "queue/state.h"

/* Takes the next records, up to the limits but at least one; false if none are
 * waiting. They are in flight from here on. */
bool dlr_queue_take(struct dlr_queue *queue, uint32_t max_events,
                    size_t max_bytes, struct dlr_slice *out);

/* Settles: all delivered but those whose index among the live ones is in
 * `rejected` (ascending). Those stay in flight, to be dropped when what must not
 * be lost of them is kept. */
void dlr_queue_deliver(struct dlr_queue *queue, struct dlr_slice *slice,
                       const uint32_t *rejected, size_t rejected_count,
                       uint64_t duplicates);
void dlr_queue_drop(struct dlr_queue *queue, struct dlr_slice *slice,
                    datalyr_drop_reason reason);

/* Gives up a slice in flight whose records stay pending: for the journal. */
void dlr_queue_leave(struct dlr_queue *queue, struct dlr_slice *slice);

/* Drops one record of a slice in flight. */
void dlr_queue_drop_one(struct dlr_queue *queue, struct dlr_slice *slice,
                        struct dlr_position at, datalyr_drop_reason reason);

/* Drops everything pending that is in no slice in flight. */
void dlr_queue_drop_waiting(struct dlr_queue *queue,
                            datalyr_drop_reason reason);

/* Lets a slice rest, where it may be evicted, and takes it up again. */
void dlr_queue_rest(struct dlr_queue *queue, struct dlr_slice *slice);
void dlr_queue_resume(struct dlr_queue *queue, struct dlr_slice *slice);

/* Moves the second half of a slice in flight (its live records) to `second`. */
void dlr_queue_split(struct dlr_queue *queue, struct dlr_slice *slice,
                     struct dlr_slice *second);

/* Walks over the live records of a slice in flight; needs no lock. */
struct dlr_walk {
    struct dlr_position at;
    struct dlr_segment *last_segment;
    uint32_t left;
    uint32_t index;         /* among the live ones, of the next */
    const uint32_t *except; /* indexes that are passed over, ascending */
    size_t except_count;
};
struct dlr_walk dlr_slice_walk(const struct dlr_slice *slice);
struct dlr_walk dlr_slice_walk_except(const struct dlr_slice *slice,
                                      const uint32_t *except, size_t count);
bool dlr_walk_next(struct dlr_walk *walk, struct dlr_position *at,
                   struct dlr_text *json);

/* The JSON of a record in flight, or to be reported. */
struct dlr_text dlr_position_json(struct dlr_position at);

/* With the queue's lock held: drops the first live record of a resting
 * slice. */
void dlr_slice_evict_first(struct dlr_queue *queue, struct dlr_slice *slice,
                           uint32_t state);

#endif
