/* SPDX-License-Identifier: MIT */
/*
 * Fork: a number that changes in a forked child, and a list of hooks.
 *
 * DESIGN
 * The number lives on a page of its own that the kernel hands to a child full
 * of zeros (MADV_WIPEONFORK), however the child was made. Whoever reads a zero
 * there draws the next number. The counter of numbers drawn lives in ordinary
 * memory, which a child inherits, so that parent, child and grandchild never
 * have the same one: it goes up before a number can be seen by anybody.
 *
 * Where the kernel cannot wipe (before Linux 4.14, some sandboxes), the handler
 * that we give to pthread_atfork() does, which misses only children made by a
 * bare system call.
 *
 * LOCKING
 * `lock` guards the list and is held over fork(), so that the child finds a
 * whole list. Hooks run under it: they may not add or remove hooks.
 */
#include "os/fork.h"

#include "os/map.h"
#include "os/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

static atomic_uint_fast64_t drawn_count;
static _Atomic(atomic_uint_fast64_t *) page; /* the number; 0 after a fork */
static atomic_uint_fast64_t plain_word;      /* if there is no memory for it */

static struct dlr_mutex lock = DLR_MUTEX_INIT;
static struct dlr_fork_hook *first_hook;
static struct dlr_fork_hook *last_hook;

static struct dlr_once handlers_once = DLR_ONCE_INIT;
static int handlers_error;

static void run_before(void)
{
    dlr_mutex_lock(&lock);
    for (struct dlr_fork_hook *hook = last_hook; hook != NULL;
         hook = hook->previous) {
        if (hook->before != NULL) {
            hook->before(hook->self);
        }
    }
}

static void run_after_in_parent(void)
{
    for (struct dlr_fork_hook *hook = first_hook; hook != NULL;
         hook = hook->next) {
        if (hook->after_in_parent != NULL) {
            hook->after_in_parent(hook->self);
        }
    }
    dlr_mutex_unlock(&lock);
}

static void run_after_in_child(void)
{
    atomic_uint_fast64_t *word = atomic_load(&page);

    if (word != NULL) {
        atomic_store(word, 0);
    }
    for (struct dlr_fork_hook *hook = first_hook; hook != NULL;
         hook = hook->next) {
        if (hook->after_in_child != NULL) {
            hook->after_in_child(hook->self);
        }
    }
    dlr_mutex_unlock(&lock);
}

static void install_handlers(void)
{
    handlers_error =
        pthread_atfork(run_before, run_after_in_parent, run_after_in_child);
}

/* The page, made by whoever comes first; the losers of a race unmap theirs. */
static atomic_uint_fast64_t *get_page(void)
{
    atomic_uint_fast64_t *found = atomic_load(&page);
    atomic_uint_fast64_t *made = &plain_word;
    void *memory = NULL;

    if (found != NULL) {
        return found;
    }
    dlr_once_run(&handlers_once, install_handlers);
    if (dlr_map_anonymous(dlr_map_page_bytes(), &memory) == 0) {
        made = memory;
        /* Failure leaves the work to run_after_in_child(). */
        (void)madvise(memory, dlr_map_page_bytes(), MADV_WIPEONFORK);
    }
    if (atomic_compare_exchange_strong(&page, &found, made)) {
        return made;
    }
    dlr_map_unmap(memory, dlr_map_page_bytes());
    return found;
}

static uint64_t draw(void)
{
    atomic_uint_fast64_t *word = get_page();
    uint_fast64_t seen = 0;
    uint_fast64_t mine = atomic_fetch_add(&drawn_count, 1) + 1;

    /* Another thread may have been faster; its number is as good. */
    return atomic_compare_exchange_strong(word, &seen, mine) ? mine : seen;
}

uint64_t dlr_fork_generation(void)
{
    atomic_uint_fast64_t *word =
        atomic_load_explicit(&page, memory_order_acquire);

    if (word != NULL) {
        uint64_t number = atomic_load_explicit(word, memory_order_relaxed);

        if (number != 0) {
            return number;
        }
    }
    return draw();
}

int dlr_fork_add_hook(struct dlr_fork_hook *hook)
{
    dlr_once_run(&handlers_once, install_handlers);
    if (handlers_error != 0) {
        return handlers_error;
    }
    dlr_mutex_lock(&lock);
    hook->next = NULL;
    hook->previous = last_hook;
    if (last_hook != NULL) {
        last_hook->next = hook;
    } else {
        first_hook = hook;
    }
    last_hook = hook;
    dlr_mutex_unlock(&lock);
    return 0;
}

void dlr_fork_remove_hook(struct dlr_fork_hook *hook)
{
    dlr_mutex_lock(&lock);
    if (hook->previous != NULL) {
        hook->previous->next = hook->next;
    } else if (first_hook == hook) {
        first_hook = hook->next;
    }
    if (hook->next != NULL) {
        hook->next->previous = hook->previous;
    } else if (last_hook == hook) {
        last_hook = hook->previous;
    }
    hook->next = NULL;
    hook->previous = NULL;
    dlr_mutex_unlock(&lock);
}
