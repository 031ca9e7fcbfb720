/* SPDX-License-Identifier: MIT */
/*
 * Batch: a request body as rows, with a verdict on each event.
 */
#ifndef DLD_INGEST_BATCH_H
#define DLD_INGEST_BATCH_H

#include "base/buf.h"
#include "event/event.h"
#include "store/store.h"

struct dld_batch_limits {
    size_t max_events;
    size_t max_depth;
};

/* What the request says of the events that they do not say themselves. */
struct dld_batch_origin {
    uint32_t workspace;
    uint32_t flags; /* enum dld_row_flag */
    int64_t received_ms;
};

struct dld_batch_refusal {
    uint32_t index;
    struct dlr_text id; /* as far as it could be read */
    struct dld_event_fault fault;
};

/* Owns the memory its rows point into. All zero is empty. */
struct dld_batch {
    struct dlr_text body; /* compact */
    struct dlr_buf text;
    struct dlr_buf arena;
    char *arena_storage;
    struct dld_row *rows;
    uint32_t *indexes; /* of each row in the body */
    enum dld_verdict *verdicts;
    size_t row_count;
    struct dld_batch_refusal *refusals;
    size_t refusal_count;
    size_t event_count;
    bool is_single;            /* the body is one event, not a list of them */
    struct dlr_text workspace; /* the first one that an event claims */
};

/* A body that cannot be taken at all. */
struct dld_batch_fault {
    int status; /* HTTP: 400 or 413; 503 without memory; 0: nothing */
    const char *error;
    const char *hint;
    size_t position; /* of the byte that is wrong, for 400 */
    bool has_position;
};

void dld_batch_read(struct dlr_text body, const struct dld_batch_limits *limits,
                    const struct dld_batch_origin *origin,
                    struct dld_batch *batch, struct dld_batch_fault *fault);

void dld_batch_clear(struct dld_batch *batch);

#endif
