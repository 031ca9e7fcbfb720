/* SPDX-License-Identifier: MIT */
/*
 * Request: one HTTP request and the answer to it, in our terms. What the paths
 * mean is left to api/, how bytes move to server.c.
 */
#ifndef DLD_HTTP_REQUEST_H
#define DLD_HTTP_REQUEST_H

#include "base/buf.h"
#include "base/text.h"
#include "http/inflate.h"
#include "http/network.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct dld_peer;
struct dld_server;

enum dld_method {
    DLD_METHOD_OTHER,
    DLD_METHOD_GET,
    DLD_METHOD_HEAD,
    DLD_METHOD_POST,
    DLD_METHOD_PUT,
    DLD_METHOD_DELETE,
    DLD_METHOD_OPTIONS,
};

#define DLD_SEGMENTS_MAX 12
#define DLD_PARAMS_MAX   24

struct dld_param {
    struct dlr_text name;
    struct dlr_text value;
};

/* A path and query, decoded; texts point into the target's own copy. */
struct dld_target {
    char *copy;
    char *raw; /* as sent, for the log */
    struct dlr_text segments[DLD_SEGMENTS_MAX];
    size_t segment_count;
    struct dld_param params[DLD_PARAMS_MAX];
    size_t param_count;
    const char *fault; /* NULL: it can be used */
};

#define DLD_REPLY_HEADERS    14
#define DLD_REPLY_HEADER_CAP 264

/* Bytes of a reply that has no end yet. Called on a server's thread. */
struct dld_stream {
    /* Up to `cap` bytes; 0: nothing now, the stream sleeps until
     * dld_request_wake(); -1: the end. */
    long (*read)(void *self, char *out, size_t cap);
    void (*close)(void *self);
    void *self;
};

struct dld_reply {
    int status; /* 0: not answered yet */
    const char *content_type;
    struct dlr_buf body;
    const void *constant; /* instead of `body`; lives for ever */
    size_t constant_len;
    struct dld_stream stream; /* instead of both, if `read` is set */
    struct {
        const char *name;
        char value[DLD_REPLY_HEADER_CAP];
    } headers[DLD_REPLY_HEADERS];
    size_t header_count;
};

enum dld_stage {
    DLD_STAGE_HEAD,
    DLD_STAGE_BODY,
    DLD_STAGE_WORK,
    DLD_STAGE_SENT,
};

struct dld_request {
    struct dld_server *server;
    struct MHD_Connection *connection;
    struct dld_peer *peer;
    enum dld_stage stage;
    enum dld_method method;
    char method_name[12];
    struct dld_target target;
    int64_t started_ns;
    int64_t received_ms;

    struct dlr_buf body; /* decoded */
    uint64_t body_bytes; /* as received */
    size_t accounted;    /* in the server's budget */
    struct dld_inflate inflate;
    bool is_gzip;
    bool is_deferred;
    bool is_counted;      /* among those that stopping waits for */
    atomic_bool is_ready; /* the thread that had it is done with it */
    bool is_body_refused; /* the answer is known; the rest is thrown away */

    struct dld_reply reply;
    uint64_t events;                   /* for the log */
    char key_label[32];                /* masked, for the log */
    char client[DLD_ADDRESS_TEXT_CAP]; /* who asks, for the log */
    void *work;                        /* the handler's; see server.h */
};

/* The value of a header, or an empty text. On a server's thread, or while the
 * request is deferred. */
struct dlr_text dld_request_header(const struct dld_request *request,
                                   const char *name);
struct dlr_text dld_request_cookie(const struct dld_request *request,
                                   const char *name);

/* The first parameter of that name; false if there is none. */
bool dld_request_param(const struct dld_request *request, const char *name,
                       struct dlr_text *value);

/* True if the connection comes from this machine. */
bool dld_request_is_from_loopback(const struct dld_request *request);

/* The other end of the connection; all zero if it is not known. */
struct dld_address dld_request_peer(const struct dld_request *request);

/* Keeps the connection waiting, so that the answer can come from another
 * thread. Must be called before that thread is told of the request. */
void dld_request_defer(struct dld_request *request);
/* The reply of a deferred request is complete. The request is the server's
 * again and must not be touched. */
void dld_request_resume(struct dld_request *request);
/* Called by a stream that has nothing to read, and by whoever has something for
 * it then. Both under one lock of the caller's. */
void dld_request_sleep(struct dld_request *request);
void dld_request_wake(struct dld_request *request);

void dld_reply_header(struct dld_request *request, const char *name,
                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers with a JSON body, which is taken: empty when this returns. */
void dld_reply_json(struct dld_request *request, int status,
                    struct dlr_buf *body);
/* Answers with our one shape of error; hint and field may be NULL. */
void dld_reply_error(struct dld_request *request, int status, const char *error,
                     const char *hint, const char *field);
void dld_reply_constant(struct dld_request *request, int status,
                        const char *content_type, const void *bytes,
                        size_t len);

#endif
