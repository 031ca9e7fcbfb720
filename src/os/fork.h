/* SPDX-License-Identifier: MIT */
/*
 * Fork: notices that this process is a copy of another one, and tells those
 * who asked. What to do then is left to them.
 */
#ifndef DLR_OS_FORK_H
#define DLR_OS_FORK_H

#include <stdint.h>

/* A number that differs between a process and its forked children, for
 * comparing with one remembered earlier. Costs a load and a compare. Sees also
 * forks that bypass the C library, where the kernel can (Linux 4.14). */
uint64_t dlr_fork_generation(void);

/* Called around fork() on the thread that forks, `before` in the opposite
 * order of registration; each may be NULL. Owned by the caller, who unhooks it
 * before freeing it. */
struct dlr_fork_hook {
    void (*before)(void *self);
    void (*after_in_parent)(void *self);
    void (*after_in_child)(void *self);
    void *self;
    struct dlr_fork_hook *next;     /* the list's own */
    struct dlr_fork_hook *previous; /* the list's own */
};

/* Returns 0 or an errno value. Neither may be called from a hook, nor under a
 * lock that a `before` takes. */
int dlr_fork_add_hook(struct dlr_fork_hook *hook);
void dlr_fork_remove_hook(struct dlr_fork_hook *hook);

#endif
