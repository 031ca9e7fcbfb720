/* SPDX-License-Identifier: MIT */
/*
 * Curl loop: libcurl's multi interface, driven by events.
 *
 * DESIGN
 * Not curl_multi_poll(): it looks at all transfers and all sockets for each
 * answer that arrives. With 64 requests waiting for a server 20 ms away, an
 * answer costs 95 us of CPU with it and 45 us this way; where answers come
 * faster than they can be handled, both cost the same.
 *
 * libcurl says that it no longer waits for a socket whenever an answer is
 * complete, and that it waits for it again a moment later, when the connection
 * is used for the next request. Therefore a socket stays in the poller when
 * libcurl loses interest, and is taken out only if it then becomes ready: the
 * server has hung up. That saves two system calls a request. A socket that
 * libcurl closes behind our back cannot be treated so: those are the resolver's
 * (`is_foreign`).
 *
 * The list of sockets has a fixed place and its entries are single words, so
 * that a child that was forked at any moment finds it in order. A child forked
 * between the making of a socket and its entry keeps a copy of it: that holds
 * a connection open longer than needed, no more. The entry is taken out before
 * the socket is closed, since in the other order a child might close a file of
 * the application that got the same number. For the same reason a child that
 * notices late that it is one, and may have closed and opened files since, looks
 * whether a number still means the socket it meant; and it leaves the poller's
 * two descriptors open, of which that cannot be told.
 */
#include "transport/curl_loop.h"

#include "base/mem.h"
#include "os/clock.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A connection being made may try two addresses at once; connections at rest
 * are kept beside those in use; a resolver has one for each transfer. */
#define SOCKETS_PER_CONNECTION 4
#define MORE_SOCKETS           16

#define NS_PER_MS 1000000

static struct dlr_curl_socket *find_socket(struct dlr_curl_loop *loop, int fd)
{
    for (uint32_t i = 0; i < loop->socket_count; i++) {
        if (atomic_load_explicit(&loop->sockets[i].fd, memory_order_relaxed) ==
            fd) {
            return &loop->sockets[i];
        }
    }
    return NULL;
}

/* What names a socket on this machine as long as it is open; 0 if `fd` is not
 * a socket. */
static uint64_t find_inode(int fd)
{
    struct stat facts;

    return fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode)
               ? (uint64_t)facts.st_ino
               : 0;
}

static struct dlr_curl_socket *enter_socket(struct dlr_curl_loop *loop, int fd,
                                            bool is_foreign)
{
    struct dlr_curl_socket *entry = find_socket(loop, -1);

    if (entry != NULL) {
        entry->wanted = 0;
        entry->watched = 0;
        entry->is_foreign = is_foreign;
        entry->inode = find_inode(fd);
        atomic_store(&entry->fd, fd);
    }
    return entry;
}

/* Takes a socket out of the poller and of the list. */
static void forget_socket(struct dlr_curl_loop *loop,
                          struct dlr_curl_socket *entry, int fd)
{
    if (entry->watched != 0) {
        dlr_poller_unwatch(&loop->poller, fd);
    }
    atomic_store(&entry->fd, -1);
}

static curl_socket_t open_socket(void *self, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct dlr_curl_loop *loop = self;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);

    (void)purpose;
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    if (enter_socket(loop, fd, false) == NULL) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int close_socket(void *self, curl_socket_t fd)
{
    struct dlr_curl_loop *loop = self;
    struct dlr_curl_socket *entry = find_socket(loop, fd);

    if (entry != NULL) {
        forget_socket(loop, entry, fd);
    }
    return close(fd);
}

static uint8_t translate_interest(int what)
{
    switch (what) {
    case CURL_POLL_IN:
        return DLR_POLLER_READ;
    case CURL_POLL_OUT:
        return DLR_POLLER_WRITE;
    case CURL_POLL_INOUT:
        return DLR_POLLER_READ | DLR_POLLER_WRITE;
    default:
        return 0;
    }
}

static void lose_interest(struct dlr_curl_loop *loop,
                          struct dlr_curl_socket *entry, int fd)
{
    if (entry->is_foreign) {
        forget_socket(loop, entry, fd);
    } else {
        entry->wanted = 0;
    }
}

/* libcurl's CURLMOPT_SOCKETFUNCTION. */
static int note_interest(CURL *easy, curl_socket_t fd, int what, void *self,
                         void *unused)
{
    struct dlr_curl_loop *loop = self;
    struct dlr_curl_socket *entry = find_socket(loop, fd);

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (entry != NULL) {
            lose_interest(loop, entry, fd);
        }
        return 0;
    }
    if (entry == NULL) {
        entry = enter_socket(loop, fd, true);
    }
    if (entry == NULL) {
        return 0; /* a resolver's, and libcurl asks after those by timer too */
    }
    entry->wanted = translate_interest(what);
    if (entry->wanted != entry->watched &&
        dlr_poller_watch(&loop->poller, fd, entry->wanted,
                         (uint32_t)(entry - loop->sockets)) == 0) {
        entry->watched = entry->wanted;
    }
    return 0;
}

/* libcurl's CURLMOPT_TIMERFUNCTION. */
static int note_timer(CURLM *multi, long timeout_ms, void *self)
{
    struct dlr_curl_loop *loop = self;

    (void)multi;
    loop->due_ns = -1;
    if (timeout_ms >= 0) {
        loop->due_ns =
            dlr_clock_monotonic_ns() + (int64_t)timeout_ms * NS_PER_MS;
    }
    return 0;
}

static datalyr_status make_sockets(struct dlr_curl_loop *loop,
                                   uint32_t connection_count)
{
    uint32_t count = connection_count * SOCKETS_PER_CONNECTION + MORE_SOCKETS;

    loop->sockets = dlr_calloc(count, sizeof *loop->sockets);
    if (loop->sockets == NULL) {
        return DATALYR_NOMEM;
    }
    loop->socket_count = count;
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&loop->sockets[i].fd, -1);
    }
    return DATALYR_OK;
}

datalyr_status dlr_curl_loop_open(struct dlr_curl_loop *loop,
                                  uint32_t connection_count)
{
    datalyr_status status;

    *loop = (struct dlr_curl_loop){.due_ns = -1};
    if (dlr_poller_open(&loop->poller) != 0) {
        return DATALYR_IO;
    }
    status = make_sockets(loop, connection_count);
    if (status != DATALYR_OK) {
        return status;
    }
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        return DATALYR_NOMEM;
    }
    /* These only store a value and cannot fail. */
    (void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION,
                            note_interest);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, note_timer);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS,
                            (long)connection_count);
    return DATALYR_OK;
}

void dlr_curl_loop_close(struct dlr_curl_loop *loop)
{
    if (loop->multi != NULL) {
        (void)curl_multi_cleanup(loop->multi); /* closes the connections */
    }
    if (loop->sockets != NULL) {
        dlr_free(loop->sockets);
    }
    dlr_poller_close(&loop->poller);
    loop->multi = NULL;
    loop->sockets = NULL;
    loop->socket_count = 0;
}

void dlr_curl_loop_abandon(struct dlr_curl_loop *loop)
{
    for (uint32_t i = 0; i < loop->socket_count; i++) {
        int fd = atomic_load(&loop->sockets[i].fd);

        if (fd >= 0 && loop->sockets[i].inode != 0 &&
            loop->sockets[i].inode == find_inode(fd)) {
            (void)close(fd);
        }
    }
    loop->socket_count = 0;
}

CURLcode dlr_curl_loop_adopt(struct dlr_curl_loop *loop, CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, loop);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
}

void dlr_curl_loop_run_timer(struct dlr_curl_loop *loop)
{
    int running;

    if (loop->due_ns >= 0 && loop->due_ns <= dlr_clock_monotonic_ns()) {
        loop->due_ns = -1; /* libcurl sets it anew if there is more to come */
        (void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0,
                                       &running);
    }
}

/* The shorter of the caller's wait and libcurl's, rounded up: waking a moment
 * before the timer is due would only mean waking twice. */
static int64_t bound_wait(const struct dlr_curl_loop *loop, int64_t wait_ms)
{
    int64_t left_ms;

    if (loop->due_ns < 0 || wait_ms == 0) {
        return wait_ms;
    }
    left_ms =
        (loop->due_ns - dlr_clock_monotonic_ns() + NS_PER_MS - 1) / NS_PER_MS;
    if (left_ms < 0) {
        left_ms = 0;
    }
    return wait_ms < 0 || left_ms < wait_ms ? left_ms : wait_ms;
}

static int translate_ready(uint32_t what)
{
    int mask = 0;

    if ((what & DLR_POLLER_READ) != 0) {
        mask |= CURL_CSELECT_IN;
    }
    if ((what & DLR_POLLER_WRITE) != 0) {
        mask |= CURL_CSELECT_OUT;
    }
    if ((what & DLR_POLLER_ERROR) != 0) {
        mask |= CURL_CSELECT_ERR;
    }
    return mask;
}

static void serve(struct dlr_curl_loop *loop,
                  const struct dlr_poller_ready *ready)
{
    struct dlr_curl_socket *entry = &loop->sockets[ready->tag];
    int running;

    if (atomic_load_explicit(&entry->fd, memory_order_relaxed) != ready->fd) {
        return; /* closed while an event before this one was served */
    }
    if (entry->wanted == 0) {
        dlr_poller_unwatch(&loop->poller, ready->fd);
        entry->watched = 0;
        return;
    }
    (void)curl_multi_socket_action(loop->multi, ready->fd,
                                   translate_ready(ready->what), &running);
}

bool dlr_curl_loop_wait(struct dlr_curl_loop *loop, int64_t wait_ms)
{
    struct dlr_poller_ready ready[DLR_POLLER_READY_MAX];
    bool was_woken;
    size_t count = dlr_poller_wait(&loop->poller, bound_wait(loop, wait_ms),
                                   ready, &was_woken);

    for (size_t i = 0; i < count; i++) {
        serve(loop, &ready[i]);
    }
    dlr_curl_loop_run_timer(loop);
    return was_woken;
}
