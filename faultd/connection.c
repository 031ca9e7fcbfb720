/* SPDX-License-Identifier: MIT */
/*
 * Connection: one client's socket, one request at a time.
 *
 * DESIGN
 *     READING -> (DELAYED | HELD | AWAITING) -> WRITING -> READING
 *            \-> HUNG
 * advance() goes along these arrows until it has to wait for the socket, the
 * clock or the admin API. What came behind the request being answered stays in
 * `in`: a client may pipeline.
 *
 * A connection that ends early counts its request as unanswered, whoever ended
 * it; so requests = answered + unanswered + in progress at any moment.
 */
#include "connection.h"

#include "admin.h"
#include "answer.h"
#include "base/mem.h"
#include "status.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_IN_BYTES  ((size_t)80 << 20)
#define MAX_OUT_BYTES ((size_t)1 << 30)
#define READ_STEP     ((size_t)64 << 10)

/* What an idle connection may keep of a large buffer. */
#define KEPT_BYTES ((size_t)256 << 10)

static void advance(struct dlf_connection *connection);

static void watch(struct dlf_connection *connection, int operation,
                  uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    /* Fails only when the kernel has no memory; the connection is then deaf
     * and the client's time-out deals with it. */
    (void)epoll_ctl(connection->server->epoll_fd, operation, connection->fd,
                    &event);
}

void dlf_connection_open(struct dlf_server *server, int fd)
{
    struct dlf_connection *connection = dlr_calloc(1, sizeof *connection);
    int one = 1;

    if (connection == NULL) {
        (void)close(fd);
        return;
    }
    connection->server = server;
    connection->fd = fd;
    dlr_buf_init(&connection->in, MAX_IN_BYTES);
    dlr_buf_init(&connection->out, MAX_OUT_BYTES);
    connection->next = server->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    server->connections = connection;
    server->ledger.counts.connections++;
    server->ledger.counts.open++;
    /* Each piece of a slow answer must leave as its own packet. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(connection, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
}

/* The request is over; `is_answered` if its answer left to the last byte. */
static void settle(struct dlf_connection *connection, bool is_answered)
{
    struct dlf_ledger *ledger = &connection->server->ledger;

    if (!connection->is_ingest) {
        return;
    }
    connection->is_ingest = false;
    ledger->counts.in_progress--;
    if (!is_answered) {
        ledger->counts.unanswered++;
        return;
    }
    if (connection->status < 300) {
        ledger->counts.answered_2xx++;
    } else {
        ledger->counts.answered_other++;
    }
    if (connection->visit > 0) {
        ledger->visits[connection->visit - 1].status = connection->status;
    }
}

void dlf_connection_close(struct dlf_connection *connection)
{
    if (connection->fd < 0) {
        return;
    }
    if (connection->phase == DLF_HELD) {
        connection->server->ledger.counts.held--;
    }
    settle(connection, false);
    (void)close(connection->fd);
    connection->fd = -1;
    connection->phase = DLF_HUNG;
    connection->server->ledger.counts.open--;
    connection->server->has_timed = true; /* to be swept, and counted */
}

void dlf_connection_free(struct dlf_connection *connection)
{
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        connection->server->connections = connection->next;
    }
    dlr_buf_clear(&connection->in);
    dlr_buf_clear(&connection->out);
    dlr_free(connection);
}

static void reset(struct dlf_connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once,
                     sizeof at_once);
    dlf_connection_close(connection);
}

static void begin_writing(struct dlf_connection *connection)
{
    connection->phase = DLF_WRITING;
    connection->sent = 0;
    connection->write_start_ms = connection->server->now_ms;
    if (connection->bytes_per_second > 0) {
        connection->server->has_timed = true;
    }
}

static void begin_ingest(struct dlf_connection *connection,
                         const struct dlf_request *request)
{
    struct dlf_counts *counts = &connection->server->ledger.counts;

    connection->is_ingest = true;
    dlf_answer_ingest(connection, request);
    counts->in_progress++;
    if (counts->in_progress > counts->max_concurrent) {
        counts->max_concurrent = counts->in_progress;
    }
    if (connection->ending == DLF_END_HANG) {
        connection->phase = DLF_HUNG;
    } else if (connection->ending == DLF_END_HOLD) {
        connection->phase = DLF_HELD;
        counts->held++;
    } else if (connection->due_ms > connection->server->now_ms) {
        connection->phase = DLF_DELAYED;
        connection->server->has_timed = true;
    } else {
        begin_writing(connection);
    }
}

static void begin_admin(struct dlf_connection *connection,
                        const struct dlf_request *request)
{
    connection->ending =
        request->wants_close ? DLF_END_CLOSE_AFTER : DLF_END_KEEP;
    connection->bytes_per_second = 0;
    if (connection->phase == DLF_AWAITING) {
        connection->server->has_timed = true;
        return;
    }
    connection->stop_at = connection->out.len;
    begin_writing(connection);
}

static void refuse(struct dlf_connection *connection)
{
    connection->request_bytes = connection->in.len;
    connection->ending = DLF_END_CLOSE_AFTER;
    connection->bytes_per_second = 0;
    dlf_status_put(&connection->out, 400, DLR_TEXT("{\"error\":\"not HTTP\"}"));
    connection->stop_at = connection->out.len;
    begin_writing(connection);
}

/* False: there is no whole request yet. */
static bool begin_request(struct dlf_connection *connection)
{
    struct dlf_request request;

    switch (dlf_http_read(&connection->in, &request)) {
    case DLF_READ_MORE:
        if (request.expects_continue && !connection->has_continued) {
            connection->has_continued = true;
            (void)send(connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25,
                       MSG_NOSIGNAL); /* a client without it goes on alone */
        }
        return false;
    case DLF_READ_BROKEN:
        refuse(connection);
        return true;
    case DLF_READ_READY:
        break;
    }
    connection->request_bytes = request.total_bytes;
    if (dlf_admin_answer(connection, &request)) {
        begin_admin(connection, &request);
    } else {
        begin_ingest(connection, &request);
    }
    connection->server->has_timed = true; /* counts have changed */
    return true;
}

/* How far the answer may have left by now. */
static size_t allowed(const struct dlf_connection *connection)
{
    int64_t elapsed_ms =
        connection->server->now_ms - connection->write_start_ms;
    int64_t bytes;

    if (connection->bytes_per_second == 0) {
        return connection->stop_at;
    }
    bytes = elapsed_ms * connection->bytes_per_second / 1000 + 1;
    return (size_t)bytes < connection->stop_at ? (size_t)bytes
                                               : connection->stop_at;
}

/* Makes room for the next request. */
static void finish_request(struct dlf_connection *connection)
{
    struct dlr_buf *in = &connection->in;
    size_t rest = in->len - connection->request_bytes;

    memmove(in->ptr, in->ptr + connection->request_bytes, rest);
    in->len = rest;
    connection->out.len = 0;
    connection->has_continued = false;
    connection->phase = DLF_READING;
    if (in->cap > KEPT_BYTES && in->len == 0) {
        dlr_buf_clear(in);
        dlr_buf_init(in, MAX_IN_BYTES);
    }
    if (connection->out.cap > KEPT_BYTES) {
        dlr_buf_clear(&connection->out);
        dlr_buf_init(&connection->out, MAX_OUT_BYTES);
    }
}

static void end_answer(struct dlf_connection *connection)
{
    bool is_whole = connection->stop_at == connection->out.len;

    connection->server->has_timed = true; /* counts have changed */
    switch (connection->ending) {
    case DLF_END_RESET:
    case DLF_END_COMMIT_UNANSWERED:
        reset(connection);
        return;
    case DLF_END_CLOSE_BEFORE:
    case DLF_END_CLOSE_HALF_WAY:
    case DLF_END_CLOSE_IN_HEADERS:
    case DLF_END_HANG:
        dlf_connection_close(connection);
        return;
    case DLF_END_CLOSE_AFTER:
        settle(connection, is_whole);
        dlf_connection_close(connection);
        return;
    case DLF_END_KEEP:
    case DLF_END_HOLD:
        break;
    }
    settle(connection, is_whole);
    if (!is_whole) {
        dlf_connection_close(connection);
        return;
    }
    finish_request(connection);
}

static void wait_writable(struct dlf_connection *connection, bool should_wait)
{
    if (should_wait == connection->is_waiting_writable) {
        return;
    }
    connection->is_waiting_writable = should_wait;
    watch(connection, EPOLL_CTL_MOD,
          EPOLLIN | EPOLLRDHUP | (should_wait ? (uint32_t)EPOLLOUT : 0U));
}

/* False: it has to wait, or is closed. */
static bool write_on(struct dlf_connection *connection)
{
    while (connection->sent < connection->stop_at) {
        size_t end = allowed(connection);
        ssize_t sent;

        if (connection->sent >= end) {
            return false;
        }
        sent = send(connection->fd, connection->out.ptr + connection->sent,
                    end - connection->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            wait_writable(connection, true);
            return false;
        }
        if (sent < 0) {
            dlf_connection_close(connection);
            return false;
        }
        connection->sent += (size_t)sent;
    }
    wait_writable(connection, false);
    end_answer(connection);
    return connection->fd >= 0;
}

static bool is_reached(const struct dlf_connection *connection)
{
    for (size_t i = 0; i < connection->awaited_count; i++) {
        const struct dlf_awaited *awaited = &connection->awaited[i];

        if (*awaited->count < awaited->at_least) {
            return false;
        }
    }
    return true;
}

/* False: not yet. */
static bool end_waiting(struct dlf_connection *connection)
{
    bool is_due = connection->server->now_ms >= connection->due_ms;

    if (connection->phase == DLF_AWAITING) {
        if (!is_due && !is_reached(connection)) {
            return false;
        }
        dlf_admin_end_wait(connection, is_reached(connection));
        connection->stop_at = connection->out.len;
    } else if (!is_due) {
        return false;
    }
    begin_writing(connection);
    return true;
}

static void advance(struct dlf_connection *connection)
{
    bool can_go_on = true;

    while (can_go_on && connection->fd >= 0) {
        switch (connection->phase) {
        case DLF_READING:
            can_go_on = connection->in.len > 0 && begin_request(connection);
            break;
        case DLF_DELAYED:
        case DLF_AWAITING:
            can_go_on = end_waiting(connection);
            break;
        case DLF_WRITING:
            can_go_on = write_on(connection);
            break;
        case DLF_HELD:
        case DLF_HUNG:
            can_go_on = false;
            break;
        }
    }
}

/* False: the client has gone. */
static bool read_all(struct dlf_connection *connection)
{
    for (;;) {
        char *room = dlr_buf_reserve(&connection->in, READ_STEP);
        ssize_t got;

        if (room == NULL) {
            return false;
        }
        got = recv(connection->fd, room, READ_STEP, 0);
        if (got <= 0) {
            return got < 0 && errno == EAGAIN;
        }
        connection->in.len += (size_t)got;
        if ((size_t)got < READ_STEP) {
            return true;
        }
    }
}

void dlf_connection_ready(struct dlf_connection *connection, uint32_t events)
{
    if (connection->fd < 0) {
        return;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
        !read_all(connection)) {
        dlf_connection_close(connection);
        return;
    }
    advance(connection);
}

void dlf_connection_tick(struct dlf_connection *connection)
{
    if (connection->fd >= 0 && connection->phase != DLF_READING) {
        advance(connection);
    }
}

void dlf_connection_release(struct dlf_connection *connection)
{
    if (connection->phase == DLF_HELD) {
        connection->server->ledger.counts.held--;
        begin_writing(connection);
        advance(connection);
    }
}

int64_t dlf_connection_wait_ms(const struct dlf_connection *connection)
{
    int64_t wait_ms = connection->due_ms - connection->server->now_ms;

    if (connection->fd < 0) {
        return -1;
    }
    if (connection->phase == DLF_WRITING && connection->bytes_per_second > 0 &&
        !connection->is_waiting_writable) {
        wait_ms = 1000 / connection->bytes_per_second;
        return wait_ms < 1 ? 1 : wait_ms;
    }
    if (connection->phase != DLF_DELAYED && connection->phase != DLF_AWAITING) {
        return -1;
    }
    return wait_ms < 0 ? 0 : wait_ms;
}
