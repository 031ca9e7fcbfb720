/* SPDX-License-Identifier: MIT */
/*
 * Pool: one queue, a few threads.
 */
#include "api/pool.h"

#include "base/mem.h"
#include "os/thread.h"

#define THREADS_MAX 16u

struct dld_pool {
    struct dlr_thread threads[THREADS_MAX];
    uint32_t thread_count;

    struct dlr_mutex lock;
    struct dlr_cond wake;
    struct dld_task *first;
    struct dld_task **last;
    bool is_stopping;
};

static struct dld_task *take(struct dld_pool *pool)
{
    struct dld_task *task;

    dlr_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->is_stopping) {
        dlr_cond_wait(&pool->wake, &pool->lock);
    }
    task = pool->first;
    if (task != NULL) {
        pool->first = task->next;
        if (pool->first == NULL) {
            pool->last = &pool->first;
        }
    }
    dlr_mutex_unlock(&pool->lock);
    return task;
}

static void run(void *self)
{
    struct dld_pool *pool = self;
    struct dld_task *task;

    while ((task = take(pool)) != NULL) {
        task->run(task->self);
    }
}

datalyr_status dld_pool_start(uint32_t thread_count, struct dld_pool **out)
{
    struct dld_pool *pool = dlr_calloc(1, sizeof *pool);

    *out = NULL;
    if (pool == NULL || dlr_mutex_init(&pool->lock) != 0 ||
        dlr_cond_init(&pool->wake) != 0) {
        dlr_free(pool);
        return DATALYR_NOMEM;
    }
    pool->last = &pool->first;
    thread_count = thread_count < THREADS_MAX ? thread_count : THREADS_MAX;
    for (uint32_t i = 0; i < thread_count; i++) {
        if (dlr_thread_start(&pool->threads[i], "dld-reader", run, pool) != 0) {
            dld_pool_stop(&pool);
            return DATALYR_NOMEM;
        }
        pool->thread_count++;
    }
    *out = pool;
    return DATALYR_OK;
}

void dld_pool_submit(struct dld_pool *pool, struct dld_task *task)
{
    task->next = NULL;
    dlr_mutex_lock(&pool->lock);
    *pool->last = task;
    pool->last = &task->next;
    dlr_cond_signal(&pool->wake);
    dlr_mutex_unlock(&pool->lock);
}

void dld_pool_stop(struct dld_pool **pool)
{
    struct dld_pool *old = *pool;

    if (old == NULL) {
        return;
    }
    dlr_mutex_lock(&old->lock);
    old->is_stopping = true;
    dlr_cond_broadcast(&old->wake);
    dlr_mutex_unlock(&old->lock);
    for (uint32_t i = 0; i < old->thread_count; i++) {
        dlr_thread_join(&old->threads[i]);
    }
    dlr_cond_clear(&old->wake);
    dlr_mutex_clear(&old->lock);
    dlr_free(old);
    *pool = NULL;
}
