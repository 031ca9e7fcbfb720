/* SPDX-License-Identifier: MIT */
/*
 * relay: puts a server at a distance.
 *
 *     relay --delay-ms N PORT
 *
 * Prints its address on the first line and passes what comes there on to PORT
 * of this machine, and back, each byte half of the delay later: so a request
 * and its answer take the delay longer than they would.
 *
 * DESIGN
 * All chunks wait equally long, so one list in the order of arrival is enough.
 * Both sides are on this machine and their buffers are large: what is due is
 * written at once, and a side that does not read is cut.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES 65536
#define STALL_MS    5000

/* One end of a connection through the relay. */
struct side {
    struct side *other;
    int fd;
    bool is_read_out; /* its peer sends nothing any more */
};

/* What one side read, to be written to the other; no bytes: the end. */
struct chunk {
    struct chunk *next;
    struct side *from;
    int64_t due_ns;
    size_t len;
    char bytes[];
};

struct relay {
    int epoll_fd;
    int listen_fd;
    int64_t delay_ns;
    uint16_t port;
    struct chunk *first;
    struct chunk **end;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool add_chunk(struct relay *relay, struct side *from, const char *bytes,
                      size_t len)
{
    struct chunk *chunk = malloc(sizeof *chunk + len);

    if (chunk == NULL) {
        return false;
    }
    chunk->next = NULL;
    chunk->from = from;
    chunk->due_ns = now_ns() + relay->delay_ns;
    chunk->len = len;
    memcpy(chunk->bytes, bytes, len);
    *relay->end = chunk;
    relay->end = &chunk->next;
    return true;
}

static void read_side(struct relay *relay, struct side *side)
{
    char bytes[CHUNK_BYTES];
    ssize_t got = recv(side->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        (void)epoll_ctl(relay->epoll_fd, EPOLL_CTL_DEL, side->fd, NULL);
        got = 0;
    }
    if (!add_chunk(relay, side, bytes, (size_t)got)) {
        (void)shutdown(side->fd, SHUT_RDWR);
    }
}

/* The end of one direction; of the second, and nothing is left to come. */
static void end_side(struct side *side)
{
    struct side *other = side->other;

    side->is_read_out = true;
    (void)shutdown(other->fd, SHUT_WR);
    if (other->is_read_out) {
        (void)close(side->fd);
        (void)close(other->fd);
        free(side);
        free(other);
    }
}

static void deliver(const struct chunk *chunk)
{
    struct side *to = chunk->from->other;
    size_t done = 0;

    if (chunk->len == 0) {
        end_side(chunk->from);
        return;
    }
    while (done < chunk->len) {
        ssize_t sent =
            send(to->fd, chunk->bytes + done, chunk->len - done, MSG_NOSIGNAL);

        if (sent <= 0) {
            (void)shutdown(to->fd, SHUT_RDWR);
            return;
        }
        done += (size_t)sent;
    }
}

/* Writes what is due. Returns the nanoseconds until something is, or -1. */
static int64_t deliver_due(struct relay *relay)
{
    while (relay->first != NULL) {
        struct chunk *chunk = relay->first;
        int64_t wait_ns = chunk->due_ns - now_ns();

        if (wait_ns > 0) {
            return wait_ns;
        }
        relay->first = chunk->next;
        if (relay->first == NULL) {
            relay->end = &relay->first;
        }
        deliver(chunk);
        free(chunk);
    }
    return -1;
}

static struct side *make_side(struct relay *relay, int fd)
{
    struct timeval stall = {STALL_MS / 1000, 0};
    struct side *side = calloc(1, sizeof *side);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = side};
    int one = 1;

    if (side != NULL) {
        side->fd = fd;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof stall);
        (void)epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
    return side;
}

static void accept_one(struct relay *relay)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(relay->port)};
    int near_fd = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    int far_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct side *near_side = NULL;
    struct side *far_side = NULL;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (near_fd >= 0 && far_fd >= 0 &&
        connect(far_fd, (struct sockaddr *)&address, sizeof address) == 0) {
        near_side = make_side(relay, near_fd);
        far_side = make_side(relay, far_fd);
    }
    if (near_side == NULL || far_side == NULL) {
        free(near_side);
        free(far_side);
        (void)close(near_fd);
        (void)close(far_fd);
        return;
    }
    near_side->other = far_side;
    far_side->other = near_side;
}

static void run(struct relay *relay)
{
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = relay};
    struct epoll_event events[64];
    int64_t wait_ns = -1;

    if (epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, relay->listen_fd,
                  &listening) != 0) {
        return;
    }
    for (;;) { /* until a signal */
        struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
        int count = epoll_pwait2(relay->epoll_fd, events, 64,
                                 wait_ns < 0 ? NULL : &wait, NULL);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == relay) {
                accept_one(relay);
            } else {
                read_side(relay, events[i].data.ptr);
            }
        }
        wait_ns = deliver_due(relay);
    }
}

static bool listen_here(struct relay *relay)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    relay->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(relay->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(relay->listen_fd, 128) != 0 ||
        getsockname(relay->listen_fd, (struct sockaddr *)&address, &len) != 0) {
        perror("relay");
        return false;
    }
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    (void)fflush(stdout); /* somebody waits for this line */
    return true;
}

static int64_t read_number(const char *text, int64_t most)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);

    return end == text || *end != '\0' || number < 0 || number > most ? -1
                                                                      : number;
}

int main(int argc, char **argv)
{
    static struct relay relay;
    int64_t delay_ms = argc == 4 ? read_number(argv[2], 60000) : -1;
    int64_t port = argc == 4 ? read_number(argv[3], 65535) : -1;

    if (delay_ms < 0 || port < 1 || strcmp(argv[1], "--delay-ms") != 0) {
        fprintf(stderr, "usage: relay --delay-ms N PORT\n");
        return 2;
    }
    relay.delay_ns = delay_ms * 500000; /* half of it each way */
    relay.port = (uint16_t)port;
    relay.end = &relay.first;
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (!listen_here(&relay)) {
        return EXIT_FAILURE;
    }
    run(&relay);
    return EXIT_FAILURE;
}
