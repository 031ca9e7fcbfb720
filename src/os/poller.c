/* SPDX-License-Identifier: MIT */
/*
 * Poller: epoll, and an eventfd for wakes.
 *
 * DESIGN
 * Level-triggered: who reports too little work to a library that reads only a
 * part of what is there would wait for ever on an edge.
 *
 * `is_awake` saves the system call of a wake when one is under way already: a
 * producer that records events faster than they are sent wakes often.
 *
 * LOCKING
 * None. The flag is taken back only after the eventfd was read, and before the
 * woken thread looks at anything, so a wake is either noticed by this wait or
 * writes the eventfd again and ends the next one.
 */
#include "os/poller.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAKE_FD_MARK UINT64_MAX

static int add_wake_fd(struct dlr_poller *poller)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_FD_MARK};

    return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->wake_fd, &event);
}

int dlr_poller_open(struct dlr_poller *poller)
{
    int error;

    poller->wake_fd = -1;
    atomic_init(&poller->is_awake, false);
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll_fd >= 0) {
        poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    if (poller->wake_fd >= 0 && add_wake_fd(poller) == 0) {
        return 0;
    }
    error = errno;
    dlr_poller_close(poller);
    return error;
}

void dlr_poller_close(struct dlr_poller *poller)
{
    if (poller->epoll_fd >= 0) {
        (void)close(poller->epoll_fd); /* nothing to be done about failure */
    }
    if (poller->wake_fd >= 0) {
        (void)close(poller->wake_fd);
    }
    poller->epoll_fd = -1;
    poller->wake_fd = -1;
}

int dlr_poller_watch(struct dlr_poller *poller, int fd, uint32_t what,
                     uint32_t tag)
{
    struct epoll_event event = {
        .data.u64 = (uint64_t)tag << 32 | (uint32_t)fd,
    };

    if ((what & DLR_POLLER_READ) != 0) {
        event.events |= EPOLLIN;
    }
    if ((what & DLR_POLLER_WRITE) != 0) {
        event.events |= EPOLLOUT;
    }
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0) {
        return 0;
    }
    if (errno != ENOENT) {
        return errno;
    }
    return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0
                                                                       : errno;
}

void dlr_poller_unwatch(struct dlr_poller *poller, int fd)
{
    struct epoll_event unused = {0};

    /* Fails when it is not watched, which is what was asked for. */
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, &unused);
}

static uint32_t translate(uint32_t events)
{
    uint32_t what = 0;

    if ((events & (EPOLLIN | EPOLLHUP)) != 0) {
        what |= DLR_POLLER_READ;
    }
    if ((events & EPOLLOUT) != 0) {
        what |= DLR_POLLER_WRITE;
    }
    if ((events & EPOLLERR) != 0) {
        what |= DLR_POLLER_ERROR;
    }
    return what;
}

/* Takes note of a wake: first the eventfd, then the flag (see LOCKING). */
static void notice_wake(struct dlr_poller *poller)
{
    uint64_t count;
    ssize_t got = read(poller->wake_fd, &count, sizeof count);

    (void)got; /* it cannot fail: epoll said that there is something */
    atomic_exchange_explicit(&poller->is_awake, false, memory_order_acq_rel);
}

size_t dlr_poller_wait(struct dlr_poller *poller, int64_t wait_ms,
                       struct dlr_poller_ready ready[DLR_POLLER_READY_MAX],
                       bool *was_woken)
{
    struct epoll_event events[DLR_POLLER_READY_MAX];
    int timeout = wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    int found;
    size_t count = 0;

    *was_woken = false;
    found = epoll_wait(poller->epoll_fd, events, DLR_POLLER_READY_MAX,
                       wait_ms < 0 ? -1 : timeout);
    for (int i = 0; i < found; i++) {
        uint64_t data = events[i].data.u64;

        if (data == WAKE_FD_MARK) {
            notice_wake(poller);
            *was_woken = true;
            continue;
        }
        ready[count++] = (struct dlr_poller_ready){
            .fd = (int)(data & UINT32_MAX),
            .tag = (uint32_t)(data >> 32),
            .what = translate(events[i].events),
        };
    }
    return count;
}

void dlr_poller_wake(struct dlr_poller *poller)
{
    uint64_t one = 1;
    ssize_t put;

    if (atomic_exchange_explicit(&poller->is_awake, true,
                                 memory_order_acq_rel)) {
        return;
    }
    put = write(poller->wake_fd, &one, sizeof one);
    (void)put; /* a full counter means that it is readable, which is the aim */
}
