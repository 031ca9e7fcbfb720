/* SPDX-License-Identifier: MIT */
/*
 * Sender: decides when what leaves the queue. One thread of its own runs it;
 * how bytes leave is the transport's business, what is stored the queue's.
 */
#ifndef DLR_SENDER_SENDER_H
#define DLR_SENDER_SENDER_H

#include "os/clock.h"
#include "queue/queue.h"
#include "sender/settings.h"
#include "transport/transport.h"

#include <datalyr.h>

struct dlr_sender; /* owned: dlr_sender_free() */

/* DATALYR_OK or DATALYR_NOMEM. Queue and transport are borrowed and outlive the
 * sender; the transport is used by the sender's thread alone. */
datalyr_status dlr_sender_new(const struct dlr_sender_settings *settings,
                              struct dlr_queue *queue,
                              struct dlr_transport *transport,
                              const struct dlr_clock *clock,
                              struct dlr_sender **out);

/* Runs the sender on a thread of its own. 0 or an errno value. */
int dlr_sender_start(struct dlr_sender *sender);

/* What a stop does with what is still pending. */
enum dlr_stop {
    DLR_STOP_DROP, /* hands it back: close_timeout */
    DLR_STOP_LEAVE /* leaves it in the journal */
};

/* Cancels what is under way, hands back what is left, lets a running hook
 * end and joins the thread. */
void dlr_sender_stop(struct dlr_sender *sender, enum dlr_stop what);

/* Wakes the sender. Any thread. */
void dlr_sender_wake(struct dlr_sender *sender);

/* True on the sender's own thread, where hooks run. */
bool dlr_sender_is_current(struct dlr_sender *sender);

/* Fills the latencies of a snapshot. Any thread. */
void dlr_sender_read_latency(struct dlr_sender *sender, datalyr_ledger *out);

/* One round: sends what is due, takes up what is finished, waits at most until
 * something is due. What the thread does again and again; tests call it with a
 * clock that they hold still. */
void dlr_sender_step(struct dlr_sender *sender);

void dlr_sender_free(struct dlr_sender *sender);

#endif
