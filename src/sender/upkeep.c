/* SPDX-License-Identifier: MIT */
/*
 * Upkeep: what a journal wants from the library's thread: journals of dead
 * processes taken over, files synced, trouble told, dead letters tried again.
 */
#include "sender/state.h"

#include <string.h>

static void tell_trouble(struct dlr_sender *sender, int error)
{
    dlr_tell(sender, DATALYR_LOG_ERROR,
             "The journal cannot be written (%s): events wait in memory and "
             "do not outlive this process; mend journal_dir",
             strerror(error));
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t dlr_upkeep(struct dlr_sender *sender, int64_t now_ms)
{
    const struct dlr_sender_settings *settings = &sender->settings;
    int64_t next_ms;
    int error;

    if (settings->journal == NULL) {
        return INT64_MAX;
    }
    if (now_ms >= sender->next_look_ms) {
        dlr_heir_look(settings->heir);
        sender->next_look_ms = now_ms + DLR_HEIR_LOOK_MS;
    }
    if (settings->sync_interval_ms > 0 && now_ms >= sender->next_sync_ms) {
        error = dlr_sync_wait(settings->sync, sender->queue);
        if (error != 0) {
            dlr_journal_note_error(settings->journal, error);
        }
        sender->next_sync_ms =
            dlr_sender_now_ms(sender) + settings->sync_interval_ms;
    }
    error = dlr_journal_take_error(settings->journal);
    if (error != 0) {
        tell_trouble(sender, error);
    }
    next_ms = sooner(sender->next_look_ms, dlr_refused_retry(sender, now_ms));
    return settings->sync_interval_ms > 0
               ? sooner(next_ms, sender->next_sync_ms)
               : next_ms;
}

void dlr_upkeep_end(struct dlr_sender *sender)
{
    const struct dlr_sender_settings *settings = &sender->settings;
    int error = 0;

    if (settings->journal == NULL) {
        return;
    }
    if (settings->sync_interval_ms > 0 &&
        dlr_queue_own_pending(sender->queue) > 0) {
        error = dlr_sync_wait(settings->sync, sender->queue);
    }
    if (error != 0) {
        tell_trouble(sender, error);
    }
    dlr_queue_tidy(sender->queue); /* files of dead owners that are through */
}
