/* SPDX-License-Identifier: MIT */
/*
 * Fence: waiting for everything that was accepted before a moment, queued or
 * in flight. Any thread but the library's own.
 */
#ifndef DLR_QUEUE_FENCE_H
#define DLR_QUEUE_FENCE_H

#include "queue/state.h"

#include <stdatomic.h>

/* Asks for everything to be sent and waits until what was accepted before is
 * settled, or up to `deadline_ms` of the monotonic clock. Returns how many are
 * not. `wake` wakes the sender, under the queue's lock. */
uint64_t dlr_queue_wait_settled(struct dlr_queue *queue, int64_t deadline_ms,
                                void (*wake)(void *self), void *self);

/* The same with a deadline that somebody may bring forward meanwhile. */
uint64_t dlr_queue_wait_settled_by(struct dlr_queue *queue,
                                   const _Atomic int64_t *deadline_ms,
                                   void (*wake)(void *self), void *self);

/* Makes a deadline earlier, if `to_ms` is, and lets who waits see it. */
void dlr_queue_bring_forward(struct dlr_queue *queue,
                             _Atomic int64_t *deadline_ms, int64_t to_ms);

#endif
