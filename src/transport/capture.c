/* SPDX-License-Identifier: MIT */
/*
 * Capture: the scripted transport.
 *
 * DESIGN
 * A test decides everything: what is answered, in which order, after how many
 * polls. Nothing depends on time, so the sender's own waits can be driven with
 * a clock that the test holds still. Records are kept until the end, with a
 * copy of each body, since the bodies themselves go away.
 *
 * Each poll that finds nothing ready brings the delayed answers one poll
 * nearer; so a delay of 0 is the next poll, and answers with the same delay
 * come in the order of submission.
 */
#include "transport/capture.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAP 16

struct entry {
    struct dlr_capture_record record;
    struct dlr_capture_step step;
};

struct dlr_capture {
    struct dlr_transport base; /* first: the same address */
    struct entry *entries;
    size_t count;
    size_t cap;
    const struct dlr_capture_step *steps;
    size_t step_count;
    size_t step_start; /* requests there were before the script */
    struct dlr_capture_step rest;
    datalyr_status refusal;
    uint32_t refusals_left;
    size_t in_flight;
    size_t peak;
    struct dlr_request *finished; /* in the order of finishing */
    struct dlr_request *last_finished;
    atomic_uint_fast64_t wake_count;
};

static struct dlr_capture *self_of(struct dlr_transport *transport)
{
    return (struct dlr_capture *)transport;
}

static bool make_room(struct dlr_capture *capture)
{
    size_t cap = capture->cap == 0 ? FIRST_CAP : capture->cap * 2;
    struct entry *entries;

    if (capture->count < capture->cap) {
        return true;
    }
    entries = dlr_realloc(capture->entries, cap * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    capture->entries = entries;
    capture->cap = cap;
    return true;
}

static struct dlr_capture_step step_for(const struct dlr_capture *capture,
                                        size_t index)
{
    size_t place = index - capture->step_start;

    return place < capture->step_count ? capture->steps[place] : capture->rest;
}

static struct entry *find_entry(struct dlr_capture *capture,
                                const struct dlr_request *request)
{
    for (size_t i = capture->count; i-- > 0;) {
        if (capture->entries[i].record.request == request) {
            return &capture->entries[i];
        }
    }
    return NULL;
}

static datalyr_status submit_request(struct dlr_transport *transport,
                                     struct dlr_request *request)
{
    struct dlr_capture *capture = self_of(transport);
    struct entry entry = {
        .record = {.request = request,
                   .body_len = request->body_len,
                   .batch_size = request->batch_size,
                   .is_gzip = request->is_gzip,
                   .timeout_ms = request->timeout_ms},
        .step = step_for(capture, capture->count),
    };

    if (capture->refusals_left > 0) {
        capture->refusals_left--;
        return capture->refusal;
    }
    entry.record.body = dlr_mem_dup(request->body, request->body_len);
    if (entry.record.body == NULL || !make_room(capture)) {
        dlr_free(entry.record.body);
        return DATALYR_NOMEM;
    }
    dlr_answer_reset(&request->answer);
    request->handle = capture;
    request->next = NULL;
    capture->entries[capture->count++] = entry;
    capture->in_flight++;
    if (capture->in_flight > capture->peak) {
        capture->peak = capture->in_flight;
    }
    return DATALYR_OK;
}

static void fill_answer(struct dlr_answer *answer,
                        const struct dlr_capture_step *step)
{
    int32_t status = step->http_status == 0 ? 200 : step->http_status;

    dlr_answer_reset(answer);
    answer->http_status = status < 0 ? 0 : status;
    answer->system_code = status < 0 ? 1 : 0;
    answer->retry_after_ms =
        step->retry_after_ms == 0 ? DLR_RETRY_AFTER_NONE : step->retry_after_ms;
    answer->batch_limit = step->batch_limit;
    answer->accepts_gzip = step->accepts_gzip;
    answer->latency_us = 1000;
    if (step->body != NULL) {
        dlr_buf_append_string(&answer->body, step->body);
    }
    if (step->message != NULL) {
        (void)snprintf(answer->message, sizeof answer->message, "%s",
                       step->message);
    } else if (status < 0) {
        (void)snprintf(answer->message, sizeof answer->message,
                       "no answer, as the script says");
    } else if (status > 299) {
        (void)snprintf(answer->message, sizeof answer->message,
                       "the server answered %d", (int)status);
    }
}

/* Moves a request to those that the next poll returns. */
static void finish_entry(struct dlr_capture *capture, struct entry *entry)
{
    struct dlr_request *request = entry->record.request;

    fill_answer(&request->answer, &entry->step);
    entry->record.request = NULL;
    request->next = NULL;
    if (capture->finished == NULL) {
        capture->finished = request;
    } else {
        capture->last_finished->next = request;
    }
    capture->last_finished = request;
}

static struct dlr_request *take_finished(struct dlr_capture *capture)
{
    struct dlr_request *request = capture->finished;

    if (request != NULL) {
        capture->finished = request->next;
        request->next = NULL;
        request->handle = NULL;
        capture->in_flight--;
    }
    return request;
}

static struct dlr_request *poll_requests(struct dlr_transport *transport,
                                         int64_t wait_ms)
{
    struct dlr_capture *capture = self_of(transport);

    (void)wait_ms;
    if (capture->finished == NULL) {
        for (size_t i = 0; i < capture->count; i++) {
            struct entry *entry = &capture->entries[i];

            if (entry->record.request == NULL ||
                entry->step.delay_polls == DLR_CAPTURE_NEVER) {
                continue;
            }
            if (entry->step.delay_polls == 0) {
                finish_entry(capture, entry);
            } else {
                entry->step.delay_polls--;
            }
        }
    }
    return take_finished(capture);
}

static void count_wake(struct dlr_transport *transport)
{
    atomic_fetch_add(&self_of(transport)->wake_count, 1);
}

static void unlink_finished(struct dlr_capture *capture,
                            struct dlr_request *request)
{
    struct dlr_request **link = &capture->finished;
    struct dlr_request *last = NULL;

    while (*link != NULL) {
        if (*link == request) {
            *link = request->next;
            continue;
        }
        last = *link;
        link = &last->next;
    }
    capture->last_finished = last;
}

static void cancel_request(struct dlr_transport *transport,
                           struct dlr_request *request)
{
    struct dlr_capture *capture = self_of(transport);
    struct entry *entry = find_entry(capture, request);

    if (request->handle == NULL) {
        return;
    }
    if (entry != NULL) {
        entry->record.request = NULL;
        entry->record.is_cancelled = true;
    } else {
        unlink_finished(capture, request);
    }
    request->next = NULL;
    request->handle = NULL;
    capture->in_flight--;
}

static void close_capture(struct dlr_transport *transport)
{
    struct dlr_capture *capture = self_of(transport);

    while (take_finished(capture) != NULL) {
    }
    for (size_t i = 0; i < capture->count; i++) {
        if (capture->entries[i].record.request != NULL) {
            capture->entries[i].record.request->handle = NULL;
        }
        dlr_free(capture->entries[i].record.body);
    }
    dlr_free(capture->entries);
    dlr_free(capture);
}

/* There are no sockets, and the memory is the parent's business. */
static void abandon_capture(struct dlr_transport *transport)
{
    (void)transport;
}

datalyr_status dlr_capture_new(struct dlr_capture **out)
{
    struct dlr_capture *capture = dlr_calloc(1, sizeof *capture);

    *out = capture;
    if (capture == NULL) {
        return DATALYR_NOMEM;
    }
    capture->base = (struct dlr_transport){
        .submit = submit_request,
        .poll = poll_requests,
        .wake = count_wake,
        .cancel = cancel_request,
        .close = close_capture,
        .abandon = abandon_capture,
    };
    return DATALYR_OK;
}

struct dlr_transport *dlr_capture_transport(struct dlr_capture *capture)
{
    return &capture->base;
}

void dlr_capture_script(struct dlr_capture *capture,
                        const struct dlr_capture_step *steps, size_t count,
                        struct dlr_capture_step rest)
{
    capture->steps = steps;
    capture->step_count = count;
    capture->step_start = capture->count;
    capture->rest = rest;
}

void dlr_capture_refuse(struct dlr_capture *capture, datalyr_status status,
                        uint32_t count)
{
    capture->refusal = status;
    capture->refusals_left = count;
}

void dlr_capture_finish(struct dlr_capture *capture, size_t index,
                        struct dlr_capture_step step)
{
    struct entry *entry = &capture->entries[index];

    if (entry->record.request != NULL) {
        entry->step = step;
        finish_entry(capture, entry);
    }
}

size_t dlr_capture_count(const struct dlr_capture *capture)
{
    return capture->count;
}

const struct dlr_capture_record *
dlr_capture_at(const struct dlr_capture *capture, size_t index)
{
    return &capture->entries[index].record;
}

size_t dlr_capture_in_flight(const struct dlr_capture *capture)
{
    return capture->in_flight;
}

size_t dlr_capture_peak(const struct dlr_capture *capture)
{
    return capture->peak;
}

uint64_t dlr_capture_wake_count(const struct dlr_capture *capture)
{
    return atomic_load(&capture->wake_count);
}
