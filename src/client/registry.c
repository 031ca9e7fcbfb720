/* SPDX-License-Identifier: MIT */
/*
 * Registry: the open clients of the process, so that its normal exit delivers
 * what they hold, for at most exit_timeout_ms.
 *
 * DESIGN
 * One exit handler for the process, registered after libcurl's own start, so
 * that it runs before libcurl and the TLS library are taken down. Clients are
 * stopped and not released: other threads of the program may still call them,
 * and get DATALYR_CLOSED. One that closes the client that is being stopped waits
 * until that is done.
 *
 * A close that another thread is in when the process exits is waited for: it
 * hands back what it cannot deliver. From then on it has the time of an exit
 * and no longer its own.
 */
#include "client/client.h"
#include "os/clock.h"
#include "queue/fence.h"
#include "transport/curl.h"

#include <errno.h>
#include <stdlib.h>

static struct dlr_mutex lock = DLR_MUTEX_INIT;
static struct dlr_cond changed = DLR_COND_INIT; /* one of the next three */
/* Guarded by `lock`. */
static datalyr_client *clients;
static datalyr_client *visited; /* by the exit handler */
static uint64_t closing_count;  /* closes under way */
static bool is_exiting;
static int64_t exit_began_ms;

/* Closes that this thread is in: exit() from a handler of signals is not
 * allowed there, but common, and better than a hang. */
static _Thread_local uint64_t closing_here;

static struct dlr_once once = DLR_ONCE_INIT;
static int preparation; /* what the once came to */

static void lock_registry(void *self)
{
    (void)self;
    dlr_mutex_lock(&lock);
}

static void unlock_registry(void *self)
{
    (void)self;
    dlr_mutex_unlock(&lock);
}

/* The threads that exit, close or wait are not in the child. */
static void begin_in_child(void *self)
{
    visited = NULL;
    closing_count = 0;
    closing_here = 0;
    is_exiting = false;
    changed = (struct dlr_cond)DLR_COND_INIT;
    unlock_registry(self);
}

/* With the lock held. */
static void unlink_client(datalyr_client *client)
{
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else if (clients == client) {
        clients = client->next;
    }
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    client->next = NULL;
    client->previous = NULL;
}

/* Goes on to the first client that is still to be visited; who closes one waits
 * for the end of the visit. */
static datalyr_client *visit_next(bool *is_closing)
{
    datalyr_client *client;

    dlr_mutex_lock(&lock);
    client = clients;
    if (client != NULL) {
        unlink_client(client);
        *is_closing = client->is_closing;
    }
    visited = client;
    dlr_cond_broadcast(&changed);
    dlr_mutex_unlock(&lock);
    return client;
}

/* When the exit gives a client up. With a journal it need not wait: the next
 * process, or `datalyr journal send`, delivers what is left. */
static int64_t exit_deadline_ms(const datalyr_client *client)
{
    return exit_began_ms + (dlr_client_has_journal(client)
                                ? 0
                                : client->config.exit_timeout_ms);
}

static void begin_exit(void)
{
    dlr_mutex_lock(&lock);
    is_exiting = true;
    exit_began_ms = dlr_clock_monotonic_ms();
    dlr_mutex_unlock(&lock);
}

/* Waits for the closes of other threads, which keep the exit's deadlines; but
 * for those that themselves wait for this thread. */
static void wait_for_closes(uint64_t but_for)
{
    dlr_mutex_lock(&lock);
    while (closing_count > but_for) {
        dlr_cond_wait(&changed, &lock);
    }
    dlr_mutex_unlock(&lock);
}

static void at_exit(void)
{
    uint64_t waiting_for_us = closing_here;
    datalyr_client *client;
    bool is_closing;

    begin_exit();
    while ((client = visit_next(&is_closing)) != NULL) {
        if (dlr_client_is_foreign(client)) {
            continue;
        }
        if (is_closing) {
            dlr_queue_bring_forward(&client->queue, &client->end_by_ms,
                                    exit_deadline_ms(client));
            /* exit() from a hook that the close waits for. */
            waiting_for_us += dlr_client_is_in_hook(client) ? 1 : 0;
        } else {
            atomic_store(&client->end_by_ms, exit_deadline_ms(client));
            (void)dlr_client_wind_up(client);
        }
    }
    wait_for_closes(waiting_for_us);
}

static void prepare(void)
{
    static struct dlr_fork_hook hook = {
        .before = lock_registry,
        .after_in_parent = unlock_registry,
        .after_in_child = begin_in_child,
    };

    if (dlr_transport_global_init() != DATALYR_OK) {
        preparation = EIO;
        return;
    }
    preparation = dlr_fork_add_hook(&hook);
    if (preparation == 0 && atexit(at_exit) != 0) {
        preparation = ENOMEM;
    }
}

int dlr_registry_prepare(void)
{
    dlr_once_run(&once, prepare);
    return preparation;
}

void dlr_registry_add(datalyr_client *client)
{
    dlr_mutex_lock(&lock);
    client->previous = NULL;
    client->next = clients;
    if (clients != NULL) {
        clients->previous = client;
    }
    clients = client;
    dlr_mutex_unlock(&lock);
}

/* With the lock held. */
static void await_visit(const datalyr_client *client)
{
    while (visited == client) {
        dlr_cond_wait(&changed, &lock);
    }
}

void dlr_registry_begin_close(datalyr_client *client)
{
    dlr_mutex_lock(&lock);
    await_visit(client);
    client->is_closing = true;
    closing_count += 1;
    closing_here += 1;
    if (is_exiting && exit_deadline_ms(client) < client->end_by_ms) {
        client->end_by_ms = exit_deadline_ms(client);
    }
    dlr_mutex_unlock(&lock);
}

void dlr_registry_remove(datalyr_client *client)
{
    dlr_mutex_lock(&lock);
    await_visit(client);
    unlink_client(client);
    dlr_mutex_unlock(&lock);
}

void dlr_registry_end_close(void)
{
    dlr_mutex_lock(&lock);
    closing_count -= 1;
    closing_here -= 1;
    dlr_cond_broadcast(&changed);
    dlr_mutex_unlock(&lock);
}
