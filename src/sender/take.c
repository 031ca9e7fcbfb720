/* SPDX-License-Identifier: MIT */
/*
 * Take: which events the next job is made of: how many may share a request, and
 * whose turn it is. When one is taken at all is the business of sender.c.
 */
#include "sender/state.h"

/* Around the events of a batch: brackets, batch id, time. */
#define WRAPPER_BYTES 256

static bool sends_batches(const struct dlr_sender *sender)
{
    switch (sender->settings.batch) {
    case DATALYR_BATCH_ALWAYS:
        return true;
    case DATALYR_BATCH_NEVER:
        return false;
    case DATALYR_BATCH_DEFAULT:
    case DATALYR_BATCH_AUTO:
        break;
    }
    return sender->batch_limit > 0;
}

static uint32_t batch_events(const struct dlr_sender *sender)
{
    uint32_t events = sender->settings.max_batch_events;

    if (!sends_batches(sender)) {
        return 1;
    }
    if (sender->batch_limit > 0 && sender->batch_limit < events) {
        events = sender->batch_limit;
    }
    return events;
}

static size_t batch_bytes(const struct dlr_sender *sender)
{
    size_t budget = sender->settings.body_budget > sender->body_bytes
                        ? sender->settings.body_budget - sender->body_bytes
                        : 0;
    size_t bytes = sender->settings.max_batch_bytes;

    bytes = bytes > WRAPPER_BYTES ? bytes - WRAPPER_BYTES : 1;
    return budget < bytes ? budget : bytes;
}

/* Says once what a flush will send, not with each of its requests. */
static void announce(struct dlr_sender *sender, uint64_t waiting,
                     uint32_t taken)
{
    if (sender->announced == 0) {
        sender->announced = waiting > taken ? waiting : taken;
        dlr_tell(sender, DATALYR_LOG_DEBUG, "Flushing %llu events",
                 (unsigned long long)sender->announced);
    }
    sender->announced -= taken < sender->announced ? taken : sender->announced;
}

/* Own events and recovered ones take turns, so that neither waits for the end
 * of the other. */
static bool take_next(struct dlr_sender *sender,
                      const struct dlr_queue_look *look, uint32_t max_events,
                      struct dlr_slice *slice)
{
    struct dlr_heir *heir = sender->settings.heir;
    bool is_own_due = look->due_in_ms == 0;
    bool is_heirs_turn = !is_own_due || !sender->was_foreign;

    if (dlr_heir_has_more(heir) && is_heirs_turn &&
        dlr_heir_take(heir, max_events, batch_bytes(sender), slice)) {
        sender->was_foreign = true;
        return true;
    }
    sender->was_foreign = false;
    return is_own_due && dlr_queue_take(sender->queue, max_events,
                                        batch_bytes(sender), slice);
}

bool dlr_take(struct dlr_sender *sender, const struct dlr_queue_look *look,
              struct dlr_job *job)
{
    uint64_t room =
        sender->settings.max_in_flight_events - look->in_flight_events;
    uint32_t max_events = batch_events(sender);

    max_events = room < max_events ? (uint32_t)room : max_events;
    if (!take_next(sender, look, max_events, &job->slice)) {
        return false;
    }
    announce(sender, look->waiting, job->slice.live);
    job->is_batch = sends_batches(sender);
    return true;
}
