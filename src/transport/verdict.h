/* SPDX-License-Identifier: MIT */
/*
 * Verdict: what an answer means for the events that were sent. Pure; what is
 * done about it is left to the sender.
 */
#ifndef DLR_TRANSPORT_VERDICT_H
#define DLR_TRANSPORT_VERDICT_H

#include "transport/transport.h"

enum dlr_verdict {
    DLR_VERDICT_RETRY,        /* no answer, 408, 429, 5xx, 3xx, odd ones */
    DLR_VERDICT_DELIVERED,    /* 2xx; see dlr_verdict_read_body() */
    DLR_VERDICT_REFUSED,      /* 400, 413, 422: an event is bad: split */
    DLR_VERDICT_UNAUTHORIZED, /* 401, 403: the key, or a proxy */
    DLR_VERDICT_MISCONFIGURED /* other 4xx: the address, a proxy */
};

/* The verdict on a finished request. A 2xx for a batch whose body broke off is
 * a RETRY: the events named as rejected may be in the part that is missing, and
 * sending again is harmless, since a server stores an id once. */
enum dlr_verdict dlr_verdict_of(const struct dlr_request *request);

/* True if all sending to the host must wait for answer.retry_after_ms: a 429
 * or 503 that names a time. */
bool dlr_verdict_holds_host(const struct dlr_answer *answer);

/* One event of a batch that the server did not take. Texts are lent during the
 * call, and empty when the server sent none. */
struct dlr_rejection {
    uint32_t index;           /* in the batch, 0 for a single event */
    struct dlr_text event_id; /* as the server wrote it: not escaped */
    struct dlr_text error;    /* why, escaped */
};

/* What the body of a 2xx says. Counts are 0 where it says nothing, and never
 * above the number of events that were sent. */
struct dlr_verdict_counts {
    uint64_t accepted;
    uint64_t duplicates;
    uint64_t rejected; /* calls made of `reject` */
};

/* Reads the body of a delivered request and calls `reject` (may be NULL) for
 * each rejected event: once for each index below `event_count`, in the order of
 * the body. What is not understood counts as plain success: a body that is no
 * JSON object, was truncated, an index out of the batch, a repeated one.
 * DATALYR_OK; DATALYR_NOMEM: `reject` was not called, the rejections are
 * unknown. */
datalyr_status dlr_verdict_read_body(
    const struct dlr_answer *answer, uint32_t event_count,
    void (*reject)(void *self, const struct dlr_rejection *rejection),
    void *self, struct dlr_verdict_counts *counts);

#endif
