/* SPDX-License-Identifier: MIT */
/*
 * Server: libmicrohttpd with our limits.
 *
 * DESIGN
 * A few threads with epoll parse heads and collect bodies. A request whose
 * answer needs the disk is suspended and resumed by the thread that has it.
 * Bodies are counted against one budget for all connections: beyond it the
 * answer is 503, and the senders try again when the others are through.
 *
 * Stopping: what is handed to the routes is counted, and waited for; from the
 * first moment on nothing more is handed over. A connection that stays open
 * may send for ever, so it is told to try again, and closed.
 *
 * The path is taken raw from the request line: the library would decode it and
 * lose the difference between a slash and an encoded one.
 */
#include "http/server.h"

#include "base/mem.h"
#include "base/number.h"
#include "http/guard.h"
#include "http/listen.h"
#include "http/peers.h"
#include "http/target.h"
#include "os/clock.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Per connection; heads and one read of a body. Larger heads are refused. */
#define CONNECTION_MEMORY 32768

/* Slower than this and a body is cut, whatever its length says. */
#define BODY_BYTES_PER_MS 8

/* How long a client may take to read an answer. */
#define SEND_TIMEOUT_MS 60000

struct dld_server {
    struct dld_server_options options;
    struct MHD_Daemon *daemon;
    struct dld_peers peers;
    int socket;
    bool is_quiet;
    uint16_t port;
    atomic_bool is_draining;
    atomic_uint_fast64_t held_bytes;
    atomic_uint_fast64_t in_work; /* handed over, and not gone yet */
    atomic_uint_fast64_t requests;
};

static int64_t deadline(uint64_t timeout_ms)
{
    return dlr_clock_monotonic_ms() + (int64_t)timeout_ms;
}

/* ------------------------------------------------------------ connections */

static void on_connection(void *self, struct MHD_Connection *connection,
                          void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct dld_server *server = self;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        *context = dld_peers_add(&server->peers, info->connect_fd,
                                 deadline(server->options.head_timeout_ms));
    } else {
        dld_peers_remove(&server->peers, *context);
        *context = NULL;
    }
}

static struct dld_peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static void set_deadline(struct dld_request *request, int64_t deadline_ms)
{
    if (request->peer != NULL) {
        dld_peers_set_deadline(&request->server->peers, request->peer,
                               deadline_ms);
    }
}

/* ---------------------------------------------------------------- requests */

static void *on_request_line(void *self, const char *uri,
                             struct MHD_Connection *connection)
{
    struct dld_request *request = dlr_calloc(1, sizeof *request);

    if (request != NULL) {
        request->server = self;
        request->connection = connection;
        request->peer = peer_of(connection);
        dld_target_read(&request->target, uri);
    }
    return request;
}

static void on_completed(void *self, struct MHD_Connection *connection,
                         void **context, enum MHD_RequestTerminationCode code)
{
    struct dld_server *server = self;
    struct dld_request *request = *context;

    (void)connection;
    *context = NULL;
    if (request == NULL) {
        return;
    }
    if (request->stage != DLD_STAGE_HEAD) {
        server->options.handler.finish(server->options.handler.self, request,
                                       code ==
                                           MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
    if (request->is_counted) {
        atomic_fetch_sub(&server->in_work, 1);
    }
    set_deadline(request, deadline(server->options.idle_timeout_ms));
    atomic_fetch_sub(&server->held_bytes, request->accounted);
    dld_inflate_clear(&request->inflate);
    dlr_buf_clear(&request->body);
    dlr_buf_clear(&request->reply.body);
    dld_target_clear(&request->target);
    dlr_free(request);
}

static enum dld_method read_method(const char *name)
{
    static const char *const names[] = {
        [DLD_METHOD_GET] = "GET",       [DLD_METHOD_HEAD] = "HEAD",
        [DLD_METHOD_POST] = "POST",     [DLD_METHOD_PUT] = "PUT",
        [DLD_METHOD_DELETE] = "DELETE", [DLD_METHOD_OPTIONS] = "OPTIONS",
    };

    for (int i = DLD_METHOD_GET; i <= DLD_METHOD_OPTIONS; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum dld_method)i;
        }
    }
    return DLD_METHOD_OTHER;
}

/* ------------------------------------------------------------------ bodies */

static void refuse_body(struct dld_request *request, int status,
                        const char *error, const char *hint)
{
    request->is_body_refused = true;
    dld_reply_error(request, status, error, hint, NULL);
}

/* Counts what the body holds now; false beyond the budget of all bodies. */
static bool account(struct dld_request *request)
{
    struct dld_server *server = request->server;
    size_t more = request->body.cap - request->accounted;
    uint64_t held = atomic_fetch_add(&server->held_bytes, more) + more;

    request->accounted += more;
    return held <= server->options.max_memory_bytes;
}

static void inflate_part(struct dld_request *request, const char *bytes,
                         size_t len)
{
    switch (dld_inflate_add(&request->inflate, bytes, len, &request->body)) {
    case DLD_INFLATE_OK:
        return;
    case DLD_INFLATE_BROKEN:
        refuse_body(request, 400, "the body is not gzip",
                    "send it as it is, or compress it with gzip");
        return;
    case DLD_INFLATE_TOO_LARGE:
        refuse_body(request, 413, "the decompressed body is too large",
                    "send smaller batches");
        return;
    case DLD_INFLATE_NO_MEMORY:
        refuse_body(request, 503, "out of memory", NULL);
        return;
    }
}

static void add_part(struct dld_request *request, const char *bytes, size_t len)
{
    const struct dld_server_options *options = &request->server->options;

    request->body_bytes += len;
    if (request->body_bytes > options->max_body_bytes) {
        refuse_body(request, 413, "the body is too large",
                    "send smaller batches");
    } else if (request->is_gzip) {
        inflate_part(request, bytes, len);
    } else {
        dlr_buf_append(&request->body, bytes, len);
        if (request->body.failed) {
            refuse_body(request, 503, "out of memory", NULL);
        }
    }
    if (!request->is_body_refused && !account(request)) {
        refuse_body(request, 503, "too many bodies at once",
                    "try again in a second");
    }
    if (request->is_body_refused) {
        dlr_buf_clear(&request->body);
    }
}

/* Takes one piece of the body. False ends the connection: its sender goes on
 * although the answer is known. */
static bool take_part(struct dld_request *request, const char *bytes,
                      size_t len)
{
    const struct dld_server_options *options = &request->server->options;

    if (request->is_body_refused) {
        request->body_bytes += len;
        return request->body_bytes <= options->max_body_bytes * 2;
    }
    add_part(request, bytes, len);
    set_deadline(request,
                 request->started_ns / 1000000 +
                     (int64_t)options->body_timeout_ms +
                     (int64_t)(request->body_bytes / BODY_BYTES_PER_MS));
    return true;
}

static void end_body(struct dld_request *request)
{
    if (request->is_gzip && !request->is_body_refused &&
        request->body_bytes > 0 && !request->inflate.is_complete) {
        refuse_body(request, 400, "the gzip body ends too early", NULL);
    }
    dld_inflate_clear(&request->inflate);
}

/* ------------------------------------------------------------------- heads */

static bool read_encoding(struct dld_request *request)
{
    struct dlr_text encoding = dld_request_header(request, "Content-Encoding");

    request->is_gzip = dlr_text_equals_nocase(encoding, DLR_TEXT("gzip")) ||
                       dlr_text_equals_nocase(encoding, DLR_TEXT("x-gzip"));
    return request->is_gzip || encoding.len == 0 ||
           dlr_text_equals_nocase(encoding, DLR_TEXT("identity"));
}

static void check_head(struct dld_request *request)
{
    const struct dld_server_options *options = &request->server->options;
    struct dlr_text length = dld_request_header(request, "Content-Length");
    const char *fault = dld_guard_head(request->connection);
    uint64_t announced;

    if (fault == NULL) {
        fault = request->target.fault;
    }
    if (fault != NULL) {
        dld_reply_error(request, 400, fault, NULL, NULL);
        return;
    }
    if (length.len > 0 &&
        (!dlr_number_read_uint64(length.ptr, length.len, &announced) ||
         announced > options->max_body_bytes)) {
        dld_reply_error(request, 413, "the body is too large",
                        "send smaller batches", NULL);
    } else if (!read_encoding(request)) {
        dld_reply_error(request, 415, "the Content-Encoding is not known",
                        "send gzip or nothing", NULL);
    }
}

static void begin(struct dld_request *request, const char *method)
{
    struct dld_server *server = request->server;
    size_t limit = server->options.max_body_bytes;

    atomic_fetch_add(&server->requests, 1);
    request->stage = DLD_STAGE_BODY;
    request->started_ns = dlr_clock_monotonic_ns();
    request->received_ms = dlr_clock_realtime_ms();
    request->method = read_method(method);
    (void)snprintf(request->method_name, sizeof request->method_name, "%s",
                   method);
    set_deadline(request, deadline(server->options.body_timeout_ms));
    check_head(request);
    if (request->reply.status == 0) {
        server->options.handler.begin(server->options.handler.self, request);
    } else {
        server->options.handler.refused(server->options.handler.self, request);
    }
    if (request->is_gzip) {
        limit = server->options.max_decoded_bytes;
    }
    dlr_buf_init(&request->body, limit);
}

/* ----------------------------------------------------------------- answers */

static ssize_t read_stream(void *self, uint64_t position, char *out, size_t cap)
{
    struct dld_request *request = self;
    long count =
        request->reply.stream.read(request->reply.stream.self, out, cap);

    (void)position;
    if (count < 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    return (ssize_t)count;
}

static struct MHD_Response *make_response(struct dld_request *request)
{
    struct dld_reply *reply = &request->reply;
    struct MHD_Response *response;

    if (reply->stream.read != NULL) {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384,
                                                 read_stream, request, NULL);
    }
    if (reply->constant != NULL) {
        return MHD_create_response_from_buffer(
            reply->constant_len, (void *)(uintptr_t)reply->constant,
            MHD_RESPMEM_PERSISTENT);
    }
    /* Lives as long as the request, which outlives the answer. */
    response = MHD_create_response_from_buffer(reply->body.len, reply->body.ptr,
                                               MHD_RESPMEM_PERSISTENT);
    return response;
}

static enum MHD_Result answer(struct dld_request *request)
{
    struct dld_reply *reply = &request->reply;
    struct MHD_Response *response = make_response(request);
    enum MHD_Result result;

    if (response == NULL) {
        return MHD_NO;
    }
    if (reply->content_type != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      reply->content_type);
        /* Foreign text is in the answers: no browser shall guess its type. */
        (void)MHD_add_response_header(response, "X-Content-Type-Options",
                                      "nosniff");
    }
    for (size_t i = 0; i < reply->header_count; i++) {
        (void)MHD_add_response_header(response, reply->headers[i].name,
                                      reply->headers[i].value);
    }
    request->stage = DLD_STAGE_SENT;
    set_deadline(request, reply->stream.read != NULL
                              ? DLD_NO_DEADLINE
                              : deadline(SEND_TIMEOUT_MS));
    result = MHD_queue_response(request->connection, (unsigned)reply->status,
                                response);
    MHD_destroy_response(response);
    return result;
}

/* Counts the request before it looks: whoever waits for the count to become
 * zero then knows that nobody follows. */
static bool is_admitted(struct dld_request *request)
{
    struct dld_server *server = request->server;

    atomic_fetch_add(&server->in_work, 1);
    if (!atomic_load(&server->is_draining)) {
        request->is_counted = true;
        return true;
    }
    atomic_fetch_sub(&server->in_work, 1);
    dld_reply_error(request, 503, "the collector is stopping",
                    "nothing of this request is done; send it again", NULL);
    dld_reply_header(request, "Connection", "close");
    return false;
}

static enum MHD_Result work(struct dld_request *request)
{
    struct dld_http_handler *handler = &request->server->options.handler;

    end_body(request);
    request->stage = DLD_STAGE_WORK;
    set_deadline(request, DLD_NO_DEADLINE);
    if (request->reply.status == 0 && is_admitted(request)) {
        handler->handle(handler->self, request);
    } else {
        handler->refused(handler->self, request);
    }
    /* A deferred one may be answered by another thread at this moment. */
    return request->is_deferred || request->reply.status == 0 ? MHD_YES
                                                              : answer(request);
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *part,
                                  size_t *part_size, void **context)
{
    struct dld_request *request = *context;
    bool should_go_on;

    (void)self;
    (void)connection;
    (void)url;
    (void)version;
    if (request == NULL) {
        return MHD_NO;
    }
    switch (request->stage) {
    case DLD_STAGE_HEAD:
        begin(request, method);
        return request->reply.status != 0 ? answer(request) : MHD_YES;
    case DLD_STAGE_BODY:
        if (*part_size == 0) {
            return work(request);
        }
        should_go_on = take_part(request, part, *part_size);
        *part_size = 0;
        return should_go_on ? MHD_YES : MHD_NO;
    case DLD_STAGE_WORK:
        return atomic_load_explicit(&request->is_ready, memory_order_acquire)
                   ? answer(request)
                   : MHD_YES;
    case DLD_STAGE_SENT:
        return MHD_YES;
    }
    return MHD_NO;
}

/* -------------------------------------------------------------------- life */

static void be_quiet(void *self, const char *format, va_list args)
{
    (void)self;
    (void)format;
    (void)args;
}

static struct MHD_Daemon *start_daemon(struct dld_server *server)
{
    const struct dld_server_options *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->private_key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    if (options->certificate != NULL) {
        flags |= MHD_USE_TLS;
    }
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server,
        /* First, or what the options say is printed. */
        MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_LISTEN_SOCKET,
        server->socket, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)options->thread_count, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connection_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_request_line,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY,
        options->certificate != NULL ? tls : none,
        /* Refuses more of what could be read in two ways. */
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

datalyr_status dld_server_open(const struct dld_server_options *options,
                               struct dld_server **out, datalyr_error *error)
{
    struct dld_server *server = dlr_calloc(1, sizeof *server);
    datalyr_status status;

    *out = NULL;
    if (server == NULL) {
        return DATALYR_NOMEM;
    }
    server->options = *options;
    status = dld_listen(options->host, options->port, &server->socket,
                        &server->port, error);
    if (status != DATALYR_OK) {
        dlr_free(server);
        return status;
    }
    *out = server;
    return DATALYR_OK;
}

datalyr_status dld_server_run(struct dld_server *server, datalyr_error *error)
{
    if (dld_peers_start(&server->peers) == 0) {
        server->daemon = start_daemon(server);
    }
    if (server->daemon != NULL) {
        return DATALYR_OK;
    }
    (void)snprintf(error->message, sizeof error->message,
                   "the HTTP server does not start%s",
                   server->options.certificate != NULL
                       ? ": are --cert and --key PEM files that belong "
                         "together?"
                       : "");
    return DATALYR_IO;
}

uint16_t dld_server_port(const struct dld_server *server)
{
    return server->port;
}

void dld_server_quiesce(struct dld_server *server)
{
    if (!server->is_quiet) {
        server->is_quiet = true;
        atomic_store(&server->is_draining, true);
        if (server->daemon != NULL) {
            (void)MHD_quiesce_daemon(server->daemon);
        }
        /* Nobody can connect any more. The number stays taken: until the
         * daemon has stopped, its threads may still use it. */
        (void)shutdown(server->socket, SHUT_RDWR);
    }
}

bool dld_server_drain(struct dld_server *server, uint64_t wait_ms)
{
    int64_t end_ms = deadline(wait_ms);
    struct dlr_mutex lock = DLR_MUTEX_INIT;
    struct dlr_cond never;

    if (dlr_cond_init(&never) != 0) {
        return false;
    }
    dlr_mutex_lock(&lock);
    while (atomic_load(&server->in_work) > 0 &&
           dlr_clock_monotonic_ms() < end_ms) {
        (void)dlr_cond_wait_ms(&never, &lock, 5);
    }
    dlr_mutex_unlock(&lock);
    dlr_cond_clear(&never);
    return atomic_load(&server->in_work) == 0;
}

void dld_server_stop(struct dld_server **server)
{
    struct dld_server *old = *server;

    if (old == NULL) {
        return;
    }
    dld_server_quiesce(old);
    if (old->daemon != NULL) {
        MHD_stop_daemon(old->daemon);
    }
    (void)close(old->socket);
    dld_peers_stop(&old->peers);
    dlr_free(old);
    *server = NULL;
}

void dld_server_stats(struct dld_server *server, struct dld_server_stats *out)
{
    dlr_mutex_lock(&server->peers.lock);
    out->connections = server->peers.count;
    out->cut = server->peers.cut_count;
    dlr_mutex_unlock(&server->peers.lock);
    out->requests = atomic_load(&server->requests);
    out->in_work = atomic_load(&server->in_work);
    out->body_bytes = atomic_load(&server->held_bytes);
}
