/* SPDX-License-Identifier: MIT */
/*
 * Close: flush, close and what is left at the end.
 */
#include "base/mem.h"
#include "client/client.h"
#include "os/clock.h"
#include "queue/fence.h"

#include <string.h>

/* Long enough for every caller, short enough that adding it to the clock and
 * turning it into nanoseconds cannot overflow: a year. */
#define WAIT_MAX_MS ((int64_t)365 * 24 * 3600 * 1000)

static void wake(void *self)
{
    dlr_sender_wake(self);
}

static int64_t deadline_of(const datalyr_client *client, int64_t timeout_ms)
{
    if (timeout_ms < 0) {
        timeout_ms = client->config.close_timeout_ms;
    }
    if (timeout_ms > WAIT_MAX_MS) {
        timeout_ms = WAIT_MAX_MS;
    }
    return dlr_clock_monotonic_ms() + timeout_ms;
}

int64_t datalyr_flush(datalyr_client *client, int64_t timeout_ms)
{
    datalyr_status status;

    if (client == NULL) {
        return -(int64_t)DATALYR_INVALID;
    }
    if (dlr_client_is_in_hook(client)) {
        return -(int64_t)DATALYR_IN_HOOK;
    }
    status = dlr_client_adopt(client);
    if (status != DATALYR_OK) {
        return -(int64_t)status;
    }
    if (client->sender == NULL) {
        return 0;
    }
    return (int64_t)dlr_queue_wait_settled(
        &client->queue, deadline_of(client, timeout_ms), wake, client->sender);
}

/* What was given up, or stays in the journal. */
static uint64_t count_left(datalyr_client *client)
{
    datalyr_ledger ledger;

    dlr_queue_read_ledger(&client->queue, dlr_clock_monotonic_ms(), &ledger);
    return ledger.dropped[DATALYR_DROP_CLOSE_TIMEOUT] +
           dlr_queue_own_pending(&client->queue);
}

uint64_t dlr_client_wind_up(datalyr_client *client)
{
    bool has_journal = dlr_client_has_journal(client);
    uint64_t left;

    dlr_queue_close(&client->queue);
    if (client->sender == NULL) {
        return 0;
    }
    if (has_journal) {
        dlr_heir_stop(client->heir); /* the time is for our own events */
    }
    if (dlr_client_is_in_hook(client)) {
        return dlr_queue_own_pending(&client->queue); /* exit() from a hook */
    }
    /* What a journal keeps need not be sent now: with no time left a short-lived
     * program does not touch the network at all. */
    if (has_journal &&
        dlr_clock_monotonic_ms() >= atomic_load(&client->end_by_ms)) {
        left = dlr_queue_own_pending(&client->queue);
    } else {
        left = dlr_queue_wait_settled_by(&client->queue, &client->end_by_ms,
                                         wake, client->sender);
    }
    dlr_sender_stop(client->sender,
                    has_journal ? DLR_STOP_LEAVE : DLR_STOP_DROP);
    /* Between the deadline and the end some may still have been settled. */
    return left == 0 ? 0 : count_left(client);
}

void dlr_client_release_queue(datalyr_client *client)
{
    uint64_t left = dlr_queue_own_pending(&client->queue);

    dlr_heir_free(client->heir);
    dlr_queue_clear(&client->queue);
    if (dlr_client_has_journal(client)) {
        dlr_journal_close(&client->journal, left == 0);
        dlr_sync_clear(&client->sync);
    }
}

static void release_own(datalyr_client *client)
{
    dlr_fork_remove_hook(&client->fork_hook);
    dlr_sender_free(client->sender);
    dlr_transport_close(&client->transport);
    dlr_client_release_queue(client);
    dlr_mutex_clear(&client->birth);
}

/* In a child that never used the client: nothing of it is the child's. Locks
 * and conditions are left as they are, for the parent's threads may have held
 * them, and destroying a condition waits for those who wait on it. */
static void release_foreign(datalyr_client *client)
{
    dlr_fork_remove_hook(&client->fork_hook);
    dlr_transport_abandon(&client->transport);
    if (dlr_client_has_journal(client)) {
        dlr_journal_leave_to_parent(&client->journal);
    }
    dlr_queue_forget(&client->queue);
}

/* The process does not exit before this is through. */
static void release(datalyr_client *client)
{
    dlr_registry_remove(client);
    if (dlr_client_is_foreign(client)) {
        release_foreign(client);
    } else {
        release_own(client);
    }
    dlr_defaults_clear(&client->defaults);
    datalyr_config_clear(&client->config);
    dlr_free(client);
    dlr_registry_end_close();
}

/* What a client that recorded nothing, or is not there, has to tell. */
static void clear_ledger(datalyr_ledger *ledger)
{
    if (ledger != NULL && ledger->size >= sizeof ledger->size) {
        size_t size = ledger->size;

        memset(ledger, 0, size);
        ledger->size = size;
    }
}

int64_t datalyr_close_within(datalyr_client **client, int64_t timeout_ms,
                             datalyr_ledger *last)
{
    datalyr_client *closing;
    uint64_t left = 0;

    clear_ledger(last);
    if (client == NULL || *client == NULL) {
        return 0;
    }
    closing = *client;
    if (dlr_client_is_in_hook(closing)) {
        return -(int64_t)DATALYR_IN_HOOK;
    }
    *client = NULL;
    atomic_store(&closing->end_by_ms, deadline_of(closing, timeout_ms));
    dlr_registry_begin_close(closing);
    if (!dlr_client_is_foreign(closing)) {
        left = dlr_client_wind_up(closing);
        if (last != NULL) {
            (void)datalyr_stats(closing, last);
        }
    }
    release(closing);
    return (int64_t)left;
}

int64_t datalyr_close(datalyr_client **client)
{
    return datalyr_close_within(client, -1, NULL);
}
