/* SPDX-License-Identifier: MIT */
/*
 * Box: messages from the library's threads to the JavaScript thread. Owns the
 * messages and the thread-safe function that wakes the event loop; what they
 * mean is left to deliver.c.
 */
#ifndef DLN_BOX_H
#define DLN_BOX_H

#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dln_kind {
    DLN_LOG,       /* numbers[0]: level; text: the line */
    DLN_DELIVERED, /* numbers[0]: events; json: the events */
    DLN_FAILURE,   /* HTTP status, attempt, wait, events; text: why; json */
    DLN_DROP,      /* numbers[0]: events; text: the reason; json: the events */
    DLN_DONE       /* events that a flush or close left, its token */
};

struct dln_message {
    struct dln_message *next;
    enum dln_kind kind;
    int64_t numbers[4];
    size_t text_len;
    size_t json_len; /* 0: none */
    char bytes[];    /* text, then json */
};

struct dln_box {
    napi_threadsafe_function wake;
    pthread_mutex_t lock;
    /* Everything below is guarded by `lock`. */
    pthread_cond_t room;
    struct dln_message *first;
    struct dln_message *last;
    size_t bytes;
    bool is_open;    /* somebody listens */
    bool is_woken;   /* and was told */
    bool is_hurried; /* nobody may wait for room any more */
};

/* A message with room for both texts, which the caller fills; NULL when out of
 * memory. */
struct dln_message *dln_message_new(enum dln_kind kind, size_t text_len,
                                    size_t json_len);
void dln_message_free(struct dln_message *message);

bool dln_box_init(struct dln_box *box);
void dln_box_clear(struct dln_box *box);

/* Starts to wake the event loop through `wake`, which is owned from here. */
void dln_box_open(struct dln_box *box, napi_threadsafe_function wake);

/* Takes the message. While the box is full the thread waits, so that a
 * busy event loop cannot fill the memory; never the JavaScript thread. */
void dln_box_put(struct dln_box *box, struct dln_message *message);

/* All messages, owned by the caller. */
struct dln_message *dln_box_take(struct dln_box *box);

/* From here on nobody waits for room. */
void dln_box_hurry(struct dln_box *box);

/* Nobody listens any more: stops waking and, if `should_release`, gives the
 * thread-safe function back. */
void dln_box_close(struct dln_box *box, bool should_release);

#endif
