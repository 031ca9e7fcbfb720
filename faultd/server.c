/* SPDX-License-Identifier: MIT */
/*
 * Server: one thread, one epoll.
 *
 * DESIGN
 * A server that produces what no HTTP library would send has to own its
 * sockets. One thread makes the order of requests, and with it every chance,
 * the same in each run, and the ledger needs no lock.
 *
 * Waiting connections are found by walking over all of them, but only in turns
 * in which something they may wait for has happened (`has_timed`).
 */
#include "server.h"

#include "connection.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_PER_TURN 256
#define BACKLOG         4096

static bool fail(char *problem, const char *what, const char *which)
{
    (void)snprintf(problem, 256, "%s %.100s: %s", what, which, strerror(errno));
    return false;
}

/* Splits HOST:PORT, the host possibly in square brackets. */
static bool split_address(const char *text, char host[64], const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (colon == NULL || len == 0 || len >= 64 || colon[1] == '\0') {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

static int open_listener(const struct addrinfo *address)
{
    int one = 1;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool listen_on(struct dlf_server *server, const char *text,
                      char *problem)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    char host[64];
    const char *port = NULL;

    if (!split_address(text, host, &port) ||
        getaddrinfo(host, port, &hints, &address) != 0) {
        (void)snprintf(problem, 256,
                       "'%.100s' is no address; give one such as 127.0.0.1:0",
                       text);
        return false;
    }
    server->listen_fd = open_listener(address);
    freeaddrinfo(address);
    return server->listen_fd >= 0 || fail(problem, "cannot listen on", text);
}

static void print_address(const struct dlf_server *server)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[64];
    char port[16];

    if (getsockname(server->listen_fd, (struct sockaddr *)&address, &len) !=
            0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return;
    }
    printf(strchr(host, ':') == NULL ? "http://%s:%s\n" : "http://[%s]:%s\n",
           host, port);
    (void)fflush(stdout); /* somebody waits for this line */
}

/* A thousand clients at once need more than the usual 1,024 descriptors. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* then it is as it was */
    }
}

static bool watch(int epoll_fd, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool dlf_server_open(struct dlf_server *server,
                     const struct dlf_settings *settings, char problem[256])
{
    server->settings = *settings;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->listen_fd = -1;
    server->log_fd = -1;
    server->now_ms = dlr_clock_monotonic_ms();
    dlf_ledger_reset(&server->ledger, server->now_ms);
    raise_limits();
    if (!listen_on(server, settings->listen, problem)) {
        return false;
    }
    if (settings->log_file != NULL) {
        server->log_fd = open(settings->log_file,
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (server->log_fd < 0) {
            return fail(problem, "cannot write to", settings->log_file);
        }
    }
    if (server->epoll_fd < 0 ||
        !watch(server->epoll_fd, server->listen_fd, server)) {
        return fail(problem, "cannot watch", settings->listen);
    }
    print_address(server);
    return true;
}

static void accept_all(struct dlf_server *server)
{
    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            return;
        }
        dlf_connection_open(server, fd);
    }
}

/* Ticks everybody, buries the dead, and returns how long nobody is due. */
static int64_t walk(struct dlf_server *server)
{
    struct dlf_connection *connection = server->connections;
    int64_t shortest_ms = -1;

    server->has_timed = false;
    while (connection != NULL) {
        struct dlf_connection *next = connection->next;
        int64_t wait_ms;

        dlf_connection_tick(connection);
        wait_ms = dlf_connection_wait_ms(connection);
        if (wait_ms >= 0 && (shortest_ms < 0 || wait_ms < shortest_ms)) {
            shortest_ms = wait_ms;
        }
        if (connection->fd < 0) {
            dlf_connection_free(connection);
        }
        connection = next;
    }
    return shortest_ms;
}

static void release_held(struct dlf_server *server)
{
    server->should_release = false;
    for (struct dlf_connection *connection = server->connections;
         connection != NULL; connection = connection->next) {
        dlf_connection_release(connection);
    }
}

void dlf_server_run(struct dlf_server *server, int signal_fd)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int64_t wait_ms = -1;

    if (!watch(server->epoll_fd, signal_fd, &server->should_stop)) {
        return;
    }
    while (!server->should_stop) {
        int count =
            epoll_wait(server->epoll_fd, events, EVENTS_PER_TURN, (int)wait_ms);

        server->now_ms = dlr_clock_monotonic_ms();
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == server) {
                accept_all(server);
            } else if (events[i].data.ptr == &server->should_stop) {
                server->should_stop = true;
            } else {
                dlf_connection_ready(events[i].data.ptr, events[i].events);
            }
        }
        if (server->should_release) {
            release_held(server);
        }
        /* A walk may itself change what another connection waits for. */
        if (server->has_timed || wait_ms >= 0) {
            wait_ms = walk(server);
        }
        if (server->has_timed) {
            wait_ms = 0;
        }
    }
}

void dlf_server_close(struct dlf_server *server)
{
    while (server->connections != NULL) {
        struct dlf_connection *connection = server->connections;

        dlf_connection_close(connection);
        dlf_connection_free(connection);
    }
    dlf_ledger_clear(&server->ledger);
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd);
    }
    if (server->log_fd >= 0) {
        (void)close(server->log_fd);
    }
    if (server->epoll_fd >= 0) {
        (void)close(server->epoll_fd);
    }
}
