/* SPDX-License-Identifier: MIT */
/*
 * Fence: flush as its callers mean it.
 *
 * DESIGN
 * Everything pending at the moment of the call was accepted before it, so the
 * number of pending events is what the fence waits for, and the end of the log
 * is its place. Each settled record before that place lowers the number; what
 * is accepted later lies behind it and does not count.
 */
#include "queue/fence.h"

#include "os/clock.h"

static void raise_fence(struct dlr_queue *queue, struct dlr_fence *fence)
{
    fence->ordinal = queue->last == NULL ? 0 : queue->last->ordinal;
    fence->offset = queue->last == NULL ? 0 : queue->last->end;
    fence->left = queue->ledger.pending - queue->adopted;
    fence->next = queue->fences;
    queue->fences = fence;
}

static void lower_fence(struct dlr_queue *queue, const struct dlr_fence *fence)
{
    struct dlr_fence **place = &queue->fences;

    while (*place != fence) {
        place = &(*place)->next;
    }
    *place = fence->next;
}

uint64_t dlr_queue_wait_settled(struct dlr_queue *queue, int64_t deadline_ms,
                                void (*wake)(void *self), void *self)
{
    _Atomic int64_t fixed_ms = deadline_ms;

    return dlr_queue_wait_settled_by(queue, &fixed_ms, wake, self);
}

uint64_t dlr_queue_wait_settled_by(struct dlr_queue *queue,
                                   const _Atomic int64_t *deadline_ms,
                                   void (*wake)(void *self), void *self)
{
    struct dlr_fence fence;
    int64_t until_ms;
    uint64_t left;

    dlr_mutex_lock(&queue->lock);
    raise_fence(queue, &fence);
    queue->owed = queue->waiting;
    if (fence.left > 0) {
        queue->flushes += 1;
        wake(self);
    }
    while (fence.left > 0 &&
           dlr_clock_monotonic_ms() < (until_ms = atomic_load(deadline_ms))) {
        (void)dlr_cond_wait_until_ns(&queue->settled, &queue->lock,
                                     until_ms * 1000000);
    }
    lower_fence(queue, &fence);
    left = fence.left;
    dlr_mutex_unlock(&queue->lock);
    return left;
}

void dlr_queue_bring_forward(struct dlr_queue *queue,
                             _Atomic int64_t *deadline_ms, int64_t to_ms)
{
    /* Under the lock, so that no waiter is between its look and its sleep. */
    dlr_mutex_lock(&queue->lock);
    if (atomic_load(deadline_ms) > to_ms) {
        atomic_store(deadline_ms, to_ms);
    }
    dlr_cond_broadcast(&queue->settled);
    dlr_mutex_unlock(&queue->lock);
}
