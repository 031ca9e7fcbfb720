/* SPDX-License-Identifier: MIT */
/*
 * Sync: group commit.
 *
 * DESIGN
 * A sync takes as long for one event as for a hundred. Whoever comes while none
 * runs, runs one; those who come meanwhile wait for the next round, which one
 * of them runs for all. A round that began after a caller's append covers it.
 *
 * Threads that record one event after the other would fall into two groups that
 * take turns, each waiting for the other's sync. So before a round its runner
 * waits for those who were there last time, but never longer than a quarter of
 * what a sync takes: with eight threads, eight events share one sync instead of
 * four.
 *
 * The system tells of a failed write once, and counts its pages as written from
 * then on: asked again, it says that all is well. So after a failure the pages
 * are made dirty anew, and a round that succeeds has written them.
 *
 * LOCKING
 * `lock` orders the rounds and is never held during a sync. The queue's lock is
 * taken to find what is dirty; segments are pinned while they are written.
 */
#include "queue/sync.h"

#include "os/clock.h"
#include "os/map.h"
#include "queue/log.h"

#include <string.h>

/* Segments written in one go; a round goes on until none is dirty. */
#define RANGES_MAX 16

/* The part of a sync that is spent waiting for company. */
#define GATHERING_PART 4

/* Somebody who waits, with what his round came to. On his stack. */
struct dlr_sync_call {
    uint64_t number;
    int error;
    bool is_answered;
    struct dlr_sync_call *next;
};

struct range {
    struct dlr_segment *segment;
    uint32_t from;
    uint32_t to;
};

int dlr_sync_init(struct dlr_sync *sync)
{
    int error;

    memset(sync, 0, sizeof *sync);
    error = dlr_mutex_init(&sync->lock);
    if (error == 0) {
        error = dlr_cond_init(&sync->done);
    }
    return error == 0 ? dlr_cond_init(&sync->joined) : error;
}

void dlr_sync_clear(struct dlr_sync *sync)
{
    dlr_cond_clear(&sync->joined);
    dlr_cond_clear(&sync->done);
    dlr_mutex_clear(&sync->lock);
}

static size_t find_dirty(struct dlr_queue *queue, struct range *ranges)
{
    size_t count = 0;

    dlr_mutex_lock(&queue->lock);
    for (struct dlr_segment *segment = queue->first;
         segment != NULL && count < RANGES_MAX; segment = segment->next) {
        if (segment->generation != 0 && segment->synced < segment->end) {
            ranges[count++] =
                (struct range){segment, segment->synced, segment->end};
            dlr_log_pin(segment);
        }
    }
    dlr_mutex_unlock(&queue->lock);
    return count;
}

/* The pages that hold the range, from the start of the first. */
static int write_range(const struct range *range)
{
    uintptr_t page = dlr_map_page_bytes();
    uintptr_t from = (uintptr_t)(range->segment->base + range->from);
    uintptr_t to = (uintptr_t)(range->segment->base + range->to);

    /* The head of the file goes with its first records. */
    from = range->from == 0 ? (uintptr_t)range->segment->mapping
                            : from / page * page;
    return dlr_map_sync((void *)from, to - from, 1);
}

static void settle_ranges(struct dlr_queue *queue, const struct range *ranges,
                          size_t count, int error)
{
    dlr_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++) {
        struct dlr_segment *segment = ranges[i].segment;

        if (error == 0 && segment->synced < ranges[i].to) {
            segment->synced = ranges[i].to;
        }
        dlr_log_unpin(queue, segment);
    }
    dlr_mutex_unlock(&queue->lock);
}

/* Under the lock, as everything that writes to a record. */
static void make_dirty(struct dlr_queue *queue, const struct range *range)
{
    size_t page = dlr_map_page_bytes();
    char *begin = range->segment->mapping;
    char *end = range->segment->base + range->to;
    char *from = range->segment->base + range->from;

    dlr_mutex_lock(&queue->lock);
    for (char *at = begin + (size_t)(from - begin) / page * page; at < end;
         at += page) {
        volatile char *byte = at;

        *byte = *byte;
    }
    dlr_mutex_unlock(&queue->lock);
}

static int run_round(struct dlr_queue *queue, bool is_suspect)
{
    struct range ranges[RANGES_MAX];
    size_t count;
    int error = 0;

    while (error == 0 && (count = find_dirty(queue, ranges)) > 0) {
        for (size_t i = 0; i < count; i++) {
            int failure;

            if (is_suspect) {
                make_dirty(queue, &ranges[i]);
            }
            failure = write_range(&ranges[i]);
            error = error == 0 ? failure : error;
        }
        settle_ranges(queue, ranges, count, error);
        if (count < RANGES_MAX) {
            break; /* later appends belong to later rounds */
        }
    }
    return error;
}

/* With the lock held: lets those join who were in the last round. */
static void gather(struct dlr_sync *sync)
{
    int64_t deadline_ns =
        dlr_clock_monotonic_ns() + sync->took_ns / GATHERING_PART;
    bool in_time = true;

    while (in_time && sync->asked - sync->finished < sync->expected) {
        in_time =
            dlr_cond_wait_until_ns(&sync->joined, &sync->lock, deadline_ns);
    }
}

/* With the lock held. */
static void answer(struct dlr_sync *sync, int error)
{
    struct dlr_sync_call **place = &sync->calls;

    while (*place != NULL) {
        struct dlr_sync_call *call = *place;

        if (call->number > sync->covered) {
            place = &call->next;
            continue;
        }
        *place = call->next;
        call->error = error;
        call->is_answered = true;
    }
    sync->finished = sync->covered;
    dlr_cond_broadcast(&sync->done);
}

/* With the lock held, which is let go of meanwhile. */
static void lead_round(struct dlr_sync *sync, struct dlr_queue *queue)
{
    bool is_suspect = sync->is_suspect;
    int64_t begin_ns;
    int error;

    sync->is_running = true;
    gather(sync);
    sync->covered = sync->asked;
    dlr_mutex_unlock(&sync->lock);
    begin_ns = dlr_clock_monotonic_ns();
    error = run_round(queue, is_suspect);
    dlr_mutex_lock(&sync->lock);
    sync->took_ns = dlr_clock_monotonic_ns() - begin_ns;
    sync->is_running = false;
    /* Those of this round, and those who wait for the next already. */
    sync->expected = sync->asked - sync->finished;
    sync->is_suspect = error != 0;
    answer(sync, error);
}

int dlr_sync_wait(struct dlr_sync *sync, struct dlr_queue *queue)
{
    struct dlr_sync_call call = {0};

    dlr_mutex_lock(&sync->lock);
    call.number = ++sync->asked;
    call.next = sync->calls;
    sync->calls = &call;
    if (sync->asked - sync->finished == sync->expected) {
        dlr_cond_broadcast(&sync->joined);
    }
    while (!call.is_answered) {
        if (sync->is_running) {
            dlr_cond_wait(&sync->done, &sync->lock);
        } else {
            lead_round(sync, queue);
        }
    }
    dlr_mutex_unlock(&sync->lock);
    return call.error;
}
