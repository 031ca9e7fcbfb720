/* SPDX-License-Identifier: MIT */
/*
 * Peers: cuts connections that take too long.
 *
 * DESIGN
 * The HTTP library's time-out counts idle time, so a client that sends a byte a
 * second is never idle. Here each connection has a deadline for what it is
 * doing; a sweeper shuts the socket of those that missed it, and the library
 * sees an ordinary end of connection on its own thread.
 *
 * A client that says at once what it says and that it is done (it closed its
 * side) is not noticed by the library either: it takes the bytes, and no event
 * follows them. The sweeper looks for those whose bytes are all read, and shuts
 * the same side of ours: that is an event, and an answer can still leave.
 *
 * LOCKING
 * `lock` guards the list. A socket is shut under it: the library closes it only
 * after remove(), so the number cannot belong to another connection by then.
 */
#include "http/peers.h"

#include "base/mem.h"
#include "os/clock.h"

#include <sys/socket.h>

#define SWEEP_INTERVAL_MS 250

/* Sweeps from one look for ended clients to the next: a look is a system call
 * for each connection. */
#define SWEEPS_PER_LOOK 2

static void sweep(struct dld_peers *peers, int64_t now_ms)
{
    for (struct dld_peer *peer = peers->first; peer != NULL;
         peer = peer->next) {
        if (peer->deadline_ms <= now_ms) {
            (void)shutdown(peer->socket, SHUT_RDWR);
            peer->deadline_ms = DLD_NO_DEADLINE;
            peers->cut_count++;
        }
    }
}

static void look_for_ended(struct dld_peers *peers)
{
    char byte;

    for (struct dld_peer *peer = peers->first; peer != NULL;
         peer = peer->next) {
        if (recv(peer->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
            (void)shutdown(peer->socket, SHUT_RD);
        }
    }
}

static void run(void *self)
{
    struct dld_peers *peers = self;
    unsigned sweeps = 0;

    dlr_mutex_lock(&peers->lock);
    while (!peers->is_stopping) {
        (void)dlr_cond_wait_ms(&peers->wake, &peers->lock, SWEEP_INTERVAL_MS);
        sweep(peers, dlr_clock_monotonic_ms());
        if (++sweeps % SWEEPS_PER_LOOK == 0) {
            look_for_ended(peers);
        }
    }
    dlr_mutex_unlock(&peers->lock);
}

int dld_peers_start(struct dld_peers *peers)
{
    int code = dlr_mutex_init(&peers->lock);

    if (code == 0) {
        code = dlr_cond_init(&peers->wake);
    }
    if (code == 0) {
        code = dlr_thread_start(&peers->sweeper, "dld-sweeper", run, peers);
    }
    return code;
}

void dld_peers_stop(struct dld_peers *peers)
{
    if (!peers->sweeper.is_started) {
        return;
    }
    dlr_mutex_lock(&peers->lock);
    peers->is_stopping = true;
    dlr_cond_signal(&peers->wake);
    dlr_mutex_unlock(&peers->lock);
    dlr_thread_join(&peers->sweeper);
}

struct dld_peer *dld_peers_add(struct dld_peers *peers, int socket,
                               int64_t deadline_ms)
{
    struct dld_peer *peer = dlr_calloc(1, sizeof *peer);

    if (peer == NULL) {
        return NULL;
    }
    peer->socket = socket;
    peer->address = dld_address_of_peer(socket);
    peer->deadline_ms = deadline_ms;
    dlr_mutex_lock(&peers->lock);
    peer->next = peers->first;
    if (peers->first != NULL) {
        peers->first->previous = peer;
    }
    peers->first = peer;
    peers->count++;
    dlr_mutex_unlock(&peers->lock);
    return peer;
}

void dld_peers_remove(struct dld_peers *peers, struct dld_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    dlr_mutex_lock(&peers->lock);
    if (peer->previous != NULL) {
        peer->previous->next = peer->next;
    } else {
        peers->first = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
    peers->count--;
    dlr_mutex_unlock(&peers->lock);
    dlr_free(peer);
}

void dld_peers_set_deadline(struct dld_peers *peers, struct dld_peer *peer,
                            int64_t deadline_ms)
{
    dlr_mutex_lock(&peers->lock);
    peer->deadline_ms = deadline_ms;
    dlr_mutex_unlock(&peers->lock);
}
