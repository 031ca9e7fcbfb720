/* SPDX-License-Identifier: MIT */
/*
 * Ledger: what the sender sees of the queue, and what everybody may know.
 */
#include "queue/log.h"
#include "queue/queue.h"

/* When the record at `at` was accepted, by the monotonic clock. */
static int64_t accepted_ms(struct dlr_position at)
{
    return at.segment->created_ms + dlr_record_read(dlr_log_at(at)).time_ms;
}

static int64_t due_in_ms(struct dlr_queue *queue, int64_t now_ms)
{
    int64_t due_ms;

    if (queue->waiting == 0) {
        queue->owed = 0;
        return -1;
    }
    /* A full queue is due too, or a large flush_at would only evict. */
    if (queue->waiting >= queue->config.flush_at || dlr_log_is_pressed(queue)) {
        queue->owed = queue->waiting;
    }
    if (queue->owed > 0 || !dlr_log_settle_position(&queue->cursor)) {
        return 0;
    }
    due_ms = accepted_ms(queue->cursor) + queue->config.flush_interval_ms;
    if (due_ms <= now_ms) {
        queue->owed = queue->waiting;
        return 0;
    }
    return due_ms - now_ms;
}

static int64_t tidy_in_ms(const struct dlr_queue *queue, int64_t now_ms)
{
    bool lacks_spare =
        (queue->wants_spare || queue->used != NULL) && !queue->is_closed;

    if (lacks_spare || queue->garbage != NULL ||
        queue->foreign_garbage != NULL) {
        return 0;
    }
    return dlr_log_shed_in_ms(queue, now_ms);
}

void dlr_queue_look(struct dlr_queue *queue, int64_t now_ms,
                    struct dlr_queue_look *out)
{
    dlr_mutex_lock(&queue->lock);
    out->due_in_ms = due_in_ms(queue, now_ms);
    out->waiting = queue->waiting;
    out->in_flight_events = queue->in_flight_events;
    out->is_asked = queue->fences != NULL;
    out->flushes = queue->flushes;
    out->has_reports = queue->dead > 0;
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        out->has_reports = out->has_reports || queue->unreported[i] > 0;
    }
    out->tidy_in_ms = tidy_in_ms(queue, now_ms);
    queue->wake_at = UINT64_MAX;
    queue->is_report_promised = false;
    dlr_mutex_unlock(&queue->lock);
}

bool dlr_queue_sleep(struct dlr_queue *queue, uint64_t waiting)
{
    bool may_sleep;

    dlr_mutex_lock(&queue->lock);
    may_sleep = queue->waiting < waiting &&
                (queue->waiting == 0 || waiting == UINT64_MAX ||
                 !dlr_log_is_pressed(queue));
    queue->wake_at = may_sleep ? waiting : UINT64_MAX;
    dlr_mutex_unlock(&queue->lock);
    return may_sleep;
}

void dlr_queue_count_traffic(struct dlr_queue *queue,
                             const struct dlr_traffic *traffic)
{
    dlr_mutex_lock(&queue->lock);
    queue->ledger.requests += traffic->requests;
    queue->ledger.retries += traffic->retries;
    queue->ledger.failures += traffic->failures;
    queue->ledger.body_bytes += traffic->body_bytes;
    queue->ledger.sent_bytes += traffic->sent_bytes;
    dlr_mutex_unlock(&queue->lock);
}

/* The oldest record that is pending, resting and in flight included. */
static int64_t oldest_age_ms(const struct dlr_queue *queue, int64_t now_ms)
{
    for (struct dlr_segment *segment = queue->first; segment != NULL;
         segment = segment->next) {
        struct dlr_position at = {segment, segment->head};

        while (segment->unsettled > 0 && at.offset < segment->end) {
            struct dlr_record_head head = dlr_record_read(dlr_log_at(at));

            if (head.state == DLR_RECORD_PENDING) {
                int64_t age_ms = now_ms - accepted_ms(at);

                return age_ms > 0 ? age_ms : 0;
            }
            at.offset += dlr_record_span(head.len);
        }
    }
    return 0;
}

uint64_t dlr_queue_own_pending(struct dlr_queue *queue)
{
    uint64_t pending;

    dlr_mutex_lock(&queue->lock);
    pending = queue->ledger.pending - queue->adopted;
    dlr_mutex_unlock(&queue->lock);
    return pending;
}

void dlr_queue_read_ledger(struct dlr_queue *queue, int64_t now_ms,
                           datalyr_ledger *out)
{
    dlr_mutex_lock(&queue->lock);
    *out = queue->ledger;
    out->in_flight = queue->in_flight_events;
    out->queue_bytes = queue->held_bytes;
    out->oldest_age_ms = oldest_age_ms(queue, now_ms);
    dlr_mutex_unlock(&queue->lock);
}
