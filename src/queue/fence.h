/* SPDX-License-Identifier: MIT */
/*
 * Fence: waiting for everything that was accepted before a moment, queued or
 * in flight. Any thread but the library's own.
 */
#ifndef DLR_QUEUE_FENCE_H
#define DLR_QUEUE_FENCE_H

#include "queue/state.h"

/* Asks for everything to be sent and waits until what was accepted before is
 * settled, or up to `deadline_ms` of the monotonic clock. Returns how many are
 * not. `wake` wakes the sender, under the queue's lock. */
uint64_t dlr_queue_wait_settled(struct dlr_queue *queue, int64_t deadline_ms,
                                void (*wake)(void *self), void *self);

#endif
