/* SPDX-License-Identifier: MIT */
/* A server for the tests of the network transport: it reads requests from a
 * socket, hands them to a function of the test, and does what that says. One
 * thread accepts, each connection has its own; all are joined at the end. It
 * knows so little of HTTP that it can break every rule of it. */
#ifndef DATALYR_TESTS_TRANSPORT_RAW_SERVER_H
#define DATALYR_TESTS_TRANSPORT_RAW_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_MAX_CONNECTIONS 128
#define RAW_MAX_HEAD        8192

enum raw_next {
    RAW_KEEP,  /* read the next request from this connection */
    RAW_CLOSE, /* end it in order */
    RAW_RESET  /* end it with a RST */
};

struct raw_request {
    int fd;
    int number;              /* of all requests, counted from 1 */
    int number_here;         /* of those on this connection */
    char head[RAW_MAX_HEAD]; /* with the blank line and a NUL */
    char *body;              /* with a NUL behind it */
    size_t body_len;
};

struct raw_server {
    int fd;
    uint16_t port;
    char url[64];
    enum raw_next (*serve)(struct raw_server *server,
                           const struct raw_request *request);
    void *test;                /* for `serve` */
    bool should_reset_at_once; /* each connection, without reading */
    atomic_int connections;
    atomic_int requests;
    atomic_int closed; /* connections that the server has ended */
    atomic_bool is_stopping;

    pthread_mutex_t lock; /* the fields below */
    pthread_cond_t changed;
    int held;     /* requests that wait in raw_hold() */
    bool is_open; /* nobody waits there any more */
    char last_head[RAW_MAX_HEAD];
    char last_body[256];

    pthread_t acceptor;
    pthread_t threads[RAW_MAX_CONNECTIONS];
    int fds[RAW_MAX_CONNECTIONS]; /* under `lock`; -1 once closed */
    int thread_count;
};

struct raw_link {
    struct raw_server *server;
    int slot;
};

static inline void raw_send(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        text += sent;
        len -= (size_t)sent;
    }
}

static inline void raw_say(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

/* A whole answer; `lines` are more header lines, each with its line end. */
static inline void raw_answer(int fd, int status, const char *lines,
                              const char *body)
{
    char head[RAW_MAX_HEAD];

    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 %d Text\r\n%sContent-Length: %zu\r\n\r\n%s",
                   status, lines, strlen(body), body);
    raw_say(fd, head);
}

/* Waits until raw_release(), or until `count` requests wait here. */
static inline void raw_hold(struct raw_server *server, int count)
{
    pthread_mutex_lock(&server->lock);
    server->held++;
    if (server->held >= count) {
        server->is_open = true;
    }
    pthread_cond_broadcast(&server->changed);
    while (!server->is_open) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static inline void raw_release(struct raw_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->is_open = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Reads one request; false at the end of the connection. */
static inline bool raw_read(int fd, struct raw_request *request)
{
    size_t len = 0;
    char *end = NULL;
    const char *length;

    while (end == NULL) {
        ssize_t got;

        if (len + 1 >= sizeof request->head) {
            return false;
        }
        /* Byte by byte: what stands behind the head is the body's. */
        got = recv(fd, request->head + len, 1, 0);
        if (got <= 0) {
            return false;
        }
        len++;
        request->head[len] = '\0';
        end = len < 4 ? NULL : strstr(request->head + len - 4, "\r\n\r\n");
    }
    length = strstr(request->head, "Content-Length: ");
    request->body_len = length == NULL ? 0 : strtoul(length + 16, &end, 10);
    request->body = malloc(request->body_len + 1);
    for (len = 0; len < request->body_len;) {
        ssize_t got = recv(fd, request->body + len, request->body_len - len, 0);

        if (got <= 0) {
            free(request->body);
            return false;
        }
        len += (size_t)got;
    }
    request->body[len] = '\0';
    return true;
}

/* Lets the test see the request that came last. */
static inline void raw_keep(struct raw_server *server,
                            const struct raw_request *request)
{
    pthread_mutex_lock(&server->lock);
    (void)snprintf(server->last_head, sizeof server->last_head, "%s",
                   request->head);
    (void)snprintf(server->last_body, sizeof server->last_body, "%s",
                   request->body);
    pthread_mutex_unlock(&server->lock);
}

static inline const char *raw_last_head(struct raw_server *server)
{
    static char head[RAW_MAX_HEAD];

    pthread_mutex_lock(&server->lock);
    memcpy(head, server->last_head, sizeof head);
    pthread_mutex_unlock(&server->lock);
    return head;
}

static inline const char *raw_last_body(struct raw_server *server)
{
    static char body[sizeof server->last_body];

    pthread_mutex_lock(&server->lock);
    memcpy(body, server->last_body, sizeof body);
    pthread_mutex_unlock(&server->lock);
    return body;
}

static inline void raw_end(struct raw_server *server, int slot,
                           enum raw_next how)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    pthread_mutex_lock(&server->lock);
    if (how == RAW_RESET) {
        (void)setsockopt(server->fds[slot], SOL_SOCKET, SO_LINGER, &hard,
                         sizeof hard);
    }
    (void)close(server->fds[slot]);
    server->fds[slot] = -1;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->closed, 1);
}

static inline void *raw_serve(void *arg)
{
    struct raw_link link = *(struct raw_link *)arg;
    struct raw_server *server = link.server;
    struct raw_request request;
    enum raw_next next = server->should_reset_at_once ? RAW_RESET : RAW_KEEP;

    free(arg);
    request.number_here = 0;
    pthread_mutex_lock(&server->lock);
    request.fd = server->fds[link.slot];
    pthread_mutex_unlock(&server->lock);
    while (next == RAW_KEEP && raw_read(request.fd, &request)) {
        request.number_here++;
        request.number = atomic_fetch_add(&server->requests, 1) + 1;
        next = server->serve(server, &request);
        free(request.body);
    }
    raw_end(server, link.slot, next);
    return NULL;
}

static inline void *raw_accept(void *arg)
{
    struct raw_server *server = arg;

    while (server->thread_count < RAW_MAX_CONNECTIONS) {
        int fd = accept(server->fd, NULL, NULL);
        struct raw_link *link;

        if (fd < 0 || atomic_load(&server->is_stopping)) {
            (void)close(fd);
            return NULL;
        }
        atomic_fetch_add(&server->connections, 1);
        link = malloc(sizeof *link);
        *link = (struct raw_link){server, server->thread_count};
        pthread_mutex_lock(&server->lock);
        server->fds[server->thread_count] = fd;
        pthread_mutex_unlock(&server->lock);
        if (pthread_create(&server->threads[server->thread_count], NULL,
                           raw_serve, link) != 0) {
            free(link);
            return NULL;
        }
        server->thread_count++;
    }
    return NULL;
}

/* Sets `serve` and `test` before. False if it cannot listen. */
static inline bool raw_start(struct raw_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->fd, 128) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &len) != 0) {
        return false;
    }
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u/track",
                   (unsigned)server->port);
    return pthread_create(&server->acceptor, NULL, raw_accept, server) == 0;
}

/* Ends all connections and joins all threads. */
static inline void raw_stop(struct raw_server *server)
{
    atomic_store(&server->is_stopping, true);
    raw_release(server);
    (void)shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    (void)close(server->fd);
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < server->thread_count; i++) {
        if (server->fds[i] >= 0) {
            (void)shutdown(server->fds[i], SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&server->lock);
    for (int i = 0; i < server->thread_count; i++) {
        pthread_join(server->threads[i], NULL);
    }
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
}

#endif
