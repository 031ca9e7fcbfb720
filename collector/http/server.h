/* SPDX-License-Identifier: MIT */
/*
 * Server: sockets to requests and replies to sockets, with libmicrohttpd.
 * Owns connections, bodies and their limits; leaves meaning to a handler.
 */
#ifndef DLD_HTTP_SERVER_H
#define DLD_HTTP_SERVER_H

#include "http/request.h"

#include <datalyr.h>

/* All are called on a server's thread. */
struct dld_http_handler {
    void *self;
    /* The head is complete. May answer, which refuses the body. */
    void (*begin)(void *self, struct dld_request *request);
    /* The body is complete. Answers, or defers. */
    void (*handle)(void *self, struct dld_request *request);
    /* The server answers by itself, before or instead of `handle`: the body is
     * too large, say. May add headers. */
    void (*refused)(void *self, struct dld_request *request);
    /* The answer is out or the connection is gone; frees `work`. */
    void (*finish)(void *self, struct dld_request *request, bool is_sent);
};

struct dld_server_options {
    const char *host;
    const char *port;
    const char *certificate; /* PEM text, with the key; NULL: no TLS */
    const char *private_key;
    uint32_t thread_count;
    uint32_t connection_max;
    size_t max_body_bytes;    /* as sent */
    size_t max_decoded_bytes; /* after gzip */
    size_t max_memory_bytes;  /* of all bodies */
    uint64_t head_timeout_ms;
    uint64_t body_timeout_ms;
    uint64_t idle_timeout_ms;
    struct dld_http_handler handler;
};

struct dld_server_stats {
    uint64_t connections;
    uint64_t requests;
    uint64_t in_work;    /* requests that a route works on */
    uint64_t cut;        /* connections that were too slow */
    uint64_t body_bytes; /* held now */
};

/* Takes the address; connections wait until it runs. */
datalyr_status dld_server_open(const struct dld_server_options *options,
                               struct dld_server **out, datalyr_error *error);
datalyr_status dld_server_run(struct dld_server *server, datalyr_error *error);

/* The port it listens on. */
uint16_t dld_server_port(const struct dld_server *server);

/* Takes no new connections from here on. */
void dld_server_quiesce(struct dld_server *server);
/* Waits until no request is in work, at most so long. False: some are. */
bool dld_server_drain(struct dld_server *server, uint64_t wait_ms);
/* Accepts NULL. No request may be deferred any more. */
void dld_server_stop(struct dld_server **server);

void dld_server_stats(struct dld_server *server, struct dld_server_stats *out);

#endif
