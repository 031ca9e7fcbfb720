/* SPDX-License-Identifier: MIT */
/*
 * Capture: a transport for tests of what stands above it. It records what is
 * submitted and answers from a script, on the caller's thread, without sockets
 * and without time: a poll that would have waited returns at once.
 */
#ifndef DLR_TRANSPORT_CAPTURE_H
#define DLR_TRANSPORT_CAPTURE_H

#include "transport/transport.h"

/* What one request gets. All-zero is a plain 200 at the next poll. Texts are
 * borrowed until the capture is closed. */
struct dlr_capture_step {
    int32_t http_status;    /* 0 means 200; DLR_CAPTURE_NO_ANSWER: none comes */
    int32_t delay_polls;    /* polls that find nothing before it comes;
                              DLR_CAPTURE_NEVER: only dlr_capture_finish() */
    int64_t retry_after_ms; /* 0 means none */
    uint32_t batch_limit;
    bool accepts_gzip;
    const char *body;
    const char *message; /* default: a text made from the status */
};

#define DLR_CAPTURE_NO_ANSWER (-1)
#define DLR_CAPTURE_NEVER     (-1)

/* One request as it was submitted. */
struct dlr_capture_record {
    struct dlr_request *request; /* NULL once finished or cancelled */
    char *body;                  /* a copy with a NUL behind it */
    size_t body_len;
    uint32_t batch_size;
    bool is_gzip;
    bool is_cancelled;
    int64_t timeout_ms;
};

struct dlr_capture; /* owned: closed as a transport */

/* DATALYR_OK or DATALYR_NOMEM. */
datalyr_status dlr_capture_new(struct dlr_capture **out);

struct dlr_transport *dlr_capture_transport(struct dlr_capture *capture);

/* The n-th request gets the n-th step; those beyond get a copy of `rest`.
 * `steps` is borrowed until the capture is closed. Counting starts anew. */
void dlr_capture_script(struct dlr_capture *capture,
                        const struct dlr_capture_step *steps, size_t count,
                        struct dlr_capture_step rest);

/* Makes the next `count` calls of submit() fail with `status`. */
void dlr_capture_refuse(struct dlr_capture *capture, datalyr_status status,
                        uint32_t count);

/* Finishes a recorded request that is under way now, with this step (its delay
 * is ignored); the next poll returns it. */
void dlr_capture_finish(struct dlr_capture *capture, size_t index,
                        struct dlr_capture_step step);

size_t dlr_capture_count(const struct dlr_capture *capture);

/* Lent until the next submit; `index` below the count. */
const struct dlr_capture_record *
dlr_capture_at(const struct dlr_capture *capture, size_t index);

/* How many are under way, how many were at most, how often wake() came. */
size_t dlr_capture_in_flight(const struct dlr_capture *capture);
size_t dlr_capture_peak(const struct dlr_capture *capture);
uint64_t dlr_capture_wake_count(const struct dlr_capture *capture);

#endif
