/* SPDX-License-Identifier: MIT */
/*
 * Threads, mutexes, condition variables that wait by the monotonic clock.
 * Functions that can fail return 0 or an errno value.
 */
#ifndef DLR_OS_THREAD_H
#define DLR_OS_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dlr_mutex {
    pthread_mutex_t native;
};

/* For mutexes with static storage; others use dlr_mutex_init(). */
#define DLR_MUTEX_INIT            \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

int dlr_mutex_init(struct dlr_mutex *mutex);

/* For one that is held so briefly that a thread which finds it taken does
 * better to look again for a moment than to sleep and be woken. */
int dlr_mutex_init_brief(struct dlr_mutex *mutex);
void dlr_mutex_clear(struct dlr_mutex *mutex);
void dlr_mutex_lock(struct dlr_mutex *mutex);
bool dlr_mutex_try_lock(struct dlr_mutex *mutex);
void dlr_mutex_unlock(struct dlr_mutex *mutex);

struct dlr_cond {
    pthread_cond_t native;
};

/* For waits without a deadline: those with one go by the wrong clock here. */
#define DLR_COND_INIT            \
    {                            \
        PTHREAD_COND_INITIALIZER \
    }

int dlr_cond_init(struct dlr_cond *cond);
void dlr_cond_clear(struct dlr_cond *cond);
void dlr_cond_signal(struct dlr_cond *cond);
void dlr_cond_broadcast(struct dlr_cond *cond);
void dlr_cond_wait(struct dlr_cond *cond, struct dlr_mutex *mutex);

/* Waits at most `wait_ms`; false when that time is over. As with any condition
 * variable it may also return for no reason. */
bool dlr_cond_wait_ms(struct dlr_cond *cond, struct dlr_mutex *mutex,
                      uint64_t wait_ms);

/* The same up to a moment of dlr_clock_monotonic_ns(). */
bool dlr_cond_wait_until_ns(struct dlr_cond *cond, struct dlr_mutex *mutex,
                            int64_t deadline_ns);

/* All-zero is "no thread". Stays where it is until it is joined. */
struct dlr_thread {
    pthread_t native;
    bool is_started;
    void (*run)(void *arg);
    void *arg;
    char name[16];
    atomic_uintptr_t self; /* set by the thread, see thread.c */
};

/* Starts `run(arg)` on a thread of its own, on which all signals are blocked
 * but the synchronous ones (SEGV, BUS, FPE, ILL, ABRT, TRAP: crash handlers
 * must work). The name is cut to 15 bytes. */
int dlr_thread_start(struct dlr_thread *thread, const char *name,
                     void (*run)(void *arg), void *arg);

/* Waits for its end; does nothing on "no thread", which it leaves. */
void dlr_thread_join(struct dlr_thread *thread);

/* True if the caller runs on this thread. */
bool dlr_thread_is_current(struct dlr_thread *thread);

/* The system's number of the calling thread, as debuggers show it. */
uint64_t dlr_thread_id(void);

struct dlr_once {
    pthread_once_t native;
};

#define DLR_ONCE_INIT     \
    {                     \
        PTHREAD_ONCE_INIT \
    }

void dlr_once_run(struct dlr_once *once, void (*run)(void));

#endif
