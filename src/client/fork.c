/* SPDX-License-Identifier: MIT */
/*
 * Fork: parent and child both work on, and no event is sent twice or lost.
 *
 * DESIGN
 * The events are the parent's: the child does not even get their pages. What
 * the child must do at once is close its copies of the connections, lest they
 * stay open when the parent goes; the rest waits for the first call, since most
 * children go on to exec something else.
 *
 * The queue's lock is held across fork(), so that the child's copy of the log
 * is whole and can be released. A child made behind the C library's back finds
 * out by the generation alone; it leaks what it cannot release.
 */
#include "base/mem.h"
#include "client/client.h"

static void before(void *self)
{
    datalyr_client *client = self;

    dlr_mutex_lock(&client->birth);
    dlr_mutex_lock(&client->queue.lock);
}

static void after_in_parent(void *self)
{
    datalyr_client *client = self;

    dlr_mutex_unlock(&client->queue.lock);
    dlr_mutex_unlock(&client->birth);
}

static void after_in_child(void *self)
{
    datalyr_client *client = self;

    dlr_transport_abandon(&client->transport);
    if (dlr_client_has_journal(client)) {
        dlr_heir_leave_to_parent(client->heir);
        dlr_journal_leave_to_parent(&client->journal);
    }
    dlr_mutex_unlock(&client->queue.lock);
    dlr_mutex_unlock(&client->birth);
}

int dlr_client_watch_forks(datalyr_client *client)
{
    client->fork_hook.before = before;
    client->fork_hook.after_in_parent = after_in_parent;
    client->fork_hook.after_in_child = after_in_child;
    client->fork_hook.self = client;
    return dlr_fork_add_hook(&client->fork_hook);
}

/* Gives up all that is the parent's. The sender was copied in the middle of its
 * work and cannot be released; it is kept where leak checkers see it. */
static void leave_to_parent(datalyr_client *client)
{
    dlr_transport_abandon(&client->transport);
    dlr_queue_forget(&client->queue);
    if (client->sender != NULL) {
        client->ghost = client->sender;
        client->ghost_heir = client->heir;
    }
    client->sender = NULL;
    client->heir = NULL;
}

/* Releases what a birth that failed half-way had made. */
static void undo_birth(datalyr_client *client)
{
    dlr_sender_free(client->sender);
    client->sender = NULL;
    dlr_transport_close(&client->transport);
    if (dlr_client_has_journal(client)) {
        dlr_heir_free(client->heir);
        client->heir = NULL;
        dlr_journal_close(&client->journal, true);
    }
}

datalyr_status dlr_client_be_born(datalyr_client *client)
{
    datalyr_status status = DATALYR_OK;

    dlr_mutex_lock(&client->birth);
    if (dlr_client_is_foreign(client)) {
        leave_to_parent(client);
        status = dlr_client_prepare_queue(client, NULL);
        if (status == DATALYR_OK && dlr_client_is_enabled(client)) {
            status = dlr_client_start(client, NULL);
        }
        if (status != DATALYR_OK) {
            undo_birth(client); /* the next call tries again */
        } else {
            atomic_store_explicit(&client->generation, dlr_fork_generation(),
                                  memory_order_release);
        }
    }
    dlr_mutex_unlock(&client->birth);
    return status;
}
