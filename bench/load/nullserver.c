/* SPDX-License-Identifier: MIT */
/*
 * nullserver: an ingest server that stores nothing, to measure clients against.
 *
 *     nullserver [--listen-port N] [--delay-ms N] [--batch N] [--gzip] [--one]
 *
 * Prints its address on the first line, and on SIGTERM what it counted; GET
 * /__count tells the same while it runs. --delay-ms answers each request that
 * much later, however many wait at once: a distant server, not a slow one.
 *
 * DESIGN
 * What is measured is the client, so the server must cost as little as it can:
 * one thread, one read and one write a request, bodies thrown away as they come
 * and never parsed. How many events a request had is taken from X-Batch-Size.
 * Delayed answers have one delay, so they are due in the order they were made
 * and a list is enough.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_BYTES 65536

struct connection {
    struct connection *next; /* in the list of delayed answers */
    int fd;
    bool has_gone; /* while it was in the list */
    bool is_delayed;
    int64_t due_ns;
    size_t len;       /* of `in` */
    size_t skip_left; /* bytes of the body still to come */
    char in[IN_BYTES];
};

struct server {
    int epoll_fd;
    int listen_fd;
    int64_t delay_ns;
    int64_t batch_max;
    bool has_gzip;
    bool says_one;
    char answer[256];
    size_t answer_len;
    uint64_t requests;
    uint64_t events;
    uint64_t bytes;
    uint64_t head_most; /* bytes of the longest head */
    uint64_t connections;
    struct connection *first_delayed;
    struct connection *last_delayed;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void drop(struct connection *connection)
{
    (void)close(connection->fd);
    connection->fd = -1;
    if (connection->is_delayed) {
        connection->has_gone = true; /* freed when its turn in the list comes */
        return;
    }
    free(connection);
}

/* A socket's buffer holds far more than one of our answers: what does not fit
 * at once belongs to a client that does not read, and is not served. */
static void send_all(struct connection *connection, const char *bytes,
                     size_t len)
{
    if (send(connection->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

static void answer_count(const struct server *server,
                         struct connection *connection)
{
    char text[512];
    char body[256];
    int body_len = snprintf(body, sizeof body,
                            "{\"requests\":%" PRIu64 ",\"events\":%" PRIu64
                            ",\"bytes\":%" PRIu64 ",\"head_most\":%" PRIu64
                            ",\"connections\":%" PRIu64 "}\n",
                            server->requests, server->events, server->bytes,
                            server->head_most, server->connections);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
                       body_len, body);

    send_all(connection, text, (size_t)len);
}

static void answer(struct server *server, struct connection *connection)
{
    if (server->delay_ns == 0) {
        send_all(connection, server->answer, server->answer_len);
        return;
    }
    connection->due_ns = now_ns() + server->delay_ns;
    connection->is_delayed = true;
    connection->next = NULL;
    if (server->last_delayed == NULL) {
        server->first_delayed = connection;
    } else {
        server->last_delayed->next = connection;
    }
    server->last_delayed = connection;
}

static size_t read_digits(const char *text, const char *end)
{
    size_t number = 0;

    while (text < end && *text == ' ') {
        text++;
    }
    for (; text < end && *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (size_t)(*text - '0');
    }
    return number;
}

struct head {
    size_t content_len;
    size_t event_count;
    bool expects_continue;
};

static void read_head(const char *line, const char *end, struct head *head)
{
    *head = (struct head){0, 1, false};
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));

        next = next == NULL ? end : next + 1;
        if (next - line > 15 && strncasecmp(line, "Content-Length:", 15) == 0) {
            head->content_len = read_digits(line + 15, next);
        } else if (next - line > 13 &&
                   strncasecmp(line, "X-Batch-Size:", 13) == 0) {
            head->event_count = read_digits(line + 13, next);
        } else if (next - line > 7 && strncasecmp(line, "Expect:", 7) == 0) {
            head->expects_continue = true;
        }
        line = next;
    }
}

static void consume(struct connection *connection, size_t count)
{
    connection->len -= count;
    memmove(connection->in, connection->in + count, connection->len);
}

/* Takes one request, or a piece of a body. False: more bytes are needed. */
static bool step(struct server *server, struct connection *connection)
{
    struct head head;
    const char *end;
    size_t head_len;

    if (connection->skip_left > 0) {
        size_t count = connection->len < connection->skip_left
                           ? connection->len
                           : connection->skip_left;

        connection->skip_left -= count;
        consume(connection, count);
        if (connection->skip_left == 0) {
            answer(server, connection);
        }
        return connection->len > 0;
    }
    end = memmem(connection->in, connection->len, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    head_len = (size_t)(end - connection->in) + 4;
    if (strncmp(connection->in, "GET /__count", 12) == 0) {
        answer_count(server, connection);
        consume(connection, head_len);
        return connection->len > 0;
    }
    read_head(connection->in, end + 2, &head);
    if (head.expects_continue && connection->len == head_len) {
        send_all(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    server->requests++;
    server->events += head.event_count;
    server->bytes += head.content_len;
    if (server->head_most < head_len) {
        server->head_most = head_len;
    }
    consume(connection, head_len);
    connection->skip_left = head.content_len;
    if (head.content_len == 0) {
        answer(server, connection);
    }
    return connection->len > 0;
}

static void serve(struct server *server, struct connection *connection)
{
    for (;;) {
        size_t room = IN_BYTES - connection->len;
        ssize_t got =
            recv(connection->fd, connection->in + connection->len, room, 0);

        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            drop(connection);
            return;
        }
        connection->len += (size_t)got;
        while (!connection->is_delayed && step(server, connection)) {
            /* each turn took something */
        }
        if (connection->len == IN_BYTES) {
            drop(connection); /* a head that does not end */
            return;
        }
        if ((size_t)got < room) {
            return;
        }
    }
}

static void accept_all(struct server *server)
{
    for (;;) {
        int one = 1;
        int fd = accept4(server->listen_fd, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct connection *connection =
            fd < 0 ? NULL : malloc(sizeof *connection);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        if (fd < 0) {
            return;
        }
        if (connection == NULL) {
            (void)close(fd);
            return;
        }
        *connection = (struct connection){.fd = fd};
        server->connections++;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            drop(connection);
        }
    }
}

/* Sends what is due. Returns the nanoseconds until something is, or -1. */
static int64_t send_due(struct server *server)
{
    while (server->first_delayed != NULL) {
        struct connection *connection = server->first_delayed;
        int64_t wait_ns = connection->due_ns - now_ns();

        if (wait_ns > 0) {
            return wait_ns;
        }
        server->first_delayed = connection->next;
        if (server->first_delayed == NULL) {
            server->last_delayed = NULL;
        }
        connection->is_delayed = false;
        if (connection->has_gone) {
            free(connection);
            continue;
        }
        send_all(connection, server->answer, server->answer_len);
        while (!connection->is_delayed && connection->len > 0 &&
               step(server, connection)) {
            /* what was pipelined */
        }
    }
    return -1;
}

static void run(struct server *server, int signal_fd)
{
    struct epoll_event signal_event = {.events = EPOLLIN,
                                       .data.ptr = &signal_fd};
    struct epoll_event listen_event = {.events = EPOLLIN, .data.ptr = server};
    struct epoll_event events[256];
    int64_t wait_ns = -1;

    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, signal_fd, &signal_event) !=
            0 ||
        epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd,
                  &listen_event) != 0) {
        return;
    }
    for (;;) {
        struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
        int count = epoll_pwait2(server->epoll_fd, events, 256,
                                 wait_ns < 0 ? NULL : &wait, NULL);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &signal_fd) {
                return;
            }
            if (events[i].data.ptr == server) {
                accept_all(server);
            } else {
                serve(server, events[i].data.ptr);
            }
        }
        wait_ns = send_due(server);
    }
}

static void make_answer(struct server *server)
{
    char batch[64] = "";
    int len;

    if (server->batch_max > 0) {
        (void)snprintf(batch, sizeof batch, "X-Datalyr-Batch: %" PRId64 "\r\n",
                       server->batch_max);
    }
    len = snprintf(server->answer, sizeof server->answer,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                   "%s%sContent-Length: %s",
                   batch, server->has_gzip ? "Accept-Encoding: gzip\r\n" : "",
                   server->says_one ? "1\r\n\r\n1"
                                    : "16\r\n\r\n{\"success\":true}");
    server->answer_len = (size_t)len;
}

static bool read_number(const char *text, int64_t most, int64_t *number)
{
    char *end = NULL;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 0 &&
           *number <= most;
}

static bool read_arguments(struct server *server, int argc, char **argv,
                           int64_t *port)
{
    for (int i = 1; i < argc; i++) {
        int64_t number = 0;

        if (strcmp(argv[i], "--gzip") == 0) {
            server->has_gzip = true;
            continue;
        }
        if (strcmp(argv[i], "--one") == 0) {
            server->says_one = true;
            continue;
        }
        if (i + 1 == argc || !read_number(argv[i + 1], 1000000, &number)) {
            return false;
        }
        if (strcmp(argv[i], "--delay-ms") == 0) {
            server->delay_ns = number * 1000000;
        } else if (strcmp(argv[i], "--batch") == 0) {
            server->batch_max = number;
        } else if (strcmp(argv[i], "--listen-port") == 0) {
            *port = number;
        } else {
            return false;
        }
        i++;
    }
    return *port <= 65535;
}

static bool listen_on(struct server *server, int64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof address;
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->listen_fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one,
                     sizeof one);
    if (bind(server->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(server->listen_fd, 4096) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &len) !=
            0) {
        perror("nullserver");
        return false;
    }
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    (void)fflush(stdout); /* somebody waits for this line */
    return true;
}

static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* no way to fail */
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    static struct server server;
    struct rlimit limit;
    int64_t port = 0;

    if (!read_arguments(&server, argc, argv, &port)) {
        fprintf(stderr, "usage: nullserver [--listen-port N] [--delay-ms N] "
                        "[--batch N] [--gzip] [--one]\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* then it is as it was */
    }
    /* A delay is to be what it says, not what fits the kernel's timers. */
    (void)prctl(PR_SET_TIMERSLACK, 1);
    make_answer(&server);
    if (!listen_on(&server, port)) {
        return EXIT_FAILURE;
    }
    run(&server, open_signals());
    printf("{\"requests\":%" PRIu64 ",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"head_most\":%" PRIu64 ",\"connections\":%" PRIu64 "}\n",
           server.requests, server.events, server.bytes, server.head_most,
           server.connections);
    return EXIT_SUCCESS;
}
