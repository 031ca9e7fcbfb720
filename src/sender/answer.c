/* SPDX-License-Identifier: MIT */
/*
 * Answer: what becomes of the events of a request, by the verdict on its
 * answer. Each path settles the slice exactly once or lets it wait, which is
 * what keeps accepted = delivered + dropped + pending true.
 */
#include "base/mem.h"
#include "os/random.h"
#include "sender/state.h"

#include <stdlib.h>

/* After so many cycles of attempts events are given up; with a journal never.
 * The vendor's number. */
#define CYCLES_MAX 10u

struct rejections {
    uint32_t *indexes;
    size_t count;
    struct dlr_sender *sender;
};

static void note_rejection(void *self, const struct dlr_rejection *rejection)
{
    struct rejections *rejections = self;

    rejections->indexes[rejections->count++] = rejection->index;
    dlr_tell(rejections->sender, DATALYR_LOG_WARN,
             "The server rejected an event: %.*s", (int)rejection->error.len,
             rejection->error.ptr);
}

static int compare_indexes(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void say_sent(struct dlr_sender *sender, uint64_t count, bool is_batch)
{
    if (is_batch) {
        dlr_tell(sender, DATALYR_LOG_DEBUG, "%llu events sent successfully",
                 (unsigned long long)count);
    } else {
        dlr_tell(sender, DATALYR_LOG_DEBUG, "Event sent successfully");
    }
}

/* False when the rejections could not be read for lack of memory. */
static bool deliver(struct dlr_sender *sender, struct dlr_job *job)
{
    uint32_t live = job->slice.live;
    struct rejections rejections = {dlr_malloc(live * sizeof(uint32_t)), 0,
                                    sender};
    struct dlr_verdict_counts counts = {0};

    if (rejections.indexes == NULL ||
        dlr_verdict_read_body(&job->request.answer, live, note_rejection,
                              &rejections, &counts) != DATALYR_OK) {
        dlr_free(rejections.indexes);
        return false;
    }
    qsort(rejections.indexes, rejections.count, sizeof(uint32_t),
          compare_indexes);
    if (sender->settings.hooks.on_delivered != NULL) {
        dlr_tell_delivered(sender, job, rejections.indexes, rejections.count);
    }
    dlr_heir_mark(dlr_slice_walk_except(&job->slice, rejections.indexes,
                                        rejections.count));
    dlr_queue_deliver(sender->queue, &job->slice, rejections.indexes,
                      rejections.count, counts.duplicates);
    if (live > rejections.count) {
        say_sent(sender, live - rejections.count, job->is_batch);
    }
    dlr_free(rejections.indexes);
    sender->park_count = 0;
    if (job->slice.live > 0) {
        dlr_refused_drop(sender, job, DATALYR_DROP_REJECTED_BY_SERVER);
    } else {
        dlr_sender_finish(sender, job);
    }
    return true;
}

static void give_up(struct dlr_sender *sender, struct dlr_job *job,
                    datalyr_drop_reason reason)
{
    dlr_tell_failure(sender, job, -1);
    dlr_refused_drop(sender, job, reason);
}

/* Ends a cycle: a rest, or the end of the events. */
static void end_cycle(struct dlr_sender *sender, struct dlr_job *job)
{
    struct dlr_queue_look look;
    int64_t now_ms = dlr_sender_now_ms(sender);
    int64_t rest_ms = sender->settings.flush_interval_ms;

    job->cycles += 1;
    if (job->cycles >= CYCLES_MAX && sender->settings.journal == NULL) {
        dlr_tell(sender, DATALYR_LOG_ERROR,
                 "Dropping %u event(s) after %u cycles of attempts: %s",
                 (unsigned)job->slice.live, (unsigned)job->cycles,
                 job->request.answer.message);
        give_up(sender, job, DATALYR_DROP_MAX_FLUSH_ATTEMPTS);
        return;
    }
    dlr_queue_look(sender->queue, now_ms, &look);
    if (look.is_asked) {
        rest_ms = dlr_pace_backoff_ms(0, dlr_random_uint64());
    }
    dlr_tell_failure(sender, job, rest_ms);
    job->attempts = 0;
    job->is_cycle_rest = true;
    dlr_sender_wait(sender, job, now_ms + rest_ms);
}

static void retry(struct dlr_sender *sender, struct dlr_job *job)
{
    const struct dlr_answer *answer = &job->request.answer;
    int64_t now_ms = dlr_sender_now_ms(sender);
    int64_t wait_ms;

    if (dlr_verdict_holds_host(answer)) {
        int64_t until_ms = now_ms + answer->retry_after_ms;

        if (until_ms > sender->hold_until_ms) {
            sender->hold_until_ms = until_ms;
        }
    }
    if (job->attempts > sender->settings.retry_limit) {
        end_cycle(sender, job);
        return;
    }
    wait_ms = dlr_pace_backoff_ms(job->attempts - 1, dlr_random_uint64());
    if (answer->retry_after_ms > wait_ms) {
        wait_ms = answer->retry_after_ms;
    }
    dlr_tell_failure(sender, job, wait_ms);
    dlr_sender_wait(sender, job, now_ms + wait_ms);
}

static bool chooses_batches(const struct dlr_sender *sender)
{
    return sender->settings.batch == DATALYR_BATCH_AUTO ||
           sender->settings.batch == DATALYR_BATCH_DEFAULT;
}

/* Batches were our choice, so what became of a batch of one is no verdict on
 * its event: it is sent as every server takes it. */
static void send_plain(struct dlr_sender *sender, struct dlr_job *job)
{
    dlr_tell_failure(sender, job, 0);
    job->is_batch = false;
    job->attempts = 0;
    dlr_sender_wait(sender, job, dlr_sender_now_ms(sender));
}

/* One bad event spoils a batch: halves are tried until it stands alone. */
static void refuse(struct dlr_sender *sender, struct dlr_job *job)
{
    int64_t now_ms = dlr_sender_now_ms(sender);
    struct dlr_job *second;

    if (job->slice.live < 2 && job->is_batch && chooses_batches(sender)) {
        send_plain(sender, job);
        return;
    }
    if (job->slice.live < 2) {
        give_up(sender, job, DATALYR_DROP_PERMANENT_CLIENT_ERROR);
        return;
    }
    second = dlr_sender_new_job(sender);
    if (second == NULL) {
        retry(sender, job); /* no memory to split: later, perhaps */
        return;
    }
    dlr_tell_failure(sender, job, 0);
    dlr_queue_split(sender->queue, &job->slice, &second->slice);
    dlr_job_place_behind(job, second);
    second->is_batch = second->slice.live > 1 || !chooses_batches(sender);
    job->is_batch = job->slice.live > 1 || !chooses_batches(sender);
    job->attempts = 0;
    job->batch_id[0] = '\0'; /* another batch from here on */
    dlr_sender_wait(sender, job, now_ms);
    dlr_sender_wait(sender, second, now_ms);
}

/* With a journal nothing is lost for a key, a proxy or an address: all sending
 * pauses, longer each time, until somebody has mended it. */
static void park(struct dlr_sender *sender, struct dlr_job *job)
{
    int64_t now_ms = dlr_sender_now_ms(sender);
    int64_t wait_ms = dlr_pace_park_ms(sender->park_count);

    if (now_ms >= sender->hold_until_ms) {
        sender->park_count += 1;
        sender->hold_until_ms = now_ms + wait_ms;
    }
    dlr_tell_failure(sender, job, wait_ms);
    job->attempts = 0;
    dlr_sender_wait(sender, job, sender->hold_until_ms);
}

/* What a person can mend, by the status. */
static const char *advice_for(int32_t http_status)
{
    switch (http_status) {
    case 401:
    case 403:
        return "check api_key and host";
    case 404:
    case 405:
    case 410:
        return "check the address in host";
    case 407:
        return "check proxy and its password";
    default:
        return "check host, and what stands between";
    }
}

static void log_once(struct dlr_sender *sender, const struct dlr_job *job)
{
    const struct dlr_answer *answer = &job->request.answer;

    if (!sender->is_refusal_logged) {
        sender->is_refusal_logged = true;
        dlr_tell(sender, DATALYR_LOG_ERROR,
                 "The server refuses this client (%s): %s; events are %s",
                 answer->message, advice_for(answer->http_status),
                 sender->settings.journal != NULL ? "kept in the journal"
                                                  : "dropped");
    }
}

static void learn(struct dlr_sender *sender, const struct dlr_job *job)
{
    const struct dlr_answer *answer = &job->request.answer;

    if (answer->batch_limit > 0) {
        sender->batch_limit = answer->batch_limit;
    }
    if (answer->http_status != 0) {
        sender->accepts_gzip = sender->accepts_gzip || answer->accepts_gzip;
        dlr_latency_add(&sender->latency, answer->latency_us,
                        dlr_sender_now_ms(sender));
    }
}

/* True for an answer that says nothing about events, but that the server takes
 * no batches: it offered them once, and was changed or has neighbours. */
static bool is_batch_unknown(const struct dlr_sender *sender,
                             const struct dlr_job *job)
{
    int32_t status = job->request.answer.http_status;

    return job->is_batch && chooses_batches(sender) &&
           (status == 404 || status == 405);
}

void dlr_sender_read_latency(struct dlr_sender *sender, datalyr_ledger *out)
{
    static const double fractions[3] = {0.5, 0.9, 0.99};
    double found[3];

    dlr_latency_read(&sender->latency, fractions, found, 3);
    out->latency_p50_ms = found[0];
    out->latency_p90_ms = found[1];
    out->latency_p99_ms = found[2];
}

void dlr_answer_take_up(struct dlr_sender *sender, struct dlr_job *job)
{
    enum dlr_verdict verdict = dlr_verdict_of(&job->request);

    learn(sender, job);
    dlr_body_release(sender, job);
    if (verdict == DLR_VERDICT_DELIVERED && deliver(sender, job)) {
        return;
    }
    sender->traffic.failures += 1;
    switch (verdict) {
    case DLR_VERDICT_REFUSED:
        refuse(sender, job);
        return;
    case DLR_VERDICT_UNAUTHORIZED:
    case DLR_VERDICT_MISCONFIGURED:
        if (is_batch_unknown(sender, job)) {
            sender->batch_limit = 0; /* single events, until it offers again */
            refuse(sender, job);
            return;
        }
        log_once(sender, job);
        if (sender->settings.journal != NULL) {
            park(sender, job);
        } else {
            give_up(sender, job, DATALYR_DROP_PERMANENT_CLIENT_ERROR);
        }
        return;
    case DLR_VERDICT_RETRY:
    case DLR_VERDICT_DELIVERED:
        break;
    }
    retry(sender, job);
}
