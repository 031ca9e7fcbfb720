/* SPDX-License-Identifier: MIT */
/*
 * Job: the heap of those that wait for their next attempt. Each has a time of
 * its own, so that a request that failed does not hold others back.
 */
#include "sender/job.h"

#include "base/mem.h"

static bool is_sooner(const struct dlr_job_heap *heap, const struct dlr_job *a,
                      const struct dlr_job *b)
{
    if (!heap->is_strict && a->next_at_ms != b->next_at_ms) {
        return a->next_at_ms < b->next_at_ms;
    }
    return a->ordinal < b->ordinal;
}

bool dlr_job_heap_reserve(struct dlr_job_heap *heap, size_t count)
{
    size_t cap = heap->cap == 0 ? 64 : heap->cap * 2;
    struct dlr_job **jobs;

    if (count <= heap->cap) {
        return true;
    }
    cap = cap < count ? count : cap;
    jobs = dlr_realloc(heap->jobs, cap * sizeof *jobs);
    if (jobs == NULL) {
        return false;
    }
    heap->jobs = jobs;
    heap->cap = cap;
    return true;
}

static void swap(struct dlr_job_heap *heap, size_t a, size_t b)
{
    struct dlr_job *job = heap->jobs[a];

    heap->jobs[a] = heap->jobs[b];
    heap->jobs[b] = job;
}

static void sift_down(struct dlr_job_heap *heap, size_t at)
{
    for (;;) {
        size_t best = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < heap->count &&
                is_sooner(heap, heap->jobs[child], heap->jobs[best])) {
                best = child;
            }
        }
        if (best == at) {
            return;
        }
        swap(heap, at, best);
        at = best;
    }
}

void dlr_job_heap_push(struct dlr_job_heap *heap, struct dlr_job *job)
{
    size_t at = heap->count++;

    heap->jobs[at] = job;
    while (at > 0 &&
           is_sooner(heap, heap->jobs[at], heap->jobs[(at - 1) / 2])) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

struct dlr_job *dlr_job_heap_first(const struct dlr_job_heap *heap)
{
    return heap->count == 0 ? NULL : heap->jobs[0];
}

struct dlr_job *dlr_job_heap_pop(struct dlr_job_heap *heap)
{
    struct dlr_job *job = dlr_job_heap_first(heap);

    if (job != NULL) {
        heap->count -= 1;
        heap->jobs[0] = heap->jobs[heap->count];
        sift_down(heap, 0);
    }
    return job;
}

void dlr_job_heap_reorder(struct dlr_job_heap *heap)
{
    for (size_t i = heap->count / 2; i > 0; i--) {
        sift_down(heap, i - 1);
    }
}

void dlr_job_place_behind(struct dlr_job *job, struct dlr_job *second)
{
    job->width /= 2;
    second->ordinal = job->ordinal + job->width;
    second->width = job->width;
}

void dlr_job_heap_clear(struct dlr_job_heap *heap)
{
    dlr_free(heap->jobs);
    heap->jobs = NULL;
    heap->count = 0;
    heap->cap = 0;
}
