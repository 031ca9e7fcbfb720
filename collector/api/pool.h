/* SPDX-License-Identifier: MIT */
/*
 * Pool: threads that answer questions to the store, so that a long one does
 * not hold up the connections.
 */
#ifndef DLD_API_POOL_H
#define DLD_API_POOL_H

#include <datalyr.h>
#include <stdint.h>

struct dld_task {
    void (*run)(void *self);
    void *self;
    struct dld_task *next;
};

struct dld_pool;

datalyr_status dld_pool_start(uint32_t thread_count, struct dld_pool **out);
/* The task is the pool's until run() is called. */
void dld_pool_submit(struct dld_pool *pool, struct dld_task *task);
/* Runs what was submitted, then ends. Accepts NULL. */
void dld_pool_stop(struct dld_pool **pool);

#endif
