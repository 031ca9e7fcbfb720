/* SPDX-License-Identifier: MIT */
/*
 * Ids: a generator for each thread.
 *
 * DESIGN
 * Generators are not shared: a lock around one would be the busiest of all. The
 * thread-local part is a pointer only; the pool behind it comes from the heap,
 * where running out of memory is an answer and not the end of the process, and
 * goes when the thread does.
 *
 * A forked child inherits the bytes of the pool that its parent has not used
 * yet. Both would make the same ids of them, so the generation of the pool is
 * compared on every call.
 */
#include "os/ids.h"

#include "base/mem.h"
#include "os/fork.h"
#include "os/random.h"
#include "os/thread.h"

#include <pthread.h>
#include <stddef.h>

struct slot {
    struct dlr_uuid_source source;
    uint64_t generation;
};

static _Thread_local struct slot *mine;

static struct dlr_once key_once = DLR_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static bool refill(void *self, void *bytes, size_t len)
{
    (void)self; /* the system's randomness has no state of ours */
    return dlr_random_fill(bytes, len);
}

static void free_slot(void *slot)
{
    mine = NULL;
    dlr_free(slot);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, free_slot) == 0;
}

static struct slot *make_slot(void)
{
    struct slot *slot;

    dlr_once_run(&key_once, make_key);
    slot = has_key ? dlr_calloc(1, sizeof *slot) : NULL;
    if (slot == NULL) {
        return NULL;
    }
    if (pthread_setspecific(key, slot) != 0) {
        dlr_free(slot);
        return NULL;
    }
    slot->source.refill = refill;
    slot->generation = dlr_fork_generation();
    mine = slot;
    return slot;
}

static struct dlr_uuid_source *get_source(void)
{
    struct slot *slot = mine;
    uint64_t generation;

    if (slot == NULL) {
        slot = make_slot();
        return slot == NULL ? NULL : &slot->source;
    }
    generation = dlr_fork_generation();
    if (slot->generation != generation) {
        dlr_uuid_forget(&slot->source);
        slot->generation = generation;
    }
    return &slot->source;
}

bool dlr_ids_make_v7(int64_t now_ms, char out[DLR_UUID_CAP])
{
    struct dlr_uuid_source *source = get_source();

    return source != NULL && dlr_uuid_make_v7(source, now_ms, out);
}

bool dlr_ids_make_v4(char out[DLR_UUID_CAP])
{
    struct dlr_uuid_source *source = get_source();

    return source != NULL && dlr_uuid_make_v4(source, out);
}

bool dlr_ids_make_anonymous(char out[DLR_ANONYMOUS_ID_CAP])
{
    struct dlr_uuid_source *source = get_source();

    return source != NULL && dlr_uuid_make_anonymous(source, out);
}
