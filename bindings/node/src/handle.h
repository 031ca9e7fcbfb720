/* SPDX-License-Identifier: MIT */
/*
 * Handle: what a JavaScript client holds of a C client: the client, the box
 * for its messages, and the threads that wait in its place.
 */
#ifndef DLN_HANDLE_H
#define DLN_HANDLE_H

#include "box.h"

#include <datalyr.h>
#include <stdatomic.h>

struct dln_handle {
    atomic_uint refs; /* the JavaScript value, the box's finalizer, threads */
    datalyr_client *client; /* NULL once closed; `last` is its end */
    datalyr_ledger last;
    struct dln_box box;
    pthread_t script_thread;
    napi_env env;
    bool is_main;     /* its environment ends with the process */
    bool is_env_gone; /* the environment is being torn down */
    int64_t max_queue_size;
    int64_t close_timeout_ms;
    int64_t exit_timeout_ms;
    int64_t retry_limit;
    bool is_debug;
    bool has_journal;
};

/* Counts one reference for the caller; NULL when out of memory. */
struct dln_handle *dln_handle_new(void);
struct dln_handle *dln_handle_ref(struct dln_handle *handle);
void dln_handle_unref(struct dln_handle *handle);

/* The hooks of a client of this handle; `has_delivered` and so on say which
 * ones anybody listens to. */
struct dln_listening {
    bool to_delivered;
    bool to_failure;
    bool to_drop;
};
datalyr_hooks dln_hooks(struct dln_handle *handle,
                        struct dln_listening listening);

enum dln_wait {
    DLN_WAIT_FLUSH,  /* then DLN_DONE */
    DLN_WAIT_CLOSE,  /* flush, close, then DLN_DONE */
    DLN_WAIT_ABANDON /* flush, close; nobody is told */
};

/* Lets a thread flush for at most that long, and close if asked to. The
 * token comes back with DLN_DONE. Nothing else may use the client once a close
 * has begun. False when no thread can be made. */
bool dln_wait_start(struct dln_handle *handle, enum dln_wait wait,
                    int64_t timeout_ms, int64_t token);

/* Called once per process, after the first client was opened. */
void dln_wait_watch_exit(void);

#endif
