/* SPDX-License-Identifier: MIT */
/*
 * Sync: group commit.
 *
 * DESIGN
 * A sync takes as long for one event as for a hundred. Whoever comes while none
 * runs, runs one; those who come meanwhile wait for the next round, which one
 * of them runs for all. A round that began after a caller's append covers it.
 *
 * LOCKING
 * `lock` orders the rounds and is never held during a sync. The queue's lock is
 * taken to find what is dirty; segments are pinned while they are written.
 */
#include "queue/sync.h"

#include "os/map.h"
#include "queue/log.h"

#include <string.h>

/* Segments written in one go; a round goes on until none is dirty. */
#define RANGES_MAX 16

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
    return error == 0 ? dlr_cond_init(&sync->done) : error;
}

void dlr_sync_clear(struct dlr_sync *sync)
{
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

static int run_round(struct dlr_queue *queue)
{
    struct range ranges[RANGES_MAX];
    size_t count;
    int error = 0;

    while (error == 0 && (count = find_dirty(queue, ranges)) > 0) {
        for (size_t i = 0; i < count; i++) {
            int failure = write_range(&ranges[i]);

            error = error == 0 ? failure : error;
        }
        settle_ranges(queue, ranges, count, error);
        if (count < RANGES_MAX) {
            break; /* later appends belong to later rounds */
        }
    }
    return error;
}

int dlr_sync_wait(struct dlr_sync *sync, struct dlr_queue *queue)
{
    uint64_t mine;
    int error;

    dlr_mutex_lock(&sync->lock);
    mine = ++sync->asked;
    while (sync->finished < mine) {
        uint64_t covered;

        if (sync->is_running) {
            dlr_cond_wait(&sync->done, &sync->lock);
            continue;
        }
        sync->is_running = true;
        covered = sync->asked;
        dlr_mutex_unlock(&sync->lock);
        error = run_round(queue);
        dlr_mutex_lock(&sync->lock);
        sync->is_running = false;
        sync->finished = covered;
        sync->last_error = error;
        dlr_cond_broadcast(&sync->done);
    }
    error = sync->last_error;
    dlr_mutex_unlock(&sync->lock);
    return error;
}
