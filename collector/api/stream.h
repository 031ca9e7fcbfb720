/* SPDX-License-Identifier: MIT */
/*
 * Stream: server-sent events of what comes in, for as long as somebody looks.
 * The live thread gives bundles; the server's threads take bytes.
 */
#ifndef DLD_API_STREAM_H
#define DLD_API_STREAM_H

#include "api/api.h"
#include "api/bundle.h"
#include "api/filter.h"

/* The most messages that a client can be given at once. */
#define DLD_STREAM_BURST 1000

/* Bytes that wait for a client at most, and of the longest message. */
#define DLD_STREAM_WAITING_MAX (1u << 20)
#define DLD_STREAM_MESSAGE_MAX 262144

struct dld_stream_client;

/* Rows that a client's filter let through: the first ones as messages. */
struct dld_portion {
    struct dld_bundle *bundle; /* may be NULL: no messages */
    uint64_t seen;             /* rows, those without a message included */
    uint64_t bare_seq;         /* the first without a message */
    uint64_t last_seq;
};

/* Makes a client for a request and its answer. It starts behind `after`. */
datalyr_status dld_stream_open(struct dld_work *work, uint64_t after,
                               struct dld_stream_client **out);

/* The live thread's side. */
struct dld_stream_client **dld_stream_next(struct dld_stream_client *client);
uint64_t dld_stream_place(const struct dld_stream_client *client);
const struct dld_filter *
dld_stream_filter(const struct dld_stream_client *client);
uint32_t dld_stream_workspace(const struct dld_stream_client *client);
/* How many messages the client can be given now. */
uint32_t dld_stream_room(struct dld_stream_client *client, int64_t now_ms);
/* Gives it what it can take of a portion and counts the rest as missed. */
void dld_stream_give(struct dld_stream_client *client,
                     const struct dld_portion *portion, int64_t now_ms);
/* Makes it miss what it has not read of a bundle and of those before it. */
void dld_stream_give_up(struct dld_stream_client *client,
                        const struct dld_bundle *bundle);
/* Says how many were missed, and now and then that we are still here. */
void dld_stream_tick(struct dld_stream_client *client, int64_t now_ms);
/* True when nobody looks any more. */
bool dld_stream_is_closed(struct dld_stream_client *client);
/* Lets the client read what is there, then nothing more. */
void dld_stream_end(struct dld_stream_client *client);

/* The message about rows that were left out. */
void dld_stream_write_gap(struct dlr_buf *out, uint64_t missed, uint64_t from,
                          uint64_t to);

/* The server's side: the connection is gone. */
void dld_stream_close(struct dld_stream_client *client);
/* Each side once. */
void dld_stream_release(struct dld_stream_client **client);

#endif
