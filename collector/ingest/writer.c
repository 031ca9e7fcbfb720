/* SPDX-License-Identifier: MIT */
/*
 * Writer: group commit.
 *
 * DESIGN
 * A commit costs one wait for the disk, whatever is in it. While the disk is
 * busy with one, the next requests queue up and share the following one: the
 * slower the disk, the larger the groups, and no timer holds anybody back.
 *
 * LOCKING
 * `lock` guards the queue and the numbers. It is never held while the store
 * works or a sender is told.
 */
#include "ingest/writer.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

/* Rows of one transaction. More makes the disk wait shorter by nothing and the
 * first sender of the group wait longer. */
#define GROUP_ROWS_MAX 10000

/* A store that cannot be read at the start, on a full disk say, may be well
 * again soon. */
#define RECOVER_INTERVAL_MS 1000

struct dld_writer {
    struct dld_store *store;
    void (*on_commit)(void *self, uint64_t last_seq);
    void *self;
    void (*on_failure)(void *log, const datalyr_error *error);
    void *log;
    struct dlr_thread thread;

    struct dlr_mutex lock;
    struct dlr_cond wake;
    struct dld_job *first;
    struct dld_job **last;
    struct dld_writer_stats stats;
    bool is_stopping;
};

/* What is no append stands alone: if it fails, nobody else's events are said
 * to have failed. */
static bool fits(const struct dld_job *first, const struct dld_job *job,
                 size_t rows)
{
    return job == first ||
           (first->kind == DLD_JOB_APPEND && job->kind == DLD_JOB_APPEND &&
            (rows == 0 || rows + job->row_count <= GROUP_ROWS_MAX));
}

/* Takes jobs for one transaction; waits for the first. NULL: time to stop. */
static struct dld_job *take_group(struct dld_writer *writer)
{
    struct dld_job *group;
    struct dld_job **end = &group;
    size_t rows = 0;

    dlr_mutex_lock(&writer->lock);
    while (writer->first == NULL && !writer->is_stopping) {
        dlr_cond_wait(&writer->wake, &writer->lock);
    }
    group = writer->first;
    while (*end != NULL && fits(group, *end, rows)) {
        rows += (*end)->row_count;
        writer->stats.waiting--;
        end = &(*end)->next;
    }
    writer->first = *end;
    if (writer->first == NULL) {
        writer->last = &writer->first;
    }
    *end = NULL;
    dlr_mutex_unlock(&writer->lock);
    return group;
}

static datalyr_status append(struct dld_writer *writer, struct dld_job *job,
                             uint64_t *stored, datalyr_error *error)
{
    struct dld_store *store = writer->store;
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < job->row_count && status == DATALYR_OK; i++) {
        status =
            store->put(store->self, &job->rows[i], &job->verdicts[i], error);
        *stored += job->verdicts[i] == DLD_STORED ? 1 : 0;
    }
    return status;
}

static datalyr_status do_job(struct dld_writer *writer, struct dld_job *job,
                             uint64_t *stored, datalyr_error *error)
{
    struct dld_store *store = writer->store;

    switch (job->kind) {
    case DLD_JOB_APPEND:
        return append(writer, job, stored, error);
    case DLD_JOB_RESET:
        return store->reset(store->self, error);
    case DLD_JOB_RETAIN:
        return store->drop_before(store->self, job->before_ms, job->now_ms,
                                  error);
    case DLD_JOB_CALL:
        return job->call(job->self, error);
    }
    return DATALYR_INVALID;
}

static datalyr_status write_group(struct dld_writer *writer,
                                  struct dld_job *group, uint64_t *stored,
                                  datalyr_error *error)
{
    struct dld_store *store = writer->store;
    datalyr_status status = DATALYR_OK;

    for (struct dld_job *job = group; job != NULL && status == DATALYR_OK;
         job = job->next) {
        status = do_job(writer, job, stored, error);
    }
    if (status == DATALYR_OK) {
        status = store->commit(store->self, error);
    }
    if (status != DATALYR_OK) {
        store->rollback(store->self);
    }
    return status;
}

static void count_verdicts(struct dld_writer *writer, const struct dld_job *job)
{
    struct dld_store *store = writer->store;
    uint64_t duplicates = 0;
    uint64_t conflicts = 0;

    for (size_t i = 0; i < job->row_count; i++) {
        duplicates += job->verdicts[i] == DLD_STORED ? 0 : 1;
        conflicts += job->verdicts[i] == DLD_CONFLICT ? 1 : 0;
    }
    store->count_verdicts(store->self, job->workspace, duplicates, conflicts);
    store->count_rejected(store->self, job->workspace, job->rejected);
}

static void tell(struct dld_writer *writer, struct dld_job *group,
                 datalyr_status status)
{
    struct dld_store_stats stats;

    (void)writer->store->stats(writer->store->self, 0, &stats);
    while (group != NULL) {
        struct dld_job *job = group;

        group = job->next; /* `done` may free the job */
        if (status == DATALYR_OK) {
            count_verdicts(writer, job);
        }
        job->status = status;
        job->last_seq = stats.last_seq;
        job->done(job->self, job);
    }
    if (status == DATALYR_OK && writer->on_commit != NULL) {
        writer->on_commit(writer->self, stats.last_seq);
    }
}

static void note(struct dld_writer *writer, datalyr_status status,
                 uint64_t stored, int64_t took_ns, const datalyr_error *error)
{
    dlr_mutex_lock(&writer->lock);
    if (status == DATALYR_OK) {
        writer->stats.commits++;
        writer->stats.stored += stored;
        writer->stats.commit_us_total += (uint64_t)took_ns / 1000;
    } else {
        writer->stats.failures++;
        writer->stats.last_error = *error;
    }
    dlr_mutex_unlock(&writer->lock);
}

static bool recover(struct dld_writer *writer)
{
    datalyr_error error = {0};
    datalyr_status status = writer->store->recover(writer->store->self, &error);

    dlr_mutex_lock(&writer->lock);
    writer->stats.is_recovered = status == DATALYR_OK;
    writer->stats.last_error = error;
    dlr_mutex_unlock(&writer->lock);
    if (status != DATALYR_OK) {
        writer->on_failure(writer->log, &error);
    }
    return status == DATALYR_OK;
}

/* Refuses who waits at the moment. */
static void refuse_waiting(struct dld_writer *writer)
{
    struct dld_job *group;

    dlr_mutex_lock(&writer->lock);
    group = writer->first;
    writer->first = NULL;
    writer->last = &writer->first;
    writer->stats.waiting = 0;
    dlr_mutex_unlock(&writer->lock);
    tell(writer, group, DATALYR_IO);
}

/* Rests before the store is tried again. False: it is time to stop. */
static bool rest(struct dld_writer *writer)
{
    int64_t end_ms = dlr_clock_monotonic_ms() + RECOVER_INTERVAL_MS;
    int64_t left_ms = RECOVER_INTERVAL_MS;
    bool should_go_on;

    dlr_mutex_lock(&writer->lock);
    while (left_ms > 0 && !writer->is_stopping) {
        (void)dlr_cond_wait_ms(&writer->wake, &writer->lock, (uint64_t)left_ms);
        left_ms = end_ms - dlr_clock_monotonic_ms();
    }
    should_go_on = !writer->is_stopping;
    dlr_mutex_unlock(&writer->lock);
    return should_go_on;
}

static void run(void *self)
{
    struct dld_writer *writer = self;
    struct dld_job *group;

    while (!recover(writer)) {
        refuse_waiting(writer);
        if (!rest(writer)) {
            break;
        }
    }
    while ((group = take_group(writer)) != NULL) {
        int64_t start_ns = dlr_clock_monotonic_ns();
        datalyr_error error = {0};
        uint64_t stored = 0;
        datalyr_status status =
            writer->stats.is_recovered
                ? write_group(writer, group, &stored, &error)
                : DATALYR_IO;

        if (status != DATALYR_OK) {
            writer->on_failure(writer->log, &error);
        }
        note(writer, status, stored, dlr_clock_monotonic_ns() - start_ns,
             &error);
        tell(writer, group, status);
    }
}

datalyr_status dld_writer_start(const struct dld_writer_options *options,
                                struct dld_writer **out)
{
    struct dld_writer *writer = dlr_calloc(1, sizeof *writer);

    *out = NULL;
    if (writer == NULL) {
        return DATALYR_NOMEM;
    }
    writer->store = options->store;
    writer->on_commit = options->on_commit;
    writer->self = options->self;
    writer->on_failure = options->on_failure;
    writer->log = options->log;
    writer->last = &writer->first;
    if (dlr_mutex_init(&writer->lock) == 0 &&
        dlr_cond_init(&writer->wake) == 0 &&
        dlr_thread_start(&writer->thread, "dld-writer", run, writer) == 0) {
        *out = writer;
        return DATALYR_OK;
    }
    dlr_free(writer);
    return DATALYR_NOMEM;
}

void dld_writer_submit(struct dld_writer *writer, struct dld_job *job)
{
    job->next = NULL;
    dlr_mutex_lock(&writer->lock);
    *writer->last = job;
    writer->last = &job->next;
    writer->stats.waiting++;
    dlr_cond_signal(&writer->wake);
    dlr_mutex_unlock(&writer->lock);
}

void dld_writer_stop(struct dld_writer **writer)
{
    struct dld_writer *old = *writer;

    if (old == NULL) {
        return;
    }
    dlr_mutex_lock(&old->lock);
    old->is_stopping = true;
    dlr_cond_signal(&old->wake);
    dlr_mutex_unlock(&old->lock);
    dlr_thread_join(&old->thread);
    dlr_cond_clear(&old->wake);
    dlr_mutex_clear(&old->lock);
    dlr_free(old);
    *writer = NULL;
}

void dld_writer_stats(struct dld_writer *writer, struct dld_writer_stats *out)
{
    dlr_mutex_lock(&writer->lock);
    *out = writer->stats;
    dlr_mutex_unlock(&writer->lock);
}
