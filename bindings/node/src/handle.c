/* SPDX-License-Identifier: MIT */
/*
 * Handle: life and death of what a JavaScript client holds.
 */
#include "handle.h"

#include <stdlib.h>

struct dln_handle *dln_handle_new(void)
{
    struct dln_handle *handle = calloc(1, sizeof *handle);

    if (handle == NULL) {
        return NULL;
    }
    atomic_init(&handle->refs, 1);
    handle->last.size = sizeof handle->last;
    handle->script_thread = pthread_self();
    if (!dln_box_init(&handle->box)) {
        free(handle);
        return NULL;
    }
    return handle;
}

struct dln_handle *dln_handle_ref(struct dln_handle *handle)
{
    (void)atomic_fetch_add(&handle->refs, 1);
    return handle;
}

void dln_handle_unref(struct dln_handle *handle)
{
    if (atomic_fetch_sub(&handle->refs, 1) == 1) {
        dln_box_clear(&handle->box);
        free(handle);
    }
}
