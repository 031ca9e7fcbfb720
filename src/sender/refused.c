/* SPDX-License-Identifier: MIT */
/*
 * Refused: events that are given up. With a journal the last that is left of
 * them is a line of the dead-letter file, so nothing is settled before that is
 * written.
 *
 * DESIGN
 * On a full disk the job waits outside of the heap of those to be sent: it is
 * not sent again for a disk's sake, and with one request in flight it does not
 * hold up what comes after. Its events are pending and in the journal; another
 * process that finds them there is refused as we were, and buries them.
 */
#include "sender/state.h"

#include <string.h>

/* Before a dead letter that could not be written is tried again; a flush and a
 * close do so at once. */
#define BURIAL_PAUSE_MS 10000

/* False: it could not be written. */
static bool bury(struct dlr_sender *sender, const struct dlr_job *job)
{
    int error;

    if (sender->settings.journal == NULL) {
        return true;
    }
    error =
        dlr_journal_bury(sender->settings.journal, dlr_slice_walk(&job->slice));
    if (error != 0 && !sender->is_burial_logged) {
        dlr_tell(sender, DATALYR_LOG_ERROR,
                 "The dead letter could not be written (%s): an event that the "
                 "server refused is kept and tried again; mend journal_dir",
                 strerror(error));
    }
    sender->is_burial_logged = error != 0;
    return error == 0;
}

void dlr_refused_drop(struct dlr_sender *sender, struct dlr_job *job,
                      datalyr_drop_reason reason)
{
    if (bury(sender, job)) {
        dlr_heir_mark(dlr_slice_walk(&job->slice));
        dlr_queue_drop(sender->queue, &job->slice, reason);
        dlr_sender_finish(sender, job);
        return;
    }
    job->reason = reason;
    job->next = sender->unburied;
    sender->unburied = job;
    sender->next_burial_ms = dlr_sender_now_ms(sender) + BURIAL_PAUSE_MS;
    dlr_queue_rest(sender->queue, &job->slice);
}

struct dlr_job *dlr_refused_pop(struct dlr_sender *sender)
{
    struct dlr_job *job = sender->unburied;

    if (job != NULL) {
        sender->unburied = job->next;
        job->next = NULL;
    }
    return job;
}

int64_t dlr_refused_retry(struct dlr_sender *sender, int64_t now_ms)
{
    while (sender->unburied != NULL && now_ms >= sender->next_burial_ms) {
        struct dlr_job *job = dlr_refused_pop(sender);

        dlr_queue_resume(sender->queue, &job->slice);
        if (job->slice.live == 0) {
            dlr_sender_finish(sender, job); /* all evicted meanwhile */
        } else {
            dlr_refused_drop(sender, job, job->reason);
        }
    }
    return sender->unburied != NULL ? sender->next_burial_ms : INT64_MAX;
}
