/* SPDX-License-Identifier: MIT */
/*
 * Wait: threads that wait in flush and close, so that the event loop does not.
 *
 * DESIGN
 * A thread of their own instead of Node's pool: a pool of four is soon full of
 * flushes to a dead host, and then no file is read and no name looked up in the
 * whole process.
 *
 * Closing is a flush for the time given and then a close without any: until
 * the last moment the client stays among those that the library drains at the
 * exit of the process.
 *
 * LOCKING
 * That drain runs in an exit handler and must not meet a close of the same
 * client in a thread. Our exit handler is registered after the library's,
 * therefore runs before it, and waits for the closes that have begun; later
 * ones do nothing, the process is about to end anyway.
 */
#include "handle.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* Our own frames are small; libcurl runs on the library's thread. */
#define STACK_BYTES ((size_t)256 << 10)

/* A close without time ends as soon as its hooks have; far more than that. */
#define EXIT_PATIENCE_S 5

struct job {
    struct dln_handle *handle;
    enum dln_wait wait;
    int64_t timeout_ms;
    int64_t token;
};

static pthread_mutex_t exit_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t closed = PTHREAD_COND_INITIALIZER;
static unsigned closing; /* threads in a close; guarded by exit_lock */
static bool is_exiting;  /* the same */

static void at_exit(void)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += EXIT_PATIENCE_S;
    pthread_mutex_lock(&exit_lock);
    is_exiting = true;
    while (closing > 0 &&
           pthread_cond_timedwait(&closed, &exit_lock, &until) != ETIMEDOUT) {
        continue;
    }
    pthread_mutex_unlock(&exit_lock);
}

static void register_exit(void)
{
    (void)atexit(at_exit); /* without it only a race at exit is unguarded */
}

void dln_wait_watch_exit(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_exit);
}

static bool begin_close(void)
{
    bool may_close;

    pthread_mutex_lock(&exit_lock);
    may_close = !is_exiting;
    closing += may_close ? 1 : 0;
    pthread_mutex_unlock(&exit_lock);
    return may_close;
}

static void end_close(void)
{
    pthread_mutex_lock(&exit_lock);
    closing -= 1;
    pthread_cond_broadcast(&closed);
    pthread_mutex_unlock(&exit_lock);
}

static void tell_done(struct dln_handle *handle, int64_t left, int64_t token)
{
    struct dln_message *message = dln_message_new(DLN_DONE, 0, 0);

    if (message != NULL) {
        message->numbers[0] = left;
        message->numbers[1] = token;
    }
    dln_box_put(&handle->box, message);
}

static void *run(void *argument)
{
    struct job *job = argument;
    struct dln_handle *handle = job->handle;
    int64_t left = datalyr_flush(handle->client, job->timeout_ms);

    if (job->wait != DLN_WAIT_FLUSH && begin_close()) {
        left = datalyr_close_within(&handle->client, 0, &handle->last);
        end_close();
    }
    if (job->wait == DLN_WAIT_ABANDON) {
        dln_box_close(&handle->box, true);
    } else {
        tell_done(handle, left, job->token);
    }
    free(job);
    dln_handle_unref(handle);
    return NULL;
}

/* Signals are for the threads of the application. */
static int start_thread(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int failure = pthread_attr_init(&attributes);

    if (failure != 0) {
        return failure;
    }
    (void)sigfillset(&all);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&thread, &attributes, run, job);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failure;
}

bool dln_wait_start(struct dln_handle *handle, enum dln_wait wait,
                    int64_t timeout_ms, int64_t token)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL) {
        return false;
    }
    job->handle = dln_handle_ref(handle);
    job->wait = wait;
    job->timeout_ms = timeout_ms;
    job->token = token;
    if (start_thread(job) != 0) {
        dln_handle_unref(handle);
        free(job);
        return false;
    }
    return true;
}
