/* SPDX-License-Identifier: MIT */
/*
 * Log: which segments there are, and when one may go.
 *
 * DESIGN
 * Segments leave from anywhere in the list, not only from its head: one event
 * that is retried for minutes must not hold the space of all that came after.
 * A segment that is done is used again while its pages are warm, and a log that
 * was long keeps as many for its next burst, for some seconds. A file has to be
 * renewed before, for old records in it must not come back, which is work for
 * the library's thread, or for a caller who finds no room.
 */
#include "queue/log.h"

#include <string.h>

/* First segment of a queue: a fresh client stays small. Later ones double up
 * to the largest, which makes going to the next one rare. */
#define SEGMENT_FIRST_BYTES ((size_t)256 << 10)
#define SEGMENT_MAX_BYTES   ((size_t)1 << 20)
#define FILE_MAX_BYTES      ((size_t)4 << 20)
#define SEGMENT_MIN_BYTES   ((size_t)16 << 10)

/* Records count 32 bits of milliseconds from the making of their segment; half
 * of that is far enough. */
#define SEGMENT_MAX_AGE_MS (INT64_C(1) << 31)

/* A ceiling of bytes is kept in steps of a segment; sixteen make the steps
 * small against it. */
#define SEGMENTS_PER_CEILING 16u

size_t dlr_log_segment_bytes(const struct dlr_queue *queue, size_t last_bytes)
{
    size_t bytes = last_bytes == 0 ? SEGMENT_FIRST_BYTES : last_bytes * 2;
    size_t limit = queue->maker.has_files ? FILE_MAX_BYTES : SEGMENT_MAX_BYTES;

    while (limit > SEGMENT_MIN_BYTES &&
           limit > queue->config.max_bytes / SEGMENTS_PER_CEILING) {
        limit /= 2;
    }
    return bytes < limit ? bytes : limit;
}

void dlr_log_warm_up(struct dlr_queue *queue, struct dlr_segment *segment)
{
    if (segment->is_cold) {
        segment->is_cold = false;
        queue->cold_bytes -= segment->held_bytes;
    }
}

static void unlink_segment(struct dlr_queue *queue, struct dlr_segment *segment)
{
    if (segment->previous != NULL) {
        segment->previous->next = segment->next;
    } else {
        queue->first = segment->next;
    }
    if (segment->next != NULL) {
        segment->next->previous = segment->previous;
    } else {
        queue->last = segment->previous;
    }
    segment->next = NULL;
    segment->previous = NULL;
    queue->segment_count -= 1;
    dlr_log_warm_up(queue, segment);
}

static void link_last(struct dlr_queue *queue, struct dlr_segment *segment)
{
    segment->ordinal = queue->next_ordinal++;
    segment->previous = queue->last;
    segment->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = segment;
    } else {
        queue->first = segment;
    }
    queue->last = segment;
    queue->segment_count += 1;
    if (queue->spare_limit < queue->segment_count) {
        queue->spare_limit = queue->segment_count;
    }
    if (queue->cursor.segment == NULL) {
        queue->cursor.segment = segment;
        queue->cursor.offset = 0;
    }
}

void dlr_log_link_foreign(struct dlr_queue *queue, struct dlr_segment *segment)
{
    segment->previous = NULL;
    segment->next = queue->foreign;
    if (segment->next != NULL) {
        segment->next->previous = segment;
    }
    queue->foreign = segment;
}

static void unlink_foreign(struct dlr_queue *queue, struct dlr_segment *segment)
{
    if (segment->previous != NULL) {
        segment->previous->next = segment->next;
    } else {
        queue->foreign = segment->next;
    }
    if (segment->next != NULL) {
        segment->next->previous = segment->previous;
    }
    segment->previous = NULL;
}

/* Bytes became free, which no settled record tells of: the last of them may
 * have been settled long before its segment could leave. */
static void tell_room(struct dlr_queue *queue)
{
    if (queue->blocked > 0) {
        dlr_cond_broadcast(&queue->room);
    }
}

/* Files are used in the order of their names, which recovery goes by; in memory
 * the warmest comes first. */
void dlr_log_add_spare(struct dlr_queue *queue, struct dlr_segment *segment)
{
    struct dlr_segment **place = &queue->spares;

    while (queue->maker.has_files && *place != NULL) {
        place = &(*place)->next;
    }
    segment->next = *place;
    *place = segment;
    queue->spare_count += 1;
    tell_room(queue);
}

static void add_garbage(struct dlr_queue *queue, struct dlr_segment *segment)
{
    segment->next = queue->garbage;
    queue->garbage = segment;
    tell_room(queue);
}

static void add_used(struct dlr_queue *queue, struct dlr_segment *segment)
{
    segment->next = queue->used;
    queue->used = segment;
    queue->used_count += 1;
    tell_room(queue);
}

struct dlr_segment *dlr_log_take_used(struct dlr_queue *queue)
{
    struct dlr_segment *segment = queue->used;

    queue->used = segment->next;
    queue->used_count -= 1;
    segment->next = NULL;
    queue->held_bytes -= segment->held_bytes;
    return segment;
}

bool dlr_log_put_back(struct dlr_queue *queue, struct dlr_segment *segment)
{
    if (queue->held_bytes + segment->held_bytes > queue->config.max_bytes) {
        return false;
    }
    queue->held_bytes += segment->held_bytes;
    dlr_log_add_spare(queue, segment);
    return true;
}

static bool is_reusable(const struct dlr_queue *queue,
                        const struct dlr_segment *segment)
{
    uint32_t limit = queue->spare_limit;

    if (queue->maker.has_files && limit > DLR_LOG_FILE_SPARES) {
        limit = DLR_LOG_FILE_SPARES;
    }
    return !queue->is_closed &&
           queue->spare_count + queue->used_count < limit &&
           segment->cap >= queue->segment_bytes &&
           segment->cap <= queue->segment_bytes * 2;
}

static void discard(struct dlr_queue *queue, struct dlr_segment *segment)
{
    if (!is_reusable(queue, segment)) {
        add_garbage(queue, segment);
    } else if (queue->maker.has_files) {
        add_used(queue, segment);
    } else {
        dlr_segment_rewind(segment);
        dlr_log_add_spare(queue, segment);
    }
}

bool dlr_log_settle_position(struct dlr_position *position)
{
    while (position->segment != NULL &&
           position->offset >= position->segment->end) {
        if (position->segment->next == NULL) {
            return false;
        }
        position->segment = position->segment->next;
        position->offset = 0;
    }
    return position->segment != NULL;
}

void dlr_log_release_if_done(struct dlr_queue *queue,
                             struct dlr_segment *segment)
{
    if (segment->unsettled > 0 || segment->dead > 0 || segment->pins > 0) {
        return;
    }
    if (segment->is_foreign) {
        unlink_foreign(queue, segment);
        segment->next = queue->foreign_garbage;
        queue->foreign_garbage = segment;
        return;
    }
    if (segment == queue->last) {
        if (!queue->maker.has_files && segment->end > 0) {
            dlr_segment_rewind(segment);
            segment->ordinal = queue->next_ordinal++;
            tell_room(queue);
            if (queue->cursor.segment == segment) {
                queue->cursor.offset = 0;
            }
        }
        return;
    }
    if (queue->cursor.segment == segment) {
        queue->cursor.segment = segment->next;
        queue->cursor.offset = 0;
    }
    unlink_segment(queue, segment);
    discard(queue, segment);
}

void dlr_log_pin(struct dlr_segment *segment)
{
    segment->pins += 1;
}

void dlr_log_unpin(struct dlr_queue *queue, struct dlr_segment *segment)
{
    segment->pins -= 1;
    dlr_log_release_if_done(queue, segment);
}

static void advance_head(struct dlr_segment *segment)
{
    while (segment->head < segment->end) {
        struct dlr_record_head head =
            dlr_record_read(segment->base + segment->head);

        if (head.state != DLR_RECORD_DONE) {
            return;
        }
        segment->head += dlr_record_span(head.len);
    }
}

static void pass_fences(struct dlr_queue *queue, struct dlr_position at)
{
    for (struct dlr_fence *fence = queue->fences; fence != NULL;
         fence = fence->next) {
        bool is_covered = at.segment->ordinal < fence->ordinal ||
                          (at.segment->ordinal == fence->ordinal &&
                           at.offset < fence->offset);

        if (is_covered && fence->left > 0) {
            fence->left -= 1;
            if (fence->left == 0) {
                dlr_cond_broadcast(&queue->settled);
            }
        }
    }
}

/* Waking a caller for each place that becomes free costs more than sending the
 * event; for a handful at a time it costs next to nothing. Who waits looks by
 * himself from time to time, so fewer places are found too. */
static bool has_ample_room(const struct dlr_queue *queue)
{
    uint64_t quarter = queue->config.max_events / 4;
    uint64_t ample = quarter < DLR_LOG_STEP ? quarter : DLR_LOG_STEP;

    return queue->ledger.pending + ample <= queue->config.max_events;
}

void dlr_log_settle(struct dlr_queue *queue, struct dlr_position at,
                    uint32_t state)
{
    struct dlr_segment *segment = at.segment;

    dlr_record_mark(dlr_log_place(at), state);
    segment->unsettled -= 1;
    queue->ledger.pending -= 1;
    queue->adopted -= segment->is_foreign ? 1 : 0;
    if (dlr_record_is_dead(state)) {
        segment->dead += 1;
        queue->dead += 1;
    } else if (segment->head == at.offset) {
        advance_head(segment);
    }
    if (queue->fences != NULL) {
        pass_fences(queue, at);
    }
    if (has_ample_room(queue)) {
        tell_room(queue);
    }
}

uint32_t dlr_log_count_drop(struct dlr_queue *queue, datalyr_drop_reason reason)
{
    queue->ledger.dropped[reason] += 1;
    return queue->config.keeps_dropped ? DLR_RECORD_DEAD + (uint32_t)reason
                                       : (uint32_t)DLR_RECORD_DONE;
}

/* True if the clock of a segment has run far. One in memory that holds nothing
 * begins anew; a file's stands in its head. */
static bool is_worn(const struct dlr_segment *segment, int64_t now_ms)
{
    bool begins_anew = segment->generation == 0 && segment->end == 0;

    return !begins_anew && now_ms - segment->created_ms > SEGMENT_MAX_AGE_MS;
}

static void start_clock(struct dlr_segment *segment, int64_t now_ms)
{
    if (segment->generation == 0) {
        segment->created_ms = now_ms;
    }
}

static struct dlr_segment *take_spare(struct dlr_queue *queue)
{
    struct dlr_segment *spare = queue->spares;

    queue->spares = spare->next;
    queue->spare_count -= 1;
    if (queue->spare_low > queue->spare_count) {
        queue->spare_low = queue->spare_count;
    }
    return spare;
}

void dlr_log_give_up_spare(struct dlr_queue *queue)
{
    add_garbage(queue, take_spare(queue));
}

int64_t dlr_log_shed_in_ms(const struct dlr_queue *queue, int64_t now_ms)
{
    if (queue->spare_count <= DLR_LOG_SPARES) {
        return INT64_MAX;
    }
    return queue->shed_at_ms > now_ms ? queue->shed_at_ms - now_ms : 0;
}

void dlr_log_shed_spares(struct dlr_queue *queue, int64_t now_ms)
{
    uint32_t unneeded = queue->spare_low > DLR_LOG_SPARES
                            ? queue->spare_low - DLR_LOG_SPARES
                            : 0;

    if (dlr_log_shed_in_ms(queue, now_ms) > 0) {
        return;
    }
    for (uint32_t i = 0; i < (unneeded + 1) / 2; i++) {
        dlr_log_give_up_spare(queue);
    }
    queue->spare_limit = queue->segment_count + queue->spare_count;
    queue->spare_low = queue->spare_count;
    queue->shed_at_ms = now_ms + DLR_LOG_SHED_MS;
}

static struct dlr_segment *first_spare(struct dlr_queue *queue, int64_t now_ms)
{
    while (queue->spares != NULL && is_worn(queue->spares, now_ms)) {
        dlr_log_give_up_spare(queue);
    }
    return queue->spares;
}

static datalyr_status add_segment(struct dlr_queue *queue, uint32_t span,
                                  int64_t now_ms)
{
    struct dlr_segment *segment = first_spare(queue, now_ms);
    size_t bytes = span > queue->segment_bytes ? span : queue->segment_bytes;
    datalyr_status status;

    if (segment != NULL && segment->cap >= span) {
        link_last(queue, take_spare(queue));
        return DATALYR_OK;
    }
    if (queue->held_bytes + dlr_segment_bytes_for(bytes) >
        queue->config.max_bytes) {
        return DATALYR_QUEUE_FULL;
    }
    status =
        queue->maker.make(queue->maker.self, bytes, false, now_ms, &segment);
    if (status == DATALYR_OK) {
        queue->held_bytes += segment->held_bytes;
        queue->segment_bytes =
            dlr_log_segment_bytes(queue, queue->segment_bytes);
        link_last(queue, segment);
    }
    return status;
}

datalyr_status dlr_log_find_room(struct dlr_queue *queue, uint32_t span,
                                 int64_t now_ms, struct dlr_position *out)
{
    struct dlr_segment *last = queue->last;
    bool fits = last != NULL && last->cap - last->end >= span;

    if (!fits || is_worn(last, now_ms)) {
        datalyr_status status = add_segment(queue, span, now_ms);

        if (status != DATALYR_OK && !fits) {
            return status;
        }
        if (status == DATALYR_OK && last != NULL) {
            dlr_log_release_if_done(queue, last);
        }
        last = queue->last;
    }
    if (last->end == 0) {
        start_clock(last, now_ms);
    }
    out->segment = last;
    out->offset = last->end;
    return DATALYR_OK;
}

void dlr_log_bury(struct dlr_queue *queue, struct dlr_position at)
{
    dlr_record_mark(dlr_log_place(at), DLR_RECORD_DONE);
    at.segment->dead -= 1;
    queue->dead -= 1;
    if (at.segment->head == at.offset) {
        advance_head(at.segment);
    }
}

static void give_up_bodies(struct dlr_queue *queue, struct dlr_segment *segment)
{
    struct dlr_position at = {segment, segment->head};

    while (segment->dead > 0 && at.offset < segment->end) {
        struct dlr_record_head head = dlr_record_read(dlr_log_at(at));

        if (dlr_record_is_dead(head.state)) {
            queue->unreported[head.state - DLR_RECORD_DEAD] += 1;
            queue->ledger.dropped_unreported += 1;
            dlr_log_bury(queue, at);
        }
        at.offset += dlr_record_span(head.len);
    }
}

bool dlr_log_reclaim_dead(struct dlr_queue *queue)
{
    for (struct dlr_segment *segment = queue->first; segment != NULL;
         segment = segment->next) {
        if (segment->dead > 0 && segment->unsettled == 0 &&
            segment->pins == 0) {
            give_up_bodies(queue, segment);
            dlr_log_release_if_done(queue, segment);
            return true;
        }
    }
    return false;
}

bool dlr_log_give_up_empty(struct dlr_queue *queue)
{
    struct dlr_segment *last = queue->last;

    if (last == NULL || last->end > 0 || last->pins > 0) {
        return false;
    }
    if (queue->cursor.segment == last) {
        /* The one before, if any, is the last again and grows on. */
        queue->cursor.segment = last->previous;
        queue->cursor.offset = last->previous == NULL ? 0 : last->previous->end;
    }
    unlink_segment(queue, last);
    add_garbage(queue, last);
    return true;
}

bool dlr_log_is_pressed(const struct dlr_queue *queue)
{
    uint64_t max_events = queue->config.max_events;

    return queue->ledger.pending >= max_events - max_events / 4 ||
           (queue->spares == NULL && queue->used == NULL &&
            queue->held_bytes + queue->segment_bytes > queue->config.max_bytes);
}

struct dlr_segment *dlr_log_take_garbage(struct dlr_queue *queue)
{
    struct dlr_segment *garbage = queue->garbage;

    for (struct dlr_segment *segment = garbage; segment != NULL;
         segment = segment->next) {
        queue->held_bytes -= segment->held_bytes;
    }
    queue->garbage = NULL;
    if (garbage != NULL) {
        tell_room(queue);
    }
    return garbage;
}

void dlr_log_retire(const struct dlr_queue *queue, struct dlr_segment *garbage)
{
    while (garbage != NULL) {
        struct dlr_segment *next = garbage->next;

        queue->maker.retire(queue->maker.self, garbage);
        garbage = next;
    }
}
