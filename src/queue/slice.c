/* SPDX-License-Identifier: MIT */
/*
 * Slice: ranges of the log between `taken` and `settled`.
 *
 * DESIGN
 * Sending slices the log instead of copying it: a request points at records
 * that stay where they were accepted. A slice in flight is pinned and nobody
 * else touches its records; a resting one is in a list ordered by place, whose
 * first record is the oldest of the queue and the first to be evicted.
 *
 * LOCKING
 * Long ranges are taken and settled DLR_LOG_STEP records at a time.
 */
#include "queue/slice.h"

#include "queue/log.h"

#include <string.h>

struct dlr_text dlr_position_json(struct dlr_position at)
{
    const char *record = dlr_log_at(at);

    return dlr_text_n(record + DLR_RECORD_HEAD_BYTES,
                      dlr_record_read(record).len);
}

/* Moves behind the record at `position`. */
static void step(struct dlr_position *position)
{
    position->offset +=
        dlr_record_span(dlr_record_read(dlr_log_at(*position)).len);
}

static void pin(struct dlr_slice *slice, struct dlr_segment *from)
{
    for (struct dlr_segment *segment = from;; segment = segment->next) {
        dlr_log_pin(segment);
        if (segment == slice->last_segment) {
            return;
        }
    }
}

static void unpin(struct dlr_queue *queue, struct dlr_slice *slice)
{
    struct dlr_segment *segment = slice->first.segment;
    struct dlr_segment *last = slice->last_segment;

    while (segment != NULL) {
        struct dlr_segment *next = segment == last ? NULL : segment->next;

        dlr_log_unpin(queue, segment);
        segment = next;
    }
    slice->first.segment = NULL;
    slice->span = 0;
}

/* With a journal events may wait for days; those that are too old are dropped
 * when their turn comes. True if the record at the cursor was. */
static bool expire(struct dlr_queue *queue, const struct dlr_record_head *head,
                   int64_t now_ms)
{
    struct dlr_position at = queue->cursor;

    if (!queue->maker.has_files ||
        now_ms - (at.segment->created_ms + head->time_ms) <=
            queue->config.max_age_ms) {
        return false;
    }
    queue->waiting -= 1;
    queue->owed -= queue->owed > 0 ? 1 : 0;
    queue->cursor.offset += dlr_record_span(head->len);
    dlr_log_settle(queue, at,
                   dlr_log_count_drop(queue, DATALYR_DROP_JOURNAL_EXPIRED));
    dlr_log_release_if_done(queue, at.segment);
    return true;
}

/* Pins what lies between the slice and `to`, which may hold records that were
 * evicted since its last step and are still to be reported. */
static void reach(struct dlr_slice *slice, struct dlr_segment *to)
{
    if (slice->last_segment == NULL) {
        dlr_log_pin(to);
        slice->last_segment = to;
    }
    while (slice->last_segment != to) {
        slice->last_segment = slice->last_segment->next;
        dlr_log_pin(slice->last_segment);
    }
}

/* Adds up to DLR_LOG_STEP records; false when the slice is complete. */
static bool take_some(struct dlr_queue *queue, uint32_t max_events,
                      size_t max_bytes, struct dlr_slice *slice)
{
    int64_t now_ms = dlr_clock_now_ms(&queue->config.clock);

    for (uint32_t i = 0; i < DLR_LOG_STEP; i++) {
        struct dlr_record_head head;

        if (slice->live == max_events || queue->waiting == 0 ||
            !dlr_log_settle_position(&queue->cursor)) {
            return false;
        }
        head = dlr_record_read(dlr_log_at(queue->cursor));
        if (expire(queue, &head, now_ms)) {
            continue;
        }
        if (slice->live > 0 && slice->bytes + head.len + 1 > max_bytes) {
            return false;
        }
        reach(slice, queue->cursor.segment);
        if (slice->live == 0) {
            slice->first = queue->cursor;
        }
        slice->live += 1;
        slice->span += 1;
        slice->bytes += head.len + 1;
        queue->waiting -= 1;
        queue->owed -= queue->owed > 0 ? 1 : 0;
        queue->cursor.offset += dlr_record_span(head.len);
    }
    return true;
}

bool dlr_queue_take(struct dlr_queue *queue, uint32_t max_events,
                    size_t max_bytes, struct dlr_slice *out)
{
    bool has_more = true;

    memset(out, 0, sizeof *out);
    while (has_more) {
        uint32_t before = out->live;

        dlr_mutex_lock(&queue->lock);
        has_more = take_some(queue, max_events, max_bytes, out);
        queue->in_flight_events += out->live - before;
        dlr_mutex_unlock(&queue->lock);
    }
    return out->live > 0;
}

struct dlr_walk dlr_slice_walk(const struct dlr_slice *slice)
{
    return dlr_slice_walk_except(slice, NULL, 0);
}

struct dlr_walk dlr_slice_walk_except(const struct dlr_slice *slice,
                                      const uint32_t *except, size_t count)
{
    struct dlr_walk walk = {.at = slice->first,
                            .last_segment = slice->last_segment,
                            .left = slice->live,
                            .except = except,
                            .except_count = count};

    return walk;
}

/* Counts a live record; true if it is to be passed over. */
static bool pass_over(struct dlr_walk *walk)
{
    bool is_excepted = walk->except_count > 0 && walk->except[0] == walk->index;

    walk->index += 1;
    if (is_excepted) {
        walk->except += 1;
        walk->except_count -= 1;
    }
    return is_excepted;
}

/* Reads nothing that others write to: the end of a pinned segment stands still
 * once it is not the last of the log. */
static void enter_next_segment(struct dlr_walk *walk)
{
    while (walk->at.segment != walk->last_segment &&
           walk->at.offset >= walk->at.segment->end) {
        walk->at.segment = walk->at.segment->next;
        walk->at.offset = 0;
    }
}

bool dlr_walk_next(struct dlr_walk *walk, struct dlr_position *at,
                   struct dlr_text *json)
{
    while (walk->left > 0) {
        const char *record;
        struct dlr_record_head head;

        enter_next_segment(walk);
        record = dlr_log_at(walk->at);
        head = dlr_record_read(record);
        *at = walk->at;
        walk->at.offset += dlr_record_span(head.len);
        if (head.state != DLR_RECORD_PENDING) {
            continue;
        }
        walk->left -= 1;
        if (!pass_over(walk)) {
            *json = dlr_text_n(record + DLR_RECORD_HEAD_BYTES, head.len);
            return true;
        }
    }
    return false;
}

/* One record of a slice in flight. */
static void settle_one(struct dlr_queue *queue, struct dlr_slice *slice,
                       struct dlr_position at, uint32_t state)
{
    slice->live -= 1;
    queue->in_flight_events -= 1;
    dlr_log_settle(queue, at, state);
}

/* With the lock held; false when the slice is through. */
static bool deliver_some(struct dlr_queue *queue, struct dlr_slice *slice,
                         struct dlr_walk *walk)
{
    struct dlr_position at;
    struct dlr_text json;

    for (uint32_t i = 0; i < DLR_LOG_STEP; i++) {
        if (!dlr_walk_next(walk, &at, &json)) {
            return false;
        }
        queue->ledger.delivered += 1;
        settle_one(queue, slice, at, DLR_RECORD_DONE);
    }
    return true;
}

void dlr_queue_deliver(struct dlr_queue *queue, struct dlr_slice *slice,
                       const uint32_t *rejected, size_t rejected_count,
                       uint64_t duplicates)
{
    struct dlr_walk walk =
        dlr_slice_walk_except(slice, rejected, rejected_count);
    uint64_t delivered = slice->live - rejected_count;
    bool has_more = true;

    while (has_more) {
        dlr_mutex_lock(&queue->lock);
        has_more = deliver_some(queue, slice, &walk);
        if (!has_more) {
            queue->ledger.duplicates +=
                duplicates < delivered ? duplicates : delivered;
        }
        if (!has_more && slice->live == 0) {
            unpin(queue, slice);
        }
        dlr_mutex_unlock(&queue->lock);
    }
}

void dlr_queue_drop(struct dlr_queue *queue, struct dlr_slice *slice,
                    datalyr_drop_reason reason)
{
    struct dlr_walk walk = dlr_slice_walk(slice);
    struct dlr_position at;
    struct dlr_text json;
    bool has_more = true;

    while (has_more) {
        dlr_mutex_lock(&queue->lock);
        for (uint32_t i = 0; i < DLR_LOG_STEP && has_more; i++) {
            has_more = dlr_walk_next(&walk, &at, &json);
            if (has_more) {
                settle_one(queue, slice, at, dlr_log_count_drop(queue, reason));
            }
        }
        if (!has_more) {
            unpin(queue, slice);
        }
        dlr_mutex_unlock(&queue->lock);
    }
}

void dlr_queue_leave(struct dlr_queue *queue, struct dlr_slice *slice)
{
    dlr_mutex_lock(&queue->lock);
    queue->in_flight_events -= slice->live;
    slice->live = 0;
    unpin(queue, slice);
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_drop_one(struct dlr_queue *queue, struct dlr_slice *slice,
                        struct dlr_position at, datalyr_drop_reason reason)
{
    dlr_mutex_lock(&queue->lock);
    settle_one(queue, slice, at, dlr_log_count_drop(queue, reason));
    if (slice->live == 0) {
        unpin(queue, slice);
    }
    dlr_mutex_unlock(&queue->lock);
}

static void link_resting(struct dlr_queue *queue, struct dlr_slice *slice)
{
    struct dlr_slice *after = queue->resting_last;

    /* What comes to rest is mostly newer than what rests already. */
    while (after != NULL && dlr_log_is_before(slice->first, after->first)) {
        after = after->previous;
    }
    slice->previous = after;
    slice->next = after == NULL ? queue->resting_first : after->next;
    if (after == NULL) {
        queue->resting_first = slice;
    } else {
        after->next = slice;
    }
    if (slice->next == NULL) {
        queue->resting_last = slice;
    } else {
        slice->next->previous = slice;
    }
    slice->is_resting = true;
}

static void unlink_resting(struct dlr_queue *queue, struct dlr_slice *slice)
{
    if (slice->previous == NULL) {
        queue->resting_first = slice->next;
    } else {
        slice->previous->next = slice->next;
    }
    if (slice->next == NULL) {
        queue->resting_last = slice->previous;
    } else {
        slice->next->previous = slice->previous;
    }
    slice->next = NULL;
    slice->previous = NULL;
    slice->is_resting = false;
}

/* Lets `first` stand at a live record, giving up segments it has passed. */
static void skip_settled(struct dlr_queue *queue, struct dlr_slice *slice)
{
    while (slice->live > 0) {
        struct dlr_segment *segment = slice->first.segment;

        if (slice->first.offset >= segment->end) {
            slice->first.segment = segment->next;
            slice->first.offset = 0;
            dlr_log_unpin(queue, segment);
        } else if (dlr_record_read(dlr_log_at(slice->first)).state !=
                   DLR_RECORD_PENDING) {
            step(&slice->first);
            slice->span -= 1;
        } else {
            return;
        }
    }
}

void dlr_slice_evict_first(struct dlr_queue *queue, struct dlr_slice *slice,
                           uint32_t state)
{
    slice->live -= 1;
    dlr_log_settle(queue, slice->first, state);
    if (slice->live > 0) {
        skip_settled(queue, slice);
    } else {
        unlink_resting(queue, slice);
        unpin(queue, slice);
    }
}

void dlr_queue_rest(struct dlr_queue *queue, struct dlr_slice *slice)
{
    dlr_mutex_lock(&queue->lock);
    queue->in_flight_events -= slice->live;
    if (slice->live > 0 && !slice->first.segment->is_foreign) {
        skip_settled(queue, slice);
        link_resting(queue, slice);
    }
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_resume(struct dlr_queue *queue, struct dlr_slice *slice)
{
    dlr_mutex_lock(&queue->lock);
    if (slice->is_resting) {
        unlink_resting(queue, slice);
    }
    queue->in_flight_events += slice->live;
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_split(struct dlr_queue *queue, struct dlr_slice *slice,
                     struct dlr_slice *second)
{
    struct dlr_walk walk = dlr_slice_walk(slice);
    uint32_t keep = slice->live / 2;
    struct dlr_position at = slice->first;
    struct dlr_text json;

    memset(second, 0, sizeof *second);
    for (uint32_t i = 0; i <= keep; i++) {
        (void)dlr_walk_next(&walk, &at, &json);
    }
    dlr_mutex_lock(&queue->lock);
    second->first = at;
    second->last_segment = slice->last_segment;
    second->live = slice->live - keep;
    second->bytes = slice->bytes / 2;
    pin(second, at.segment);
    slice->live = keep;
    slice->bytes -= second->bytes;
    dlr_mutex_unlock(&queue->lock);
}

static void drop_all_in(struct dlr_queue *queue, struct dlr_segment *segment,
                        datalyr_drop_reason reason)
{
    struct dlr_position at = {segment, segment->head};

    while (segment->unsettled > 0 && at.offset < segment->end) {
        struct dlr_record_head head = dlr_record_read(dlr_log_at(at));

        if (head.state == DLR_RECORD_PENDING) {
            dlr_log_settle(queue, at, dlr_log_count_drop(queue, reason));
        }
        at.offset += dlr_record_span(head.len);
    }
}

void dlr_queue_drop_unfiled(struct dlr_queue *queue, datalyr_drop_reason reason)
{
    dlr_mutex_lock(&queue->lock);
    for (struct dlr_segment *segment = queue->first; segment != NULL;
         segment = segment->next) {
        if (segment->generation == 0) {
            drop_all_in(queue, segment, reason);
        }
    }
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_drop_waiting(struct dlr_queue *queue, datalyr_drop_reason reason)
{
    struct dlr_slice slice;

    while (dlr_queue_take(queue, UINT32_MAX, SIZE_MAX, &slice)) {
        dlr_queue_drop(queue, &slice, reason);
    }
}
