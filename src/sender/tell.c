/* SPDX-License-Identifier: MIT */
/*
 * Tell: hooks and log lines. All of it runs on the library's thread and outside
 * of every lock, so that a hook may record events and take its time.
 *
 * DELIVERY
 * on_delivered comes before the events are settled: a flush that returns has
 * had its hooks. on_drop comes after: the drop is in the ledger at once, the
 * body waits in the log for the hook.
 */
#include "queue/report.h"
#include "sender/state.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_CAP 512

void dlr_tell(struct dlr_sender *sender, datalyr_log_level level,
              const char *format, ...)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;
    char line[LINE_CAP];
    va_list args;

    if (!sender->settings.is_debug &&
        (hooks->on_log == NULL || level == DATALYR_LOG_DEBUG)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (hooks->on_log != NULL) {
        hooks->on_log(level, line, hooks->user_data);
    } else {
        (void)fprintf(stderr, "[Datalyr] %s\n", line);
    }
}

static void flush_delivered(struct dlr_sender *sender)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;

    if (sender->records.count > 0) {
        hooks->on_delivered(dlr_records_view(&sender->records),
                            sender->records.count, hooks->user_data);
        dlr_records_reset(&sender->records);
    }
}

void dlr_tell_delivered(struct dlr_sender *sender, struct dlr_job *job,
                        const uint32_t *rejected, size_t rejected_count)
{
    struct dlr_walk walk =
        dlr_slice_walk_except(&job->slice, rejected, rejected_count);
    struct dlr_position at;
    struct dlr_text json;

    while (dlr_walk_next(&walk, &at, &json)) {
        if (!dlr_records_add(&sender->records, json)) {
            flush_delivered(sender);
            (void)dlr_records_add(&sender->records, json);
        }
    }
    flush_delivered(sender);
}

static datalyr_failure failure_of(const struct dlr_job *job,
                                  int64_t retry_in_ms)
{
    const struct dlr_answer *answer = &job->request.answer;
    datalyr_failure failure = {
        .http_status = answer->http_status,
        .attempt = (int32_t)job->attempts,
        .retry_in_ms = retry_in_ms,
        .message = answer->message,
    };

    return failure;
}

static void flush_failure(struct dlr_sender *sender, datalyr_failure *failure)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;

    if (sender->records.count > 0) {
        failure->events = dlr_records_view(&sender->records);
        failure->count = sender->records.count;
        hooks->on_error(failure, hooks->user_data);
        dlr_records_reset(&sender->records);
    }
}

void dlr_tell_failure(struct dlr_sender *sender, struct dlr_job *job,
                      int64_t retry_in_ms)
{
    struct dlr_walk walk = dlr_slice_walk(&job->slice);
    datalyr_failure failure = failure_of(job, retry_in_ms);
    struct dlr_position at;
    struct dlr_text json;

    if (retry_in_ms >= 0) {
        dlr_tell(
            sender, DATALYR_LOG_DEBUG, "Attempt %u failed: %s; next in %lld ms",
            (unsigned)job->attempts, failure.message, (long long)retry_in_ms);
    }
    if (sender->settings.hooks.on_error == NULL) {
        return;
    }
    while (dlr_walk_next(&walk, &at, &json)) {
        if (!dlr_records_add(&sender->records, json)) {
            flush_failure(sender, &failure);
            (void)dlr_records_add(&sender->records, json);
        }
    }
    flush_failure(sender, &failure);
}

/* Reports some dropped events with their bodies; false when there are none. */
static bool tell_some_drops(struct dlr_sender *sender)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;
    struct dlr_position found[DLR_RECORDS_MAX];
    datalyr_drop_reason reason;
    size_t count =
        dlr_queue_reports(sender->queue, found, DLR_RECORDS_MAX, &reason);
    size_t i = 0;

    while (i < count) {
        while (i < count &&
               dlr_records_add(&sender->records, dlr_position_json(found[i]))) {
            i++;
        }
        if (sender->records.count == 0) {
            /* No memory for a copy: the hook gets at least the number. */
            dlr_queue_count_unreported(sender->queue, count - i);
            hooks->on_drop(NULL, count - i, reason, hooks->user_data);
            break;
        }
        hooks->on_drop(dlr_records_view(&sender->records),
                       sender->records.count, reason, hooks->user_data);
        dlr_records_reset(&sender->records);
    }
    dlr_queue_reported(sender->queue, found, count);
    return count > 0;
}

bool dlr_tell_drops(struct dlr_sender *sender)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;
    datalyr_drop_reason reason;
    uint64_t gone;

    if (hooks->on_drop == NULL) {
        return false;
    }
    gone = dlr_queue_take_unreported(sender->queue, &reason);
    if (gone > 0) {
        hooks->on_drop(NULL, (size_t)gone, reason, hooks->user_data);
    }
    return tell_some_drops(sender) || gone > 0;
}

/* What is lost while nobody looks, with what to do about it; once each. */
static const struct {
    datalyr_drop_reason reason;
    const char *line;
} losses[DLR_LOSSES] = {
    {DATALYR_DROP_QUEUE_OVERFLOW,
     "The queue is full: the oldest events are dropped; raise max_queue_size "
     "or flush more often"},
    {DATALYR_DROP_JOURNAL_EXPIRED,
     "Events waited in the journal for longer than journal_max_age_ms and are "
     "dropped; raise it, or see why they were not sent"},
};

void dlr_tell_losses(struct dlr_sender *sender)
{
    datalyr_ledger ledger;

    if (!sender->settings.is_debug && sender->settings.hooks.on_log == NULL) {
        return;
    }
    dlr_queue_read_ledger(sender->queue, dlr_sender_now_ms(sender), &ledger);
    for (size_t i = 0; i < DLR_LOSSES; i++) {
        if (!sender->is_loss_logged[i] &&
            ledger.dropped[losses[i].reason] > 0) {
            sender->is_loss_logged[i] = true;
            dlr_tell(sender, DATALYR_LOG_WARN, "%s", losses[i].line);
        }
    }
}
