/* SPDX-License-Identifier: MIT */
/*
 * Poller: waits until descriptors can be read or written, or until another
 * thread wakes it. Owns no descriptor but its own two.
 *
 * One thread at a time, except for dlr_poller_wake(). The cost of a wait does
 * not depend on how many descriptors are watched.
 */
#ifndef DLR_OS_POLLER_H
#define DLR_OS_POLLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLR_POLLER_READ  1u
#define DLR_POLLER_WRITE 2u
#define DLR_POLLER_ERROR 4u /* reported, never asked for */

/* Most descriptors reported by one wait; others are reported by the next. */
#define DLR_POLLER_READY_MAX 64

struct dlr_poller {
    int epoll_fd; /* -1 when closed, as the other */
    int wake_fd;
    atomic_bool is_awake; /* wake() was called and not yet noticed */
};

struct dlr_poller_ready {
    int fd;
    uint32_t tag; /* as given to watch() */
    uint32_t what;
};

/* Returns 0 or an errno value; the poller is closed then. */
int dlr_poller_open(struct dlr_poller *poller);

/* Does nothing on a closed one. */
void dlr_poller_close(struct dlr_poller *poller);

/* Reports `fd` as long as it is ready for `what`; on one that is watched
 * already it replaces what was asked for. Returns 0 or an errno value. */
int dlr_poller_watch(struct dlr_poller *poller, int fd, uint32_t what,
                     uint32_t tag);

/* To be called before `fd` is closed: a copy of it in a forked child would keep
 * it watched. */
void dlr_poller_unwatch(struct dlr_poller *poller, int fd);

/* Waits at most `wait_ms` (negative: without end), and returns how many of
 * `ready` were filled. `*was_woken` tells of a wake since the last wait. */
size_t dlr_poller_wait(struct dlr_poller *poller, int64_t wait_ms,
                       struct dlr_poller_ready ready[DLR_POLLER_READY_MAX],
                       bool *was_woken);

/* Ends the wait that runs, or else the next one. Any thread. What the caller
 * wrote before is seen by the thread that was woken. */
void dlr_poller_wake(struct dlr_poller *poller);

#endif
