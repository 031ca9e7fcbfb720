/* SPDX-License-Identifier: MIT */
/*
 * Upkeep: what a journal wants from the library's thread: journals of dead
 * processes taken over, files synced, trouble told, refused events kept.
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

int64_t dlr_upkeep(struct dlr_sender *sender, int64_t now_ms)
{
    const struct dlr_sender_settings *settings = &sender->settings;
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
    return settings->sync_interval_ms > 0 &&
                   sender->next_sync_ms < sender->next_look_ms
               ? sender->next_sync_ms
               : sender->next_look_ms;
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

void dlr_upkeep_bury(struct dlr_sender *sender, const struct dlr_job *job)
{
    struct dlr_walk walk = dlr_slice_walk(&job->slice);
    struct dlr_position at;
    struct dlr_text json;

    if (sender->settings.journal == NULL) {
        return;
    }
    while (dlr_walk_next(&walk, &at, &json)) {
        int error = dlr_journal_bury(sender->settings.journal, json);

        if (error != 0) {
            tell_trouble(sender, error);
            return;
        }
    }
}
