/* SPDX-License-Identifier: MIT */
/*
 * Sender: the thread that turns queued events into requests.
 *
 * DESIGN
 * The thread calls dlr_sender_step() in a loop. One step sends what is due,
 * tells hooks what they should know, then waits in the transport until an
 * answer comes, a time is reached or somebody wakes it. Tests call the step
 * with a clock that they hold still: no thread, no socket, no sleep.
 *
 *      queue --take--> job --submit--> transport --poll--> verdict
 *        ^                ^                                  |
 *        |                +------ waits for its time <-------+
 *        +---------------- settle: delivered, dropped <------+
 *
 * Each job waits for its own time, so a request that fails does not hold back
 * the others; only Retry-After and a refused key hold the whole host.
 *
 * DELIVERY
 * At least once. A slice is settled after a verdict, never before; dying in
 * between sends it again under the same event ids.
 */
#include "sender/sender.h"

#include "base/mem.h"
#include "sender/state.h"

#include <string.h>

/* Longest wait without anything to do: a net under missed wake-ups. */
#define IDLE_MS 60000

/* Pause when there is no memory for a request. */
#define SHORTAGE_MS 1000

/* Before the first look for journals of dead processes: a command that records
 * one event and ends is gone by then, and leaves them to somebody who stays. */
#define FIRST_LOOK_MS 100

/* Room to tell one event of any size is taken now: an event that was accepted
 * is told to its hook also when memory has run out. */
static bool prepare_records(struct dlr_sender *sender)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;

    return (hooks->on_delivered == NULL && hooks->on_drop == NULL &&
            hooks->on_error == NULL) ||
           dlr_records_prepare(&sender->records,
                               sender->queue->config.max_event_bytes);
}

datalyr_status dlr_sender_new(const struct dlr_sender_settings *settings,
                              struct dlr_queue *queue,
                              struct dlr_transport *transport,
                              const struct dlr_clock *clock,
                              struct dlr_sender **out)
{
    struct dlr_sender *sender = dlr_calloc(1, sizeof *sender);

    *out = NULL;
    if (sender == NULL) {
        return DATALYR_NOMEM;
    }
    sender->settings = *settings;
    sender->queue = queue;
    sender->transport = transport;
    sender->clock = *clock;
    if (dlr_latency_init(&sender->latency, dlr_sender_now_ms(sender)) != 0) {
        dlr_free(sender);
        return DATALYR_NOMEM;
    }
    if (!prepare_records(sender)) {
        dlr_sender_free(sender);
        return DATALYR_NOMEM;
    }
    sender->next_look_ms = dlr_sender_now_ms(sender) + FIRST_LOOK_MS;
    dlr_bucket_init(&sender->bucket, settings->max_requests_per_second,
                    dlr_sender_now_ms(sender));
    /* One request in flight promises strict order, also over failures. */
    sender->waiting.is_strict = settings->max_in_flight == 1;
    *out = sender;
    return DATALYR_OK;
}

static void free_jobs(struct dlr_job *job)
{
    while (job != NULL) {
        struct dlr_job *next = job->next;

        dlr_answer_clear(&job->request.answer);
        dlr_buf_clear(&job->body);
        dlr_free(job);
        job = next;
    }
}

void dlr_sender_free(struct dlr_sender *sender)
{
    struct dlr_job *job;

    if (sender == NULL) {
        return;
    }
    while ((job = dlr_job_heap_pop(&sender->waiting)) != NULL) {
        job->next = sender->unused;
        sender->unused = job;
    }
    free_jobs(sender->on_wire);
    free_jobs(sender->unburied);
    free_jobs(sender->unused);
    dlr_job_heap_clear(&sender->waiting);
    dlr_pool_clear(&sender->pool);
    dlr_gzip_free(&sender->gzip);
    dlr_records_clear(&sender->records);
    dlr_latency_clear(&sender->latency);
    dlr_free(sender);
}

struct dlr_job *dlr_sender_new_job(struct dlr_sender *sender)
{
    struct dlr_job *job = sender->unused;

    /* A place to wait is part of the job: what was taken can always be kept. */
    if (!dlr_job_heap_reserve(&sender->waiting, sender->job_count + 1u)) {
        return NULL;
    }
    if (job == NULL) {
        job = dlr_calloc(1, sizeof *job);
        if (job == NULL) {
            return NULL;
        }
    } else {
        sender->unused = job->next;
        job->next = NULL;
    }
    job->request.owner = job;
    job->ordinal = sender->next_ordinal;
    job->width = DLR_JOB_WIDTH;
    sender->next_ordinal += DLR_JOB_WIDTH;
    sender->job_count += 1;
    return job;
}

void dlr_sender_finish(struct dlr_sender *sender, struct dlr_job *job)
{
    struct dlr_request request = job->request;

    sender->job_count -= 1;
    memset(job, 0, sizeof *job);
    job->request = request; /* with the memory of its answer */
    job->next = sender->unused;
    sender->unused = job;
}

void dlr_sender_wait(struct dlr_sender *sender, struct dlr_job *job,
                     int64_t at_ms)
{
    job->next_at_ms = at_ms;
    dlr_queue_rest(sender->queue, &job->slice);
    dlr_job_heap_push(&sender->waiting, job);
}

static void link_on_wire(struct dlr_sender *sender, struct dlr_job *job)
{
    job->previous = NULL;
    job->next = sender->on_wire;
    if (job->next != NULL) {
        job->next->previous = job;
    }
    sender->on_wire = job;
    sender->on_wire_count += 1;
}

static void unlink_on_wire(struct dlr_sender *sender, struct dlr_job *job)
{
    if (job->previous == NULL) {
        sender->on_wire = job->next;
    } else {
        job->previous->next = job->next;
    }
    if (job->next != NULL) {
        job->next->previous = job->previous;
    }
    job->next = NULL;
    job->previous = NULL;
    sender->on_wire_count -= 1;
}

/* Sends a job whose slice is in flight. */
static void launch(struct dlr_sender *sender, struct dlr_job *job)
{
    bool is_failed = false;

    if (!dlr_body_build(sender, job, &is_failed)) {
        if (is_failed) {
            dlr_sender_wait(sender, job,
                            dlr_sender_now_ms(sender) + SHORTAGE_MS);
        } else {
            dlr_sender_finish(sender, job);
        }
        return;
    }
    job->attempts += 1;
    job->is_cycle_rest = false;
    job->request.timeout_ms = sender->settings.timeout_ms;
    if (sender->transport->submit(sender->transport, &job->request) !=
        DATALYR_OK) {
        dlr_body_release(sender, job);
        job->attempts -= 1;
        dlr_sender_wait(sender, job, dlr_sender_now_ms(sender) + SHORTAGE_MS);
        return;
    }
    sender->traffic.requests += 1;
    sender->traffic.retries += job->attempts > 1 || job->cycles > 0 ? 1 : 0;
    sender->traffic.body_bytes += job->plain_bytes;
    sender->traffic.sent_bytes += job->request.body_len;
    link_on_wire(sender, job);
}

static void resume_first(struct dlr_sender *sender)
{
    struct dlr_job *job = dlr_job_heap_pop(&sender->waiting);

    dlr_queue_resume(sender->queue, &job->slice);
    if (job->slice.live == 0) {
        dlr_sender_finish(sender, job); /* all evicted meanwhile */
    } else {
        launch(sender, job);
    }
}

/* Takes the next slice and sends it; false when there is none to take. */
static bool send_next(struct dlr_sender *sender,
                      const struct dlr_queue_look *look)
{
    struct dlr_job *job = dlr_sender_new_job(sender);

    if (job == NULL) {
        sender->short_until_ms = dlr_sender_now_ms(sender) + SHORTAGE_MS;
        return false;
    }
    if (!dlr_take(sender, look, job)) {
        dlr_sender_finish(sender, job);
        return false;
    }
    launch(sender, job);
    return true;
}

/* With one request in flight events keep their order, so what failed goes
 * before what is new. */
static bool must_keep_order(const struct dlr_sender *sender)
{
    return sender->settings.max_in_flight == 1 && sender->waiting.count > 0;
}

static bool has_due(const struct dlr_sender *sender,
                    const struct dlr_queue_look *look)
{
    return look->due_in_ms == 0 || dlr_heir_has_more(sender->settings.heir);
}

static bool may_take(const struct dlr_sender *sender,
                     const struct dlr_queue_look *look)
{
    return !must_keep_order(sender) &&
           sender->job_count < DLR_SENDER_JOBS_MAX &&
           dlr_sender_now_ms(sender) >= sender->short_until_ms &&
           look->in_flight_events < sender->settings.max_in_flight_events;
}

static bool may_send(const struct dlr_sender *sender, int64_t now_ms)
{
    return sender->on_wire_count < sender->settings.max_in_flight &&
           now_ms >= sender->hold_until_ms;
}

/* Sends one request, a retry before new events. False: nothing is due. */
static bool send_one(struct dlr_sender *sender, struct dlr_queue_look *look,
                     int64_t now_ms)
{
    struct dlr_job *first = dlr_job_heap_first(&sender->waiting);

    if (!may_send(sender, now_ms) ||
        dlr_bucket_wait_ms(&sender->bucket, now_ms) > 0) {
        return false;
    }
    if (first != NULL && first->next_at_ms <= now_ms) {
        (void)dlr_bucket_take(&sender->bucket, now_ms);
        resume_first(sender);
        return true;
    }
    if (!has_due(sender, look) || !may_take(sender, look) ||
        !send_next(sender, look)) {
        return false;
    }
    (void)dlr_bucket_take(&sender->bucket, now_ms);
    return true;
}

/* A flush ends the rest between cycles, once each time it is asked for. */
static void end_rests(struct dlr_sender *sender, int64_t now_ms)
{
    for (size_t i = 0; i < sender->waiting.count; i++) {
        struct dlr_job *job = sender->waiting.jobs[i];

        if (job->is_cycle_rest && job->next_at_ms > now_ms) {
            job->next_at_ms = now_ms;
        }
    }
    dlr_job_heap_reorder(&sender->waiting);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long there is nothing to do. The time of the next attempt does not count
 * while it could not be sent anyway. */
static int64_t wait_ms(struct dlr_sender *sender,
                       const struct dlr_queue_look *look, int64_t now_ms)
{
    const struct dlr_job *first = dlr_job_heap_first(&sender->waiting);
    int64_t wait = IDLE_MS;
    int64_t next = IDLE_MS;

    if (sender->on_wire_count >= sender->settings.max_in_flight) {
        return wait;
    }
    if (first != NULL) {
        next = sooner(next, first->next_at_ms - now_ms);
    }
    if (may_take(sender, look)) {
        next = has_due(sender, look) ? 0
               : look->due_in_ms > 0 ? sooner(next, look->due_in_ms)
                                     : next;
    }
    if (sender->short_until_ms > now_ms) {
        next = sooner(next, sender->short_until_ms - now_ms);
    }
    if (next < sender->hold_until_ms - now_ms) {
        next = sender->hold_until_ms - now_ms;
    }
    if (next <= 0) {
        next = dlr_bucket_wait_ms(&sender->bucket, now_ms);
    }
    wait = sooner(wait, next);
    return wait < 0 ? 0 : wait;
}

/* How many waiting events are news to a sender that goes to sleep. What could
 * not be sent just now is no news: a time or an answer ends that wait. */
static uint64_t news(const struct dlr_sender *sender,
                     const struct dlr_queue_look *look, int64_t now_ms)
{
    if (has_due(sender, look) || !may_take(sender, look) ||
        !may_send(sender, now_ms)) {
        return UINT64_MAX;
    }
    /* The first event of an empty queue starts its timer. */
    return look->waiting == 0 ? 1 : sender->settings.flush_at;
}

static void note_traffic(struct dlr_sender *sender)
{
    if (sender->traffic.requests > 0 || sender->traffic.failures > 0) {
        dlr_queue_count_traffic(sender->queue, &sender->traffic);
        memset(&sender->traffic, 0, sizeof sender->traffic);
    }
}

static bool is_stopped(const struct dlr_sender *sender)
{
    return atomic_load_explicit(&sender->stop, memory_order_acquire) != 0;
}

/* Sends everything that may leave now. Bodies take their time to make, so a stop
 * is looked for between them. */
static void send_due(struct dlr_sender *sender, struct dlr_queue_look *look)
{
    int64_t now_ms = dlr_sender_now_ms(sender);

    dlr_queue_look(sender->queue, now_ms, look);
    if (look->flushes != sender->flushes_seen) {
        sender->flushes_seen = look->flushes;
        end_rests(sender, now_ms);
        sender->next_burial_ms = now_ms;
        (void)dlr_refused_retry(sender, now_ms);
    }
    if (look->tidy_in_ms == 0) {
        dlr_queue_tidy(sender->queue);
        dlr_queue_look(sender->queue, now_ms, look);
    }
    while (!is_stopped(sender) && send_one(sender, look, now_ms)) {
        dlr_queue_look(sender->queue, now_ms, look);
    }
    note_traffic(sender);
}

void dlr_sender_step(struct dlr_sender *sender)
{
    struct dlr_queue_look look;
    struct dlr_request *request;
    int64_t upkeep_ms = dlr_upkeep(sender, dlr_sender_now_ms(sender));
    int64_t now_ms;
    int64_t wait;

    send_due(sender, &look);
    dlr_tell_losses(sender);
    if (look.has_reports) {
        (void)dlr_tell_drops(sender);
    }
    now_ms = dlr_sender_now_ms(sender);
    wait = wait_ms(sender, &look, now_ms);
    wait = sooner(wait, upkeep_ms - now_ms);
    wait = sooner(wait, look.tidy_in_ms);
    wait = sooner(wait, dlr_pool_shed(&sender->pool, now_ms));
    wait = wait < 0 ? 0 : wait;
    if (look.has_reports || /* perhaps there are more */
        !dlr_queue_sleep(sender->queue, news(sender, &look, now_ms))) {
        wait = 0;
    }
    request = sender->transport->poll(sender->transport, wait);
    while (request != NULL) {
        struct dlr_job *job = request->owner;

        unlink_on_wire(sender, job);
        dlr_answer_take_up(sender, job);
        request = sender->transport->poll(sender->transport, 0);
    }
    note_traffic(sender);
}

/* Ends all that is under way, so that nobody but the queue has it. */
static void cancel_all(struct dlr_sender *sender, bool should_drop)
{
    struct dlr_job *job;

    while (sender->on_wire != NULL) {
        job = sender->on_wire;
        sender->transport->cancel(sender->transport, &job->request);
        unlink_on_wire(sender, job);
        dlr_body_release(sender, job);
        dlr_sender_wait(sender, job, 0);
    }
    while ((job = dlr_refused_pop(sender)) != NULL) {
        dlr_job_heap_push(&sender->waiting, job);
    }
    while ((job = dlr_job_heap_pop(&sender->waiting)) != NULL) {
        dlr_queue_resume(sender->queue, &job->slice);
        if (!should_drop) {
            dlr_queue_leave(sender->queue, &job->slice);
        } else if (job->slice.live > 0) {
            dlr_queue_drop(sender->queue, &job->slice,
                           DATALYR_DROP_CLOSE_TIMEOUT);
        }
        dlr_sender_finish(sender, job);
    }
}

static void wind_up(struct dlr_sender *sender, bool should_drop)
{
    cancel_all(sender, should_drop);
    if (should_drop) {
        dlr_queue_drop_waiting(sender->queue, DATALYR_DROP_CLOSE_TIMEOUT);
    } else {
        dlr_queue_drop_unfiled(sender->queue, DATALYR_DROP_CLOSE_TIMEOUT);
    }
    while (dlr_tell_drops(sender)) {
        continue; /* the queue is closed: hooks cannot add to them */
    }
    dlr_upkeep_end(sender);
    note_traffic(sender);
}

static void run(void *self)
{
    struct dlr_sender *sender = self;
    int stop = 0;

    if (sender->settings.warning != NULL) {
        dlr_tell(sender, DATALYR_LOG_WARN, "%s", sender->settings.warning);
    }
    while (stop == 0) {
        dlr_sender_step(sender);
        stop = atomic_load_explicit(&sender->stop, memory_order_acquire);
    }
    wind_up(sender, stop == 1 + DLR_STOP_DROP);
}

int dlr_sender_start(struct dlr_sender *sender)
{
    return dlr_thread_start(&sender->thread, "datalyr-sender", run, sender);
}

void dlr_sender_stop(struct dlr_sender *sender, enum dlr_stop what)
{
    atomic_store_explicit(&sender->stop, 1 + (int)what, memory_order_release);
    if (sender->thread.is_started) {
        dlr_sender_wake(sender);
        dlr_thread_join(&sender->thread);
    } else {
        wind_up(sender, what == DLR_STOP_DROP);
    }
}

void dlr_sender_wake(struct dlr_sender *sender)
{
    sender->transport->wake(sender->transport);
}

bool dlr_sender_is_current(struct dlr_sender *sender)
{
    return dlr_thread_is_current(&sender->thread);
}
