/* SPDX-License-Identifier: MIT */
/*
 * State: the sender's own, shared by the files of this folder. The thread that
 * runs the sender uses it alone, but for what is marked.
 */
#ifndef DLR_SENDER_STATE_H
#define DLR_SENDER_STATE_H

#include "os/thread.h"
#include "sender/job.h"
#include "sender/latency.h"
#include "sender/pace.h"
#include "sender/pool.h"
#include "sender/records.h"
#include "sender/settings.h"
#include "transport/gzip.h"
#include "transport/verdict.h"

#include <stdatomic.h>

/* Jobs at any moment, waiting ones included: with one event each, room for
 * seconds of retries at full rate. More wait in the log. */
#define DLR_SENDER_JOBS_MAX 4096u

/* Reasons of drops that have a log line of their own. */
#define DLR_LOSSES 2u

struct dlr_sender {
    struct dlr_sender_settings settings;
    struct dlr_queue *queue;
    struct dlr_transport *transport;
    struct dlr_clock clock;
    struct dlr_thread thread;
    struct dlr_latency latency; /* its own lock */
    atomic_int stop;            /* 0: run; else 1 + an enum dlr_stop */

    struct dlr_job *on_wire;
    struct dlr_job *unused;
    struct dlr_job_heap waiting; /* for their next attempt */
    struct dlr_job *unburied;    /* refused, their dead letters not written */
    uint32_t on_wire_count;
    uint32_t job_count;
    uint64_t next_ordinal;

    int64_t hold_until_ms;  /* nothing is sent to the host before */
    int64_t short_until_ms; /* no new jobs before: there was no memory */
    uint32_t park_count;    /* pauses in a row for a key or an address */
    struct dlr_bucket bucket;
    uint32_t batch_limit; /* what the server said; 0: nothing yet */
    bool accepts_gzip;    /* the server said so */

    struct dlr_gzip *gzip;
    size_t body_bytes;    /* of bodies that jobs own */
    struct dlr_pool pool; /* of bodies that were sent */
    int64_t next_look_ms; /* for journals of dead processes */
    int64_t next_sync_ms;
    int64_t next_burial_ms;
    bool was_foreign; /* the last slice taken was a recovered one */
    uint64_t flushes_seen;
    uint64_t announced; /* of "Flushing n events", still to be taken */
    bool is_refusal_logged;
    bool is_burial_logged; /* that it failed; it has not succeeded since */
    bool is_loss_logged[DLR_LOSSES];
    struct dlr_traffic traffic; /* not yet in the ledger */
    struct dlr_records records; /* for hooks */
};

/* body.c: makes the body of a job, applying before_send. False when nothing is
 * left to send, or (is_failed) when there is no memory. */
bool dlr_body_build(struct dlr_sender *sender, struct dlr_job *job,
                    bool *is_failed);
void dlr_body_release(struct dlr_sender *sender, struct dlr_job *job);

/* answer.c: takes up a finished request. */
void dlr_answer_take_up(struct dlr_sender *sender, struct dlr_job *job);

/* sender.c: what becomes of a job after an attempt. */
void dlr_sender_wait(struct dlr_sender *sender, struct dlr_job *job,
                     int64_t at_ms);
void dlr_sender_finish(struct dlr_sender *sender, struct dlr_job *job);
struct dlr_job *dlr_sender_new_job(struct dlr_sender *sender);

/* take.c: takes the next events into a job, as many as may share a request.
 * False: there are none. */
bool dlr_take(struct dlr_sender *sender, const struct dlr_queue_look *look,
              struct dlr_job *job);

/* upkeep.c: what a journal wants done from time to time. Returns until when. */
int64_t dlr_upkeep(struct dlr_sender *sender, int64_t now_ms);

/* The last of it: what stays in the journal is synced as it was promised. */
void dlr_upkeep_end(struct dlr_sender *sender);

/* refused.c: drops the events of a job in flight and finishes it; with a journal
 * not before they are in the dead-letter file. Until then they stay pending. */
void dlr_refused_drop(struct dlr_sender *sender, struct dlr_job *job,
                      datalyr_drop_reason reason);

/* Tries the dead letters that could not be written again when it is time.
 * Returns until when, INT64_MAX if there are none. */
int64_t dlr_refused_retry(struct dlr_sender *sender, int64_t now_ms);

/* The next job that still waits for that, NULL if there is none. */
struct dlr_job *dlr_refused_pop(struct dlr_sender *sender);

/* tell.c: hooks and log lines. */
void dlr_tell(struct dlr_sender *sender, datalyr_log_level level,
              const char *format, ...) __attribute__((format(printf, 3, 4)));
void dlr_tell_delivered(struct dlr_sender *sender, struct dlr_job *job,
                        const uint32_t *rejected, size_t rejected_count);
void dlr_tell_failure(struct dlr_sender *sender, struct dlr_job *job,
                      int64_t retry_in_ms);
/* Reports dropped events, but no more than some hundreds at a time: a hook may
 * record events whose drops are reported in turn. False if there were none. */
bool dlr_tell_drops(struct dlr_sender *sender);
/* Warns, once for each reason, that events are lost for something that a
 * setting can mend. */
void dlr_tell_losses(struct dlr_sender *sender);

static inline int64_t dlr_sender_now_ms(const struct dlr_sender *sender)
{
    return dlr_clock_now_ms(&sender->clock);
}

#endif
