/* SPDX-License-Identifier: MIT */
/*
 * Report: finds dropped records by their state. They are few or many, old or
 * new, and lie where they were accepted, so the search goes segment by segment
 * through those that hold any.
 */
#include "queue/report.h"

#include "queue/log.h"

/* Adds the dead of one segment, as long as they share a reason. */
static size_t collect(struct dlr_segment *segment, struct dlr_position *out,
                      size_t count, size_t max, uint32_t *state)
{
    struct dlr_position at = {segment, segment->head};
    uint32_t left = segment->dead;

    while (left > 0 && count < max && at.offset < segment->end) {
        struct dlr_record_head head = dlr_record_read(dlr_log_at(at));

        if (dlr_record_is_dead(head.state)) {
            left -= 1;
            if (count == 0) {
                *state = head.state;
            }
            if (head.state == *state) {
                out[count++] = at;
            }
        }
        at.offset += dlr_record_span(head.len);
    }
    return count;
}

/* The same for a list of segments. */
static size_t collect_all(struct dlr_segment *first, struct dlr_position *out,
                          size_t count, size_t max, uint32_t *state)
{
    for (struct dlr_segment *segment = first; segment != NULL && count < max;
         segment = segment->next) {
        count = collect(segment, out, count, max, state);
    }
    return count;
}

size_t dlr_queue_reports(struct dlr_queue *queue, struct dlr_position *out,
                         size_t max, datalyr_drop_reason *reason)
{
    uint32_t state = DLR_RECORD_DEAD;
    size_t count = 0;

    dlr_mutex_lock(&queue->lock);
    if (queue->dead > 0) {
        count = collect_all(queue->first, out, count, max, &state);
        count = collect_all(queue->foreign, out, count, max, &state);
    }
    for (size_t i = 0; i < count; i++) {
        dlr_log_pin(out[i].segment); /* the bodies stay while the hook runs */
    }
    dlr_mutex_unlock(&queue->lock);
    *reason = (datalyr_drop_reason)(state - DLR_RECORD_DEAD);
    return count;
}

void dlr_queue_reported(struct dlr_queue *queue,
                        const struct dlr_position *reports, size_t count)
{
    dlr_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++) {
        dlr_log_bury(queue, reports[i]);
        dlr_log_unpin(queue, reports[i].segment);
    }
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_count_unreported(struct dlr_queue *queue, uint64_t count)
{
    dlr_mutex_lock(&queue->lock);
    queue->ledger.dropped_unreported += count;
    dlr_mutex_unlock(&queue->lock);
}

uint64_t dlr_queue_take_unreported(struct dlr_queue *queue,
                                   datalyr_drop_reason *reason)
{
    uint64_t count = 0;

    dlr_mutex_lock(&queue->lock);
    for (int i = 0; i < DATALYR_DROP_COUNT && count == 0; i++) {
        count = queue->unreported[i];
        queue->unreported[i] = 0;
        *reason = (datalyr_drop_reason)i;
    }
    dlr_mutex_unlock(&queue->lock);
    return count;
}
