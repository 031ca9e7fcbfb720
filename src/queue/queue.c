/* SPDX-License-Identifier: MIT */
/*
 * Queue: accepting events, under ceilings.
 *
 * DESIGN
 * The caller has encoded the event before it comes here; what is left under
 * the lock is a few counters and one copy of some hundred bytes into pages
 * that the library's thread made ready. No system call is made on that path,
 * and the sleeping sender is woken at most once a batch: the waker pays as
 * much for that as for twenty events.
 *
 * LOCKING
 * One mutex guards log and ledger, so that a snapshot of the ledger always
 * adds up. The sender holds it for DLR_LOG_STEP records at a time.
 */
#include "queue/queue.h"

#include "os/crc32c.h"
#include "os/map.h"
#include "queue/log.h"
#include "queue/slice.h"

#include <string.h>

/* Between two looks of a caller that waits: it is told when there is ample room,
 * and must find by itself what little there may be for long. */
#define LOOK_FOR_ROOM_NS ((int64_t)10 * 1000 * 1000)

/* An event that no empty log could hold must not evict all others first. */
static uint32_t largest_event(const struct dlr_queue_config *config)
{
    size_t page = dlr_segment_bytes_for(1);
    uint64_t room = config->max_bytes / page * page;

    room = room > DLR_RECORD_HEAD_BYTES ? room - DLR_RECORD_HEAD_BYTES : 0;
    return room < config->max_event_bytes ? (uint32_t)room
                                          : config->max_event_bytes;
}

int dlr_queue_init(struct dlr_queue *queue,
                   const struct dlr_queue_config *config,
                   const struct dlr_segment_maker *maker)
{
    int failure;

    memset(queue, 0, sizeof *queue);
    queue->config = *config;
    queue->config.max_event_bytes = largest_event(config);
    queue->maker = *maker;
    queue->has_checksums = maker->has_files;
    queue->ledger.size = sizeof queue->ledger;
    queue->wake_at = UINT64_MAX;
    queue->next_ordinal = 1;
    queue->segment_bytes = dlr_log_segment_bytes(queue, 0);
    queue->spare_limit = DLR_LOG_SPARES;
    failure = dlr_mutex_init_brief(&queue->lock);
    if (failure == 0) {
        failure = dlr_cond_init(&queue->room);
    }
    if (failure == 0) {
        failure = dlr_cond_init(&queue->settled);
    }
    return failure;
}

static struct dlr_segment *take_everything(struct dlr_queue *queue)
{
    struct dlr_segment *all = queue->garbage;
    struct dlr_segment *lists[3] = {queue->first, queue->spares, queue->used};

    for (size_t i = 0; i < 3; i++) {
        while (lists[i] != NULL) {
            struct dlr_segment *next = lists[i]->next;

            lists[i]->next = all;
            all = lists[i];
            lists[i] = next;
        }
    }
    queue->garbage = NULL;
    queue->first = NULL;
    queue->last = NULL;
    queue->spares = NULL;
    queue->spare_count = 0;
    queue->used = NULL;
    queue->used_count = 0;
    queue->segment_count = 0;
    queue->cursor.segment = NULL;
    queue->held_bytes = 0;
    queue->cold_bytes = 0;
    return all;
}

void dlr_queue_clear(struct dlr_queue *queue)
{
    dlr_log_retire(queue, take_everything(queue));
    dlr_cond_clear(&queue->settled);
    dlr_cond_clear(&queue->room);
    dlr_mutex_clear(&queue->lock);
}

static bool is_full(const struct dlr_queue *queue)
{
    return queue->ledger.pending >= queue->config.max_events;
}

/* The oldest record that is in no request now. */
static bool find_oldest(struct dlr_queue *queue, struct dlr_slice **resting,
                        struct dlr_position *at)
{
    bool has_waiting =
        queue->waiting > 0 && dlr_log_settle_position(&queue->cursor);

    *resting = queue->resting_first;
    if (*resting == NULL) {
        *at = queue->cursor;
        return has_waiting;
    }
    *at = (*resting)->first;
    if (has_waiting && dlr_log_is_before(queue->cursor, *at)) {
        *resting = NULL;
        *at = queue->cursor;
    }
    return true;
}

static void evict_waiting(struct dlr_queue *queue, uint32_t state)
{
    struct dlr_position at = queue->cursor;

    queue->cursor.offset +=
        dlr_record_span(dlr_record_read(dlr_log_at(at)).len);
    queue->waiting -= 1;
    if (queue->owed > queue->waiting) {
        queue->owed = queue->waiting;
    }
    dlr_log_settle(queue, at, state);
    dlr_log_release_if_done(queue, at.segment);
}

/* Drops the oldest record that is not in flight; false if there is none. */
static bool evict_oldest(struct dlr_queue *queue)
{
    struct dlr_slice *resting;
    struct dlr_position at;
    uint32_t state;

    if (!find_oldest(queue, &resting, &at)) {
        return false;
    }
    state = dlr_log_count_drop(queue, DATALYR_DROP_QUEUE_OVERFLOW);
    if (resting == NULL) {
        evict_waiting(queue, state);
    } else {
        dlr_slice_evict_first(queue, resting, state);
    }
    return true;
}

static bool fits_last(const struct dlr_queue *queue, uint32_t span)
{
    const struct dlr_segment *last = queue->last;

    return last != NULL && last->cap - last->end >= span;
}

/* Makes a spare of a file that is done, while the lock is free. */
static void renew_used(struct dlr_queue *queue, int64_t now_ms)
{
    struct dlr_segment *segment = dlr_log_take_used(queue);
    bool is_renewed;

    dlr_mutex_unlock(&queue->lock);
    is_renewed = queue->maker.renew(queue->maker.self, segment, now_ms);
    dlr_mutex_lock(&queue->lock);
    if (!is_renewed || !dlr_log_put_back(queue, segment)) {
        dlr_mutex_unlock(&queue->lock);
        dlr_log_retire(queue, segment);
        dlr_mutex_lock(&queue->lock);
    }
}

/* Makes bytes available: spares first, then files that are done, then old
 * bodies, then events, then a last segment that is empty but too small. The
 * number of events in one segment bounds the work. */
static bool make_bytes(struct dlr_queue *queue, uint32_t span, int64_t now_ms)
{
    if (queue->spares != NULL) {
        dlr_log_give_up_spare(queue); /* too small for the record in hand */
        return true;
    }
    if (queue->used != NULL) {
        renew_used(queue, now_ms);
        return true;
    }
    while (queue->spares == NULL && queue->used == NULL &&
           queue->garbage == NULL && !fits_last(queue, span)) {
        if (dlr_log_reclaim_dead(queue)) {
            continue;
        }
        if (queue->config.overflow != DATALYR_DROP_OLDEST ||
            !evict_oldest(queue)) {
            return dlr_log_give_up_empty(queue);
        }
    }
    return true;
}

/* Retires what the caller's own overflow left behind; rare, and better than
 * waiting for a thread that may be asleep. */
static void sweep(struct dlr_queue *queue)
{
    struct dlr_segment *garbage = dlr_log_take_garbage(queue);

    if (garbage != NULL) {
        dlr_mutex_unlock(&queue->lock);
        dlr_log_retire(queue, garbage);
        dlr_mutex_lock(&queue->lock);
    }
}

/* Finds a place for a record, evicting where the policy says so. Renewing or
 * releasing a segment lets go of the lock, so after that all is asked again. */
static datalyr_status find_place(struct dlr_queue *queue, uint32_t span,
                                 int64_t now_ms, struct dlr_position *out)
{
    for (;;) {
        datalyr_status status;

        if (queue->is_closed) {
            return DATALYR_CLOSED;
        }
        if (is_full(queue) && (queue->config.overflow != DATALYR_DROP_OLDEST ||
                               !evict_oldest(queue))) {
            return DATALYR_QUEUE_FULL;
        }
        status = dlr_log_find_room(queue, span, now_ms, out);
        if (status != DATALYR_QUEUE_FULL || !make_bytes(queue, span, now_ms)) {
            return status;
        }
        sweep(queue);
    }
}

/* Waits until somebody tells of room, or for a while; false when the time is
 * over or the queue was closed. */
static bool wait_for_room(struct dlr_queue *queue, int64_t deadline_ns)
{
    int64_t look_ns = dlr_clock_monotonic_ns() + LOOK_FOR_ROOM_NS;

    queue->blocked += 1;
    (void)dlr_cond_wait_until_ns(&queue->room, &queue->lock,
                                 look_ns < deadline_ns ? look_ns : deadline_ns);
    queue->blocked -= 1;
    return dlr_clock_monotonic_ns() < deadline_ns && !queue->is_closed;
}

static void write_record(struct dlr_queue *queue, struct dlr_position at,
                         struct dlr_text json, uint32_t json_crc,
                         int64_t now_ms)
{
    struct dlr_segment *segment = at.segment;
    int64_t age_ms = now_ms - segment->created_ms;
    struct dlr_record_head head = {
        .time_ms = age_ms <= 0           ? 0
                   : age_ms > UINT32_MAX ? UINT32_MAX
                                         : (uint32_t)age_ms,
        .len = (uint32_t)json.len,
        .state = DLR_RECORD_PENDING,
    };

    if (queue->has_checksums) {
        head.crc = dlr_record_crc(&head, segment->generation, json_crc);
    }
    dlr_record_write(dlr_log_place(at), &head, json);
    segment->end += dlr_record_span(head.len);
    segment->unsettled += 1;
    queue->ledger.calls += 1;
    queue->ledger.accepted += 1;
    queue->ledger.pending += 1;
    queue->waiting += 1;
}

/* Decides whether this append wakes the sender: once when enough wait, or when
 * what waits would soon be evicted, once when a segment runs out, once when
 * there is something to report. */
static bool should_wake(struct dlr_queue *queue)
{
    bool is_half_full =
        queue->last != NULL && queue->last->end > queue->last->cap / 2;
    bool wake = false;

    if (queue->waiting >= queue->wake_at ||
        (queue->wake_at != UINT64_MAX && dlr_log_is_pressed(queue))) {
        queue->wake_at = UINT64_MAX;
        wake = true;
    }
    if (queue->dead > 0 && !queue->is_report_promised) {
        queue->is_report_promised = true;
        wake = true;
    }
    if (is_half_full && queue->spare_count < DLR_LOG_SPARES &&
        !queue->wants_spare) {
        queue->wants_spare = true;
        wake = true;
    }
    return wake;
}

static datalyr_status count_refusal(struct dlr_queue *queue,
                                    datalyr_status status)
{
    datalyr_refusal why = status == DATALYR_CLOSED ? DATALYR_REFUSED_CLOSED
                          : status == DATALYR_TOO_LARGE
                              ? DATALYR_REFUSED_TOO_LARGE
                              : DATALYR_REFUSED_QUEUE_FULL;

    queue->ledger.calls += 1;
    queue->ledger.refused[why] += 1;
    return status;
}

/* With the lock held: a place, waiting for one if the policy says so. */
static datalyr_status obtain_place(struct dlr_queue *queue, uint32_t span,
                                   const struct dlr_waiter *waiter,
                                   int64_t *now_ms, struct dlr_position *out)
{
    datalyr_status status = find_place(queue, span, *now_ms, out);
    int64_t deadline_ns;

    if (status != DATALYR_QUEUE_FULL || waiter == NULL ||
        queue->config.overflow != DATALYR_BLOCK) {
        return status;
    }
    deadline_ns =
        dlr_clock_monotonic_ns() + queue->config.block_timeout_ms * 1000000;
    do {
        queue->owed = queue->waiting;
        waiter->wake(waiter->self);
        if (!wait_for_room(queue, deadline_ns)) {
            return queue->is_closed ? DATALYR_CLOSED : DATALYR_QUEUE_FULL;
        }
        *now_ms = dlr_clock_now_ms(&queue->config.clock);
        status = find_place(queue, span, *now_ms, out);
    } while (status == DATALYR_QUEUE_FULL);
    return status;
}

static datalyr_status append(struct dlr_queue *queue, struct dlr_text json,
                             const struct dlr_waiter *waiter, bool *wake_sender)
{
    uint32_t span = dlr_record_span((uint32_t)json.len);
    uint32_t json_crc =
        queue->has_checksums ? dlr_crc32c(0, json.ptr, json.len) : 0;
    int64_t now_ms = dlr_clock_near_ms(&queue->config.clock);
    struct dlr_position at;
    datalyr_status status;

    dlr_mutex_lock(&queue->lock);
    status = obtain_place(queue, span, waiter, &now_ms, &at);
    if (status == DATALYR_OK) {
        write_record(queue, at, json, json_crc, now_ms);
    } else {
        (void)count_refusal(queue, status);
    }
    *wake_sender = should_wake(queue);
    dlr_mutex_unlock(&queue->lock);
    return status;
}

datalyr_status dlr_queue_append(struct dlr_queue *queue, struct dlr_text json,
                                const struct dlr_waiter *waiter,
                                bool *wake_sender)
{
    datalyr_status status;

    if (json.len <= queue->config.max_event_bytes) {
        return append(queue, json, waiter, wake_sender);
    }
    *wake_sender = false;
    dlr_mutex_lock(&queue->lock);
    status = count_refusal(queue, DATALYR_TOO_LARGE);
    dlr_mutex_unlock(&queue->lock);
    return status;
}

void dlr_queue_refuse(struct dlr_queue *queue, datalyr_refusal why)
{
    dlr_mutex_lock(&queue->lock);
    queue->ledger.calls += 1;
    queue->ledger.refused[why] += 1;
    dlr_mutex_unlock(&queue->lock);
}

void dlr_queue_close(struct dlr_queue *queue)
{
    dlr_mutex_lock(&queue->lock);
    queue->is_closed = true;
    dlr_cond_broadcast(&queue->room);
    dlr_mutex_unlock(&queue->lock);
}

/* The child may not report, send or lose what is the parent's: it starts with
 * nothing. The pages of segments are not there any more; their heads are. */
void dlr_queue_forget(struct dlr_queue *queue)
{
    struct dlr_segment *segment = take_everything(queue);

    while (segment != NULL) {
        struct dlr_segment *next = segment->next;

        queue->maker.forget(queue->maker.self, segment);
        segment = next;
    }
}

/* Makes one segment while the lock is free. */
static void make_spare(struct dlr_queue *queue, int64_t now_ms)
{
    struct dlr_segment *segment = NULL;
    size_t bytes = queue->segment_bytes;

    queue->held_bytes += bytes; /* so that nobody else takes them meanwhile */
    dlr_mutex_unlock(&queue->lock);
    (void)queue->maker.make(queue->maker.self, bytes, true, now_ms, &segment);
    dlr_mutex_lock(&queue->lock);
    queue->held_bytes -= bytes;
    if (segment != NULL) {
        queue->held_bytes += segment->held_bytes;
        queue->segment_bytes =
            dlr_log_segment_bytes(queue, queue->segment_bytes);
        dlr_log_add_spare(queue, segment);
    }
}

/* With files the log may be far larger than memory: segments between the one
 * that is sent from and the one that is written to give their pages back, those
 * first that are sent last. */
static void cool_down(struct dlr_queue *queue)
{
    if (queue->cursor.segment != NULL) {
        dlr_log_warm_up(queue, queue->cursor.segment);
    }
    for (struct dlr_segment *segment = queue->last;
         segment != NULL &&
         queue->held_bytes - queue->cold_bytes > queue->config.memory_bytes;
         segment = segment->previous) {
        bool is_idle = segment != queue->last &&
                       segment != queue->cursor.segment && segment->pins == 0;

        if (is_idle && segment->generation != 0 && !segment->is_cold) {
            segment->is_cold = true;
            queue->cold_bytes += segment->held_bytes;
            dlr_map_discard(segment->mapping, segment->held_bytes);
        }
    }
}

/* Those that are there now: a thread that fills the log again as fast would
 * keep the sender here. */
static void renew_all_used(struct dlr_queue *queue, int64_t now_ms)
{
    for (uint32_t i = queue->used_count; i > 0 && queue->used != NULL; i--) {
        renew_used(queue, now_ms);
    }
}

void dlr_queue_tidy(struct dlr_queue *queue)
{
    int64_t now_ms = dlr_clock_now_ms(&queue->config.clock);
    struct dlr_segment *garbage;
    struct dlr_segment *foreign;

    dlr_mutex_lock(&queue->lock);
    if (!queue->is_closed) {
        renew_all_used(queue, now_ms);
    }
    dlr_log_shed_spares(queue, now_ms);
    garbage = dlr_log_take_garbage(queue);
    foreign = queue->foreign_garbage;
    queue->foreign_garbage = NULL;
    if (queue->wants_spare && !queue->is_closed) {
        for (uint32_t i = queue->spare_count; i < DLR_LOG_SPARES; i++) {
            if (queue->held_bytes + queue->segment_bytes <=
                queue->config.max_bytes) {
                make_spare(queue, now_ms);
            }
        }
        queue->wants_spare = false;
        if (queue->maker.has_files) {
            cool_down(queue);
        }
    }
    dlr_mutex_unlock(&queue->lock);
    dlr_log_retire(queue, garbage);
    while (foreign != NULL) {
        struct dlr_segment *next = foreign->next;

        foreign->retire(foreign);
        foreign = next;
    }
}
