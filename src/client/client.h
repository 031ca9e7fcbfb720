/* SPDX-License-Identifier: MIT */
/*
 * Client: what stands behind a datalyr_client, for the files of this folder.
 */
#ifndef DLR_CLIENT_CLIENT_H
#define DLR_CLIENT_CLIENT_H

#include "base/uuid.h"
#include "model/properties.h"
#include "os/fork.h"
#include "os/thread.h"
#include "queue/heir.h"
#include "queue/queue.h"
#include "queue/sync.h"
#include "sender/sender.h"
#include "transport/transport.h"

#include <datalyr.h>
#include <stdatomic.h>

struct datalyr_client {
    datalyr_config config; /* every setting decided */
    struct dlr_queue queue;
    struct dlr_journal journal; /* with journal_dir only, as the next two */
    struct dlr_sync sync;
    struct dlr_heir *heir;
    struct dlr_transport *transport;
    struct dlr_sender *sender; /* NULL when not enabled */
    struct dlr_defaults defaults;
    const char *warning;
    char anonymous_id[DLR_ANONYMOUS_ID_CAP];

    _Atomic uint64_t generation; /* the process that this belongs to */
    struct dlr_mutex birth;      /* one thread makes the child's sender */
    struct dlr_fork_hook fork_hook;
    struct dlr_sender *ghost; /* the parent's, in a child: kept, not touched */
    struct dlr_heir *ghost_heir;

    struct datalyr_client *next; /* among the open clients of the process */
    struct datalyr_client *previous;
    bool is_closing;           /* guarded by the registry */
    _Atomic int64_t end_by_ms; /* deadline of the close under way */
};

static inline bool dlr_client_is_enabled(const datalyr_client *client)
{
    return client->config.enabled == DATALYR_ON;
}

static inline bool dlr_client_has_journal(const datalyr_client *client)
{
    return client->config.journal_dir != NULL && dlr_client_is_enabled(client);
}

static inline bool dlr_client_is_debug(const datalyr_client *client)
{
    return client->config.debug == DATALYR_ON;
}

/* open.c: queue, transport and sender of this process. */
datalyr_status dlr_client_prepare_queue(datalyr_client *client,
                                        datalyr_error *error);
datalyr_status dlr_client_start(datalyr_client *client, datalyr_error *error);

/* close.c: the other way. */
void dlr_client_release_queue(datalyr_client *client);

/* fork.c */
int dlr_client_watch_forks(datalyr_client *client);
datalyr_status dlr_client_be_born(datalyr_client *client);

/* Makes sure that the client belongs to this process: in a forked child the
 * first call gives it an empty queue and a sender of its own. */
static inline datalyr_status dlr_client_adopt(datalyr_client *client)
{
    uint64_t here = dlr_fork_generation();

    if (atomic_load_explicit(&client->generation, memory_order_acquire) ==
        here) {
        return DATALYR_OK;
    }
    return dlr_client_be_born(client);
}

static inline bool dlr_client_is_foreign(const datalyr_client *client)
{
    return atomic_load_explicit(&client->generation, memory_order_acquire) !=
           dlr_fork_generation();
}

/* registry.c: the open clients of the process, for its exit. Returns 0 or an
 * errno value. */
int dlr_registry_prepare(void);
void dlr_registry_add(datalyr_client *client);

/* Around a close: begin, wind up, remove, release, end. An exit meanwhile
 * brings `end_by_ms` forward and waits for the end; the client may be released
 * once it is removed. */
void dlr_registry_begin_close(datalyr_client *client);
void dlr_registry_remove(datalyr_client *client);
void dlr_registry_end_close(void);

/* close.c: waits up to `end_by_ms`, stops the sender; returns what is left. */
uint64_t dlr_client_wind_up(datalyr_client *client);

/* True on the thread that runs the client's hooks. */
static inline bool dlr_client_is_in_hook(const datalyr_client *client)
{
    return client->sender != NULL && dlr_sender_is_current(client->sender);
}

#endif
