/* SPDX-License-Identifier: MIT */
/*
 * rawload: requests over raw sockets as fast as they go, to show how much a
 * server takes before it is the bottleneck of a measurement.
 *
 *     rawload HOST PORT [CONNECTIONS [SECONDS [EVENTS_PER_REQUEST [BYTES]]]]
 *
 * One thread; each connection sends the same prepared request again as soon as
 * its answer is there. Prints requests, events and bytes a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define MAX_REQUEST     (16 << 20)

struct load {
    int epoll_fd;
    char *request;
    size_t request_len;
    uint64_t answers;
    uint64_t failures;
    int fds[MAX_CONNECTIONS];
    size_t sent[MAX_CONNECTIONS]; /* of the request now on its way */
};

struct numbers {
    int64_t port;
    int64_t connections;
    int64_t seconds;
    int64_t events;
    int64_t bytes;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Always the same event: what is measured is how bytes come and go, and a
 * server that reads them has JSON to read. */
static bool make_request(struct load *load, const struct numbers *numbers)
{
    static const char begin[] =
        "{\"eventId\":\"bench\",\"event\":\"bench\",\"padding\":\"";
    size_t body_len = (size_t)numbers->bytes;
    char *body;
    int head_len;

    load->request = malloc(body_len + 512);
    if (load->request == NULL) {
        return false;
    }
    head_len = snprintf(load->request, 512,
                        "POST /track HTTP/1.1\r\nHost: bench\r\n"
                        "X-API-Key: dk_bench\r\nX-Batch-Size: %" PRId64 "\r\n"
                        "Content-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        numbers->events, body_len);
    body = load->request + head_len;
    memset(body, 'x', body_len);
    memcpy(body, begin, sizeof begin - 1);
    memcpy(body + body_len - 2, "\"}", 2);
    load->request_len = (size_t)head_len + body_len;
    return true;
}

static void watch(struct load *load, size_t index, int operation,
                  uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = index};

    if (epoll_ctl(load->epoll_fd, operation, load->fds[index], &event) != 0) {
        load->failures++;
    }
}

static void send_on(struct load *load, size_t index)
{
    while (load->sent[index] < load->request_len) {
        ssize_t sent = send(load->fds[index], load->request + load->sent[index],
                            load->request_len - load->sent[index],
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EAGAIN) {
            watch(load, index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (sent < 0) {
            load->failures++;
            return;
        }
        load->sent[index] += (size_t)sent;
    }
}

static void handle(struct load *load, size_t index, uint32_t events)
{
    char answer[4096];
    ssize_t got;

    if ((events & EPOLLOUT) != 0) {
        watch(load, index, EPOLL_CTL_MOD, EPOLLIN);
        send_on(load, index);
    }
    if ((events & EPOLLIN) == 0) {
        return;
    }
    /* Answers of our servers are small and come in one piece. */
    got = recv(load->fds[index], answer, sizeof answer, 0);
    if (got <= 0) {
        load->failures++;
        watch(load, index, EPOLL_CTL_DEL, 0);
        return;
    }
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        load->failures++;
    }
    load->answers++;
    load->sent[index] = 0;
    send_on(load, index);
}

static bool open_connection(struct load *load, size_t index,
                            const struct sockaddr_in *address)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        perror("rawload");
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    load->fds[index] = fd;
    watch(load, index, EPOLL_CTL_ADD, EPOLLIN);
    return true;
}

static void run(struct load *load, const struct numbers *numbers)
{
    struct epoll_event events[256];
    int64_t begin_ns = now_ns();
    int64_t end_ns = begin_ns + numbers->seconds * 1000000000;
    double elapsed;

    for (size_t i = 0; i < (size_t)numbers->connections; i++) {
        send_on(load, i);
    }
    while (now_ns() < end_ns && load->failures == 0) {
        int count = epoll_wait(load->epoll_fd, events, 256, 100);

        for (int i = 0; i < count; i++) {
            handle(load, (size_t)events[i].data.u64, events[i].events);
        }
    }
    elapsed = (double)(now_ns() - begin_ns) / 1e9;
    printf("requests_per_second=%.0f events_per_second=%.0f "
           "megabytes_per_second=%.0f failures=%" PRIu64 "\n",
           (double)load->answers / elapsed,
           (double)load->answers * (double)numbers->events / elapsed,
           (double)load->answers * (double)numbers->bytes / elapsed / 1e6,
           load->failures);
}

static bool read_number(const char *text, int64_t least, int64_t most,
                        int64_t *number)
{
    char *end = NULL;

    if (text == NULL) {
        return true; /* the default stays */
    }
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= least &&
           *number <= most;
}

int main(int argc, char **argv)
{
    static struct load load;
    struct numbers numbers = {0, 10, 3, 1, 600};
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *given[5] = {NULL};

    for (int i = 2; i < argc && i < 7; i++) {
        given[i - 2] = argv[i];
    }
    if (argc < 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 ||
        !read_number(given[0], 1, 65535, &numbers.port) ||
        !read_number(given[1], 1, MAX_CONNECTIONS, &numbers.connections) ||
        !read_number(given[2], 1, 600, &numbers.seconds) ||
        !read_number(given[3], 1, 1000000, &numbers.events) ||
        !read_number(given[4], 100, MAX_REQUEST, &numbers.bytes)) {
        fprintf(stderr, "usage: rawload HOST PORT [CONNECTIONS [SECONDS "
                        "[EVENTS_PER_REQUEST [BYTES]]]]\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)numbers.port);
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll_fd < 0 || !make_request(&load, &numbers)) {
        perror("rawload");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < (size_t)numbers.connections; i++) {
        if (!open_connection(&load, i, &address)) {
            return EXIT_FAILURE;
        }
    }
    run(&load, &numbers);
    free(load.request);
    return load.failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
