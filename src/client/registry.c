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
 */
#include "client/client.h"
#include "os/clock.h"
#include "transport/curl.h"

#include <errno.h>
#include <stdlib.h>

static struct dlr_mutex lock = DLR_MUTEX_INIT;
static struct dlr_cond drained = DLR_COND_INIT;
/* Guarded by `lock`. */
static datalyr_client *clients;
static datalyr_client *draining; /* by the exit handler */

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

/* The thread that drained is not in the child, nor are those that waited. */
static void begin_in_child(void *self)
{
    draining = NULL;
    drained = (struct dlr_cond)DLR_COND_INIT;
    unlock_registry(self);
}

static datalyr_client *take_first(void)
{
    datalyr_client *client;

    dlr_mutex_lock(&lock);
    client = clients;
    if (client != NULL) {
        clients = client->next;
        if (clients != NULL) {
            clients->previous = NULL;
        }
        client->next = NULL;
    }
    draining = client;
    dlr_cond_broadcast(&drained);
    dlr_mutex_unlock(&lock);
    return client;
}

static void at_exit(void)
{
    int64_t started_ms = dlr_clock_monotonic_ms();
    datalyr_client *client;

    while ((client = take_first()) != NULL) {
        if (!dlr_client_is_foreign(client)) {
            /* With a journal the exit need not wait: the next process, or
             * `datalyr journal send`, delivers what is left. */
            int64_t wait_ms = dlr_client_has_journal(client)
                                  ? 0
                                  : client->config.exit_timeout_ms;

            (void)dlr_client_wind_up(client, started_ms + wait_ms);
        }
    }
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

void dlr_registry_remove(datalyr_client *client)
{
    dlr_mutex_lock(&lock);
    while (draining == client) {
        dlr_cond_wait(&drained, &lock);
    }
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
    dlr_mutex_unlock(&lock);
}
