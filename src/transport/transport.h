/* SPDX-License-Identifier: MIT */
/*
 * Transport: how the bytes of a request leave and what came back. What an
 * answer means is left to transport/verdict.h, when to send to the sender.
 *
 * One thread at a time uses a transport (the sender's); only wake() may come
 * from any thread. Nothing here waits on the network but poll(), and that only
 * as long as it is told to.
 */
#ifndef DLR_TRANSPORT_TRANSPORT_H
#define DLR_TRANSPORT_TRANSPORT_H

#include "base/buf.h"

#include <datalyr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLR_ANSWER_MESSAGE_CAP 200
#define DLR_RETRY_AFTER_NONE   (-1)

/* What came back. All-zero but for `retry_after_ms` is "nothing yet". */
struct dlr_answer {
    int32_t http_status;    /* 0: no answer came, `message` says why */
    int32_t system_code;    /* CURLcode; with a status: the answer broke off */
    int64_t retry_after_ms; /* DLR_RETRY_AFTER_NONE, or 0 to 5 minutes */
    int64_t latency_us;     /* from the first attempt to connect to the end */
    uint32_t batch_limit;   /* X-Datalyr-Batch; 0: the server said nothing */
    bool accepts_gzip;      /* Accept-Encoding lists gzip with q > 0 */
    bool is_truncated;      /* the body was longer than the ceiling, or broke */
    struct dlr_buf body;    /* up to 4 MiB */
    /* One line for people, foreign text escaped, secrets masked. Empty on a
     * complete 2xx. */
    char message[DLR_ANSWER_MESSAGE_CAP];
};

/* One POST. The caller owns it and its body, and leaves both alone from
 * submit() until poll() has returned it or cancel() was called. All-zero plus
 * the fields of the first group is ready to go; used again, it keeps the memory
 * of its answer. */
struct dlr_request {
    const char *body; /* borrowed */
    size_t body_len;
    bool is_gzip;
    uint32_t batch_size; /* 0: a single event, no X-Batch-Size header */
    int64_t timeout_ms;  /* the whole request, connecting included; > 0 */
    void *owner;         /* the caller's, untouched */

    struct dlr_answer answer; /* valid once poll() has returned the request */

    struct dlr_request *next; /* the transport's, as is the next */
    void *handle;             /* NULL when not under way */
};

struct dlr_transport {
    /* Starts a request. DATALYR_OK: it comes out of poll() exactly once, unless
     * it is cancelled. DATALYR_QUEUE_FULL (as many as the transport was made
     * for are under way) or DATALYR_NOMEM: it was not taken. */
    datalyr_status (*submit)(struct dlr_transport *self,
                             struct dlr_request *request);

    /* The next request that is finished, or NULL when none was within `wait_ms`
     * (0: look, do not wait; negative: without end) or wake() was called. A
     * wake that comes while nobody polls ends the next wait at once. After a
     * finished request call again with 0 for the others. */
    struct dlr_request *(*poll)(struct dlr_transport *self, int64_t wait_ms);

    /* Makes poll() return soon. Any thread. */
    void (*wake)(struct dlr_transport *self);

    /* Forgets a request, also one that is finished but not yet polled; does
     * nothing on one that is not under way. Afterwards the body may go away.
     * The server may have got it. Waits for nothing, not for a resolver. */
    void (*cancel)(struct dlr_transport *self, struct dlr_request *request);

    /* Cancels what is under way and releases the transport. Waits for nothing,
     * so it keeps any deadline. */
    void (*close)(struct dlr_transport *self);

    /* In a forked child, instead of everything else: closes the child's copies
     * of the connections, so that they belong to the parent alone, and leaves
     * the rest (memory, a few other descriptors) to its fate, since a library
     * that was copied in the middle of its work cannot be asked to tidy up. */
    void (*abandon)(struct dlr_transport *self);
};

/* Releases a transport. @param transport taken: NULL after it; may be NULL */
static inline void dlr_transport_close(struct dlr_transport **transport)
{
    if (*transport != NULL) {
        (*transport)->close(*transport);
        *transport = NULL;
    }
}

static inline void dlr_transport_abandon(struct dlr_transport **transport)
{
    if (*transport != NULL) {
        (*transport)->abandon(*transport);
        *transport = NULL;
    }
}

/* Forgets the last answer but keeps its memory; submit() does it itself. */
void dlr_answer_reset(struct dlr_answer *answer);

/* Releases the memory of an answer; leaves it as after a reset. */
void dlr_answer_clear(struct dlr_answer *answer);

#endif
