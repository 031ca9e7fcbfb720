/* SPDX-License-Identifier: MIT */
/*
 * Stream: server-sent events of what comes in, for as long as somebody looks.
 * The live thread offers rows; the server's threads take bytes.
 */
#ifndef DLD_API_STREAM_H
#define DLD_API_STREAM_H

#include "api/api.h"
#include "api/filter.h"

struct dld_stream_client;

/* A row for many clients: rendered once, when the first one wants it. */
struct dld_offer {
    const struct dld_row *row;
    const struct dld_event *event;
    struct dlr_buf *text; /* the message, made on demand */
    bool is_made;
};

/* Makes a client for a request and its answer. It starts behind `after`. */
datalyr_status dld_stream_open(struct dld_work *work, uint64_t after,
                               struct dld_stream_client **out);

/* The live thread's side. */
void dld_stream_offer(struct dld_stream_client *client,
                      struct dld_offer *offer);
uint64_t dld_stream_place(const struct dld_stream_client *client);
struct dld_stream_client **dld_stream_next(struct dld_stream_client *client);
const struct dld_filter *
dld_stream_filter(const struct dld_stream_client *client);
uint32_t dld_stream_workspace(const struct dld_stream_client *client);
/* Says how many were missed, and now and then that we are still here. */
void dld_stream_tick(struct dld_stream_client *client, int64_t now_ms);
/* True when nobody looks any more. */
bool dld_stream_is_closed(struct dld_stream_client *client);
/* Lets the client read what is there, then nothing more. */
void dld_stream_end(struct dld_stream_client *client);

/* The server's side: the connection is gone. */
void dld_stream_close(struct dld_stream_client *client);
/* Each side once. */
void dld_stream_release(struct dld_stream_client **client);

#endif
