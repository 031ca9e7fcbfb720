/* SPDX-License-Identifier: MIT */
/*
 * Log: the list of segments inside a queue, record by record. For the files of
 * this folder; every function is called with the queue's lock held.
 */
#ifndef DLR_QUEUE_LOG_H
#define DLR_QUEUE_LOG_H

#include "queue/state.h"

/* Spare segments made ahead: one may be used up while the next is made. */
#define DLR_LOG_SPARES 2u

/* Files among them, each some megabytes that the disk may be asked to write
 * again, are worth keeping as far as they are used up while others are made. */
#define DLR_LOG_FILE_SPARES 8u

/* A burst leaves more of them behind: the next one finds its pages warm, which
 * the kernel would have to clear again, at half the cost of a call. Those that
 * nobody needed for this long are given back by halves. */
#define DLR_LOG_SHED_MS 1000

/* Records handled under one hold of the lock: about a microsecond, so that
 * callers of `track` never wait for a whole batch. */
#define DLR_LOG_STEP 64u

static inline const char *dlr_log_at(struct dlr_position position)
{
    return position.segment->base + position.offset;
}

static inline char *dlr_log_place(struct dlr_position position)
{
    return position.segment->base + position.offset;
}

/* True if `a` stands before `b`. */
static inline bool dlr_log_is_before(struct dlr_position a,
                                     struct dlr_position b)
{
    return a.segment == b.segment ? a.offset < b.offset
                                  : a.segment->ordinal < b.segment->ordinal;
}

/* The size of the segment after one of `last_bytes`; 0: of the first. */
size_t dlr_log_segment_bytes(const struct dlr_queue *queue, size_t last_bytes);

/* Moves on to where the next record stands; false at the end of the log. A
 * position at the end of a segment that has a successor moves into it. */
bool dlr_log_settle_position(struct dlr_position *position);

/* Room for a record of `span` bytes at the end of the log. DATALYR_NOMEM, or
 * DATALYR_QUEUE_FULL where only the ceiling stands against it. */
datalyr_status dlr_log_find_room(struct dlr_queue *queue, uint32_t span,
                                 int64_t now_ms, struct dlr_position *out);

/* Settles a pending record: `state` is DONE or DEAD plus the reason. */
void dlr_log_settle(struct dlr_queue *queue, struct dlr_position at,
                    uint32_t state);

/* What a drop for `reason` leaves behind: a body to report, or nothing. Counts
 * the drop. */
uint32_t dlr_log_count_drop(struct dlr_queue *queue,
                            datalyr_drop_reason reason);

/* Ends a dropped record: it was reported, or nobody will. */
void dlr_log_bury(struct dlr_queue *queue, struct dlr_position at);

void dlr_log_pin(struct dlr_segment *segment);
void dlr_log_unpin(struct dlr_queue *queue, struct dlr_segment *segment);

/* Counts the segment as one whose pages are in memory: it is sent from, or will
 * be written to. */
void dlr_log_warm_up(struct dlr_queue *queue, struct dlr_segment *segment);

/* Takes the segment out of the log if nothing in it matters any more. */
void dlr_log_release_if_done(struct dlr_queue *queue,
                             struct dlr_segment *segment);

/* Adds a segment of a dead owner, which stands outside of the log, so that what
 * is dropped of it is reported. It leaves as the others do. */
void dlr_log_link_foreign(struct dlr_queue *queue, struct dlr_segment *segment);

/* Gives up the bodies of dropped records, oldest first, until a segment could
 * leave the log. False if there was none. */
bool dlr_log_reclaim_dead(struct dlr_queue *queue);

/* Gives up the first spare; there is one. */
void dlr_log_give_up_spare(struct dlr_queue *queue);

/* Gives up half of the spares beyond DLR_LOG_SPARES that were not needed since
 * the last time, when it is time to. */
void dlr_log_shed_spares(struct dlr_queue *queue, int64_t now_ms);

/* How long until then; INT64_MAX: there are none. */
int64_t dlr_log_shed_in_ms(const struct dlr_queue *queue, int64_t now_ms);

/* Gives up a last segment that holds nothing. False if there is none. */
bool dlr_log_give_up_empty(struct dlr_queue *queue);

/* True if little is left of the ceilings: what waits is better sent than
 * evicted. */
bool dlr_log_is_pressed(const struct dlr_queue *queue);

/* Adds a segment that is as new, and tells who waits for room. */
void dlr_log_add_spare(struct dlr_queue *queue, struct dlr_segment *segment);

/* Takes the first used segment off the queue, to be renewed; there is one. Its
 * bytes are free until it comes back as a spare, so that nothing is evicted for
 * them: false if they are taken by then. */
struct dlr_segment *dlr_log_take_used(struct dlr_queue *queue);
bool dlr_log_put_back(struct dlr_queue *queue, struct dlr_segment *segment);

/* Takes the garbage off the queue, for dlr_log_retire() without the lock. */
struct dlr_segment *dlr_log_take_garbage(struct dlr_queue *queue);
void dlr_log_retire(const struct dlr_queue *queue, struct dlr_segment *garbage);

#endif
