/* SPDX-License-Identifier: MIT */
/*
 * Threads: a thin layer over POSIX threads.
 *
 * DESIGN
 * Condition variables wait by the monotonic clock: a wait of ten seconds must
 * not last an hour because somebody set the clock back.
 *
 * A thread is recognised by the address of a thread-local byte, which no two
 * living threads share. It writes that address into its own struct, so that the
 * question needs no lock: another thread may read a stale value, but never its
 * own address.
 *
 * Locking and unlocking have no result: with mutexes of the default kind it
 * fails only by misuse, which the sanitizers find.
 */
#include "os/thread.h"

#include "os/clock.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)

static _Thread_local char thread_mark;

int dlr_mutex_init(struct dlr_mutex *mutex)
{
    return pthread_mutex_init(&mutex->native, NULL);
}

int dlr_mutex_init_brief(struct dlr_mutex *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0) {
        return error;
    }
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    /* Elsewhere it is a plain mutex, which is right too, but slower. */
    error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    if (error == 0) {
        error = pthread_mutex_init(&mutex->native, &attributes);
    }
    (void)pthread_mutexattr_destroy(&attributes);
    return error;
}

void dlr_mutex_clear(struct dlr_mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->native);
}

void dlr_mutex_lock(struct dlr_mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->native);
}

bool dlr_mutex_try_lock(struct dlr_mutex *mutex)
{
    return pthread_mutex_trylock(&mutex->native) == 0;
}

void dlr_mutex_unlock(struct dlr_mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->native);
}

int dlr_cond_init(struct dlr_cond *cond)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error != 0) {
        return error;
    }
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0) {
        error = pthread_cond_init(&cond->native, &attributes);
    }
    (void)pthread_condattr_destroy(&attributes);
    return error;
}

void dlr_cond_clear(struct dlr_cond *cond)
{
    (void)pthread_cond_destroy(&cond->native);
}

void dlr_cond_signal(struct dlr_cond *cond)
{
    (void)pthread_cond_signal(&cond->native);
}

void dlr_cond_broadcast(struct dlr_cond *cond)
{
    (void)pthread_cond_broadcast(&cond->native);
}

void dlr_cond_wait(struct dlr_cond *cond, struct dlr_mutex *mutex)
{
    (void)pthread_cond_wait(&cond->native, &mutex->native);
}

bool dlr_cond_wait_until_ns(struct dlr_cond *cond, struct dlr_mutex *mutex,
                            int64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_SECOND),
        .tv_nsec = (long)(deadline_ns % NS_PER_SECOND),
    };

    return pthread_cond_timedwait(&cond->native, &mutex->native, &deadline) !=
           ETIMEDOUT;
}

bool dlr_cond_wait_ms(struct dlr_cond *cond, struct dlr_mutex *mutex,
                      uint64_t wait_ms)
{
    int64_t now_ns = dlr_clock_monotonic_ns();
    uint64_t longest_ms = (uint64_t)((INT64_MAX - now_ns) / NS_PER_MS);

    if (wait_ms >= longest_ms) { /* 292 years are for ever */
        dlr_cond_wait(cond, mutex);
        return true;
    }
    return dlr_cond_wait_until_ns(cond, mutex,
                                  now_ns + (int64_t)wait_ms * NS_PER_MS);
}

/* All but those that a thread's own mistake raises. Blocking these would turn a
 * crash into one that the application's crash handler never sees. */
static void fill_blocked(sigset_t *set)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS,  SIGFPE,
                                      SIGILL,  SIGABRT, SIGTRAP};

    (void)sigfillset(set);
    for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++) {
        (void)sigdelset(set, synchronous[i]);
    }
}

static void *run_thread(void *arg)
{
    struct dlr_thread *thread = arg;

    atomic_store(&thread->self, (uintptr_t)&thread_mark);
    /* A thread without its name is a nuisance, not an error. */
    (void)pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->arg);
    /* The address may serve another thread as soon as this one has ended. */
    atomic_store(&thread->self, 0);
    return NULL;
}

int dlr_thread_start(struct dlr_thread *thread, const char *name,
                     void (*run)(void *arg), void *arg)
{
    size_t len = strnlen(name, sizeof thread->name - 1);
    sigset_t blocked;
    sigset_t before;
    int error;

    thread->run = run;
    thread->arg = arg;
    memcpy(thread->name, name, len);
    thread->name[len] = '\0';
    atomic_store(&thread->self, 0);
    /* A thread inherits the mask of its maker: blocked here, so that there is
     * no moment at which the new thread could take a signal. */
    fill_blocked(&blocked);
    error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (error != 0) {
        return error;
    }
    error = pthread_create(&thread->native, NULL, run_thread, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->is_started = error == 0;
    return error;
}

void dlr_thread_join(struct dlr_thread *thread)
{
    if (thread->is_started) {
        (void)pthread_join(thread->native, NULL);
        thread->is_started = false;
    }
}

bool dlr_thread_is_current(struct dlr_thread *thread)
{
    return atomic_load(&thread->self) == (uintptr_t)&thread_mark;
}

uint64_t dlr_thread_id(void)
{
    return (uint64_t)syscall(SYS_gettid);
}

void dlr_once_run(struct dlr_once *once, void (*run)(void))
{
    (void)pthread_once(&once->native, run);
}
