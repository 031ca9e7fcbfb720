/* SPDX-License-Identifier: MIT */
/*
 * Box: messages from the library's threads to the JavaScript thread.
 *
 * DESIGN
 * A list under a lock instead of the queue that Node-API has: its messages can
 * also be taken synchronously, which the 'exit' event of a process needs, and
 * its ceiling is in bytes.
 *
 * LOCKING
 * The lock is held while the event loop is woken, so that the thread-safe
 * function cannot go away in between: its finalizer takes the lock too.
 */
#include "box.h"

#include <stdlib.h>

/* Enough for what a batch reports, little enough to be forgotten. */
#define BOX_MAX_BYTES ((size_t)4 << 20)

struct dln_message *dln_message_new(enum dln_kind kind, size_t text_len,
                                    size_t json_len)
{
    struct dln_message *message =
        calloc(1, sizeof *message + text_len + json_len);

    if (message != NULL) {
        message->kind = kind;
        message->text_len = text_len;
        message->json_len = json_len;
    }
    return message;
}

void dln_message_free(struct dln_message *message)
{
    free(message);
}

static size_t size_of(const struct dln_message *message)
{
    return sizeof *message + message->text_len + message->json_len;
}

bool dln_box_init(struct dln_box *box)
{
    return pthread_mutex_init(&box->lock, NULL) == 0 &&
           pthread_cond_init(&box->room, NULL) == 0;
}

static void free_all(struct dln_message *message)
{
    while (message != NULL) {
        struct dln_message *next = message->next;

        dln_message_free(message);
        message = next;
    }
}

void dln_box_clear(struct dln_box *box)
{
    free_all(dln_box_take(box));
    (void)pthread_cond_destroy(&box->room);
    (void)pthread_mutex_destroy(&box->lock);
}

void dln_box_open(struct dln_box *box, napi_threadsafe_function wake)
{
    pthread_mutex_lock(&box->lock);
    box->wake = wake;
    box->is_open = true;
    pthread_mutex_unlock(&box->lock);
}

static void append(struct dln_box *box, struct dln_message *message)
{
    message->next = NULL;
    if (box->last == NULL) {
        box->first = message;
    } else {
        box->last->next = message;
    }
    box->last = message;
    box->bytes += size_of(message);
}

static void wake(struct dln_box *box)
{
    if (box->is_woken) {
        return;
    }
    /* Anything but ok: the environment is ending, nobody will listen. */
    if (napi_call_threadsafe_function(box->wake, NULL, napi_tsfn_nonblocking) ==
        napi_ok) {
        box->is_woken = true;
    } else {
        box->is_open = false;
    }
}

void dln_box_put(struct dln_box *box, struct dln_message *message)
{
    if (message == NULL) {
        return; /* out of memory: the ledger still has the numbers */
    }
    pthread_mutex_lock(&box->lock);
    while (box->is_open && !box->is_hurried && box->bytes > 0 &&
           box->bytes + size_of(message) > BOX_MAX_BYTES) {
        pthread_cond_wait(&box->room, &box->lock);
    }
    if (box->is_open) {
        append(box, message);
        message = NULL;
        wake(box);
    }
    pthread_mutex_unlock(&box->lock);
    dln_message_free(message);
}

struct dln_message *dln_box_take(struct dln_box *box)
{
    struct dln_message *all;

    pthread_mutex_lock(&box->lock);
    all = box->first;
    box->first = NULL;
    box->last = NULL;
    box->bytes = 0;
    box->is_woken = false;
    pthread_cond_broadcast(&box->room);
    pthread_mutex_unlock(&box->lock);
    return all;
}

void dln_box_hurry(struct dln_box *box)
{
    pthread_mutex_lock(&box->lock);
    box->is_hurried = true;
    pthread_cond_broadcast(&box->room);
    pthread_mutex_unlock(&box->lock);
}

void dln_box_close(struct dln_box *box, bool should_release)
{
    pthread_mutex_lock(&box->lock);
    if (box->is_open && should_release) {
        (void)napi_release_threadsafe_function(box->wake, napi_tsfn_release);
    }
    box->is_open = false;
    pthread_cond_broadcast(&box->room);
    pthread_mutex_unlock(&box->lock);
}
