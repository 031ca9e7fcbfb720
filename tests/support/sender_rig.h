/* SPDX-License-Identifier: MIT */
/* A sender without thread, socket and time: the test answers its requests, and
 * its clock moves by what the sender says it would have waited. */
#ifndef DATALYR_TESTS_SUPPORT_SENDER_RIG_H
#define DATALYR_TESTS_SUPPORT_SENDER_RIG_H

#include "sender/sender.h"
#include "support/queue_rig.h"
#include "transport/capture.h"

#include <stdio.h>

#define SENDER_RIG_ERRORS 256
#define SENDER_RIG_TEXT   4096

struct sender_rig {
    struct queue_rig *queue_rig;
    struct dlr_queue *queue;
    struct dlr_sender *sender;
    struct dlr_capture *capture;
    struct dlr_transport spy; /* in front of the capture */
    struct dlr_sender_settings settings;
    int64_t wait_ms; /* what the last step would have waited */
    bool is_first_poll;
    unsigned submits;
    unsigned answers;

    /* What the hooks saw. */
    uint64_t delivered;
    uint64_t dropped[DATALYR_DROP_COUNT];
    uint64_t dropped_without_body;
    char dropped_ids[SENDER_RIG_TEXT]; /* one after the other */
    char delivered_ids[SENDER_RIG_TEXT];
    struct {
        int32_t http_status;
        int32_t attempt;
        int64_t retry_in_ms;
        size_t count;
        char message[200];
    } errors[SENDER_RIG_ERRORS];
    size_t error_count;
    char log[SENDER_RIG_TEXT];
    unsigned before_send_calls;
    char refused_id[64];  /* before_send refuses it */
    char replaced_id[64]; /* before_send replaces it */
    bool should_track;    /* on_drop records another event */
};

/* The spy is a member, so the rig is found from it. */
static inline struct sender_rig *sender_rig_of(struct dlr_transport *spy)
{
    return (struct sender_rig *)(void *)((char *)spy -
                                         offsetof(struct sender_rig, spy));
}

static inline struct dlr_transport *sender_rig_inner(struct dlr_transport *spy)
{
    return dlr_capture_transport(sender_rig_of(spy)->capture);
}

static inline datalyr_status sender_rig_submit(struct dlr_transport *spy,
                                               struct dlr_request *request)
{
    struct dlr_transport *inner = sender_rig_inner(spy);

    sender_rig_of(spy)->submits++;
    return inner->submit(inner, request);
}

static inline struct dlr_request *sender_rig_poll(struct dlr_transport *spy,
                                                  int64_t wait_ms)
{
    struct sender_rig *rig = sender_rig_of(spy);
    struct dlr_transport *inner = sender_rig_inner(spy);
    struct dlr_request *request;

    if (rig->is_first_poll) {
        rig->wait_ms = wait_ms;
        rig->is_first_poll = false;
    }
    request = inner->poll(inner, wait_ms);
    rig->answers += request != NULL ? 1u : 0u;
    return request;
}

static inline void sender_rig_wake(struct dlr_transport *spy)
{
    struct dlr_transport *inner = sender_rig_inner(spy);

    inner->wake(inner);
}

static inline void sender_rig_cancel(struct dlr_transport *spy,
                                     struct dlr_request *request)
{
    struct dlr_transport *inner = sender_rig_inner(spy);

    inner->cancel(inner, request);
}

static inline void sender_rig_note(char *text, const char *more)
{
    size_t len = strlen(text);

    (void)snprintf(text + len, SENDER_RIG_TEXT - len, "%s ", more);
}

static inline void sender_rig_on_delivered(const datalyr_record *events,
                                           size_t count, void *self)
{
    struct sender_rig *rig = self;

    rig->delivered += count;
    for (size_t i = 0; i < count; i++) {
        sender_rig_note(rig->delivered_ids, events[i].event_id);
    }
}

static inline void sender_rig_on_error(const datalyr_failure *failure,
                                       void *self)
{
    struct sender_rig *rig = self;
    size_t i = rig->error_count % SENDER_RIG_ERRORS;

    rig->errors[i].http_status = failure->http_status;
    rig->errors[i].attempt = failure->attempt;
    rig->errors[i].retry_in_ms = failure->retry_in_ms;
    rig->errors[i].count = failure->count;
    (void)snprintf(rig->errors[i].message, sizeof rig->errors[i].message, "%s",
                   failure->message);
    rig->error_count++;
}

/* An event whose JSON has the id that the hooks report. */
static inline datalyr_status sender_rig_track(struct sender_rig *rig,
                                              const char *id)
{
    char json[256];

    (void)snprintf(json, sizeof json, "{\"eventId\":\"%s\"}", id);
    return queue_rig_append(rig->queue_rig, json);
}

static inline void sender_rig_on_drop(const datalyr_record *events,
                                      size_t count, datalyr_drop_reason reason,
                                      void *self)
{
    struct sender_rig *rig = self;

    rig->dropped[reason] += count;
    if (events == NULL) {
        rig->dropped_without_body += count;
    }
    for (size_t i = 0; events != NULL && i < count; i++) {
        sender_rig_note(rig->dropped_ids, events[i].event_id);
        if (rig->should_track) {
            (void)sender_rig_track(rig, "again");
        }
    }
}

static inline void sender_rig_on_log(datalyr_log_level level,
                                     const char *message, void *self)
{
    struct sender_rig *rig = self;

    (void)level;
    sender_rig_note(rig->log, message);
}

static inline datalyr_decision
sender_rig_before_send(const datalyr_record *event,
                       datalyr_replacement *replacement, void *self)
{
    static const char scrubbed[] = " { \"eventId\" : \"x\", \"scrubbed\":1 } ";
    struct sender_rig *rig = self;

    rig->before_send_calls++;
    if (strcmp(event->event_id, rig->refused_id) == 0) {
        return DATALYR_REFUSE;
    }
    if (strcmp(event->event_id, rig->replaced_id) == 0) {
        (void)datalyr_replace(replacement, scrubbed, sizeof scrubbed - 1);
        return DATALYR_REPLACE;
    }
    return DATALYR_SEND;
}

static inline int64_t sender_rig_wall(void *self)
{
    (void)self;
    return INT64_C(1772600767089); /* 2026-03-04T05:06:07.089Z */
}

static inline struct dlr_sender_settings sender_rig_settings(void)
{
    struct dlr_sender_settings settings = {
        .timeout_ms = 10000,
        .retry_limit = 3,
        .max_in_flight = 10,
        .max_requests_per_second = 0,
        .batch = DATALYR_BATCH_AUTO,
        .compression = DATALYR_COMPRESSION_AUTO,
        .max_batch_events = 500,
        .max_batch_bytes = (size_t)8 << 20,
        .body_budget = (size_t)16 << 20,
        .max_in_flight_events = 750,
        .flush_at = 20,
        .flush_interval_ms = 10000,
        .hooks.on_delivered = sender_rig_on_delivered,
        .hooks.on_error = sender_rig_on_error,
        .hooks.on_drop = sender_rig_on_drop,
        .hooks.on_log = sender_rig_on_log,
    };

    return settings;
}

static inline struct sender_rig *
sender_rig_open_with(struct dlr_sender_settings settings,
                     struct dlr_queue_config config)
{
    struct sender_rig *rig = calloc(1, sizeof *rig);
    struct dlr_clock clock = {sender_rig_wall, queue_rig_now, NULL};

    assert_non_null(rig);
    rig->queue_rig = queue_rig_open(config);
    rig->queue = &rig->queue_rig->queue;
    clock.self = rig->queue_rig;
    assert_int_equal(dlr_capture_new(&rig->capture), DATALYR_OK);
    rig->spy.submit = sender_rig_submit;
    rig->spy.poll = sender_rig_poll;
    rig->spy.wake = sender_rig_wake;
    rig->spy.cancel = sender_rig_cancel;
    settings.hooks.user_data = rig;
    rig->settings = settings;
    assert_int_equal(
        dlr_sender_new(&settings, rig->queue, &rig->spy, &clock, &rig->sender),
        DATALYR_OK);
    return rig;
}

static inline struct sender_rig *
sender_rig_open(struct dlr_sender_settings settings)
{
    struct dlr_queue_config config = queue_rig_config();

    config.flush_interval_ms = settings.flush_interval_ms;
    config.flush_at = settings.flush_at;
    return sender_rig_open_with(settings, config);
}

static inline datalyr_ledger sender_rig_ledger(struct sender_rig *rig)
{
    datalyr_ledger ledger = queue_rig_ledger(rig->queue_rig);

    assert_conserved(&ledger);
    return ledger;
}

static inline void sender_rig_close(struct sender_rig *rig)
{
    struct dlr_transport *transport = dlr_capture_transport(rig->capture);
    datalyr_ledger ledger;

    dlr_queue_close(rig->queue);
    dlr_sender_stop(rig->sender, DLR_STOP_DROP);
    ledger = sender_rig_ledger(rig);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger.in_flight, 0);
    dlr_sender_free(rig->sender);
    dlr_transport_close(&transport);
    queue_rig_close(rig->queue_rig);
    free(rig);
}

static inline void sender_rig_step(struct sender_rig *rig)
{
    rig->is_first_poll = true;
    dlr_sender_step(rig->sender);
}

/* Asks for everything, as a flush with a deadline that has passed. */
static inline void sender_rig_no_wake(void *self)
{
    (void)self;
}

static inline uint64_t sender_rig_flush(struct sender_rig *rig)
{
    return dlr_queue_wait_settled(rig->queue, 0, sender_rig_no_wake, NULL);
}

/* Steps for so long, moving the clock as the sender would have waited where no
 * answer came. A sender that spins fails. */
static inline void sender_rig_run(struct sender_rig *rig, int64_t for_ms)
{
    int64_t until_ms = rig->queue_rig->now_ms + for_ms;
    unsigned idle_steps = 0;

    for (;;) {
        unsigned before = rig->submits + rig->answers;

        sender_rig_step(rig);
        if (rig->submits + rig->answers != before) {
            idle_steps = 0;
        } else if (rig->wait_ms <= 0) {
            assert_true(++idle_steps < 50);
        } else if (rig->queue_rig->now_ms + rig->wait_ms > until_ms) {
            rig->queue_rig->now_ms = until_ms;
            return;
        } else {
            rig->queue_rig->now_ms += rig->wait_ms;
        }
    }
}

#endif
