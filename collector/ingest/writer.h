/* SPDX-License-Identifier: MIT */
/*
 * Writer: the one thread that writes the store. Takes whatever waits, writes it
 * in one transaction, and says so to each sender after the commit.
 */
#ifndef DLD_INGEST_WRITER_H
#define DLD_INGEST_WRITER_H

#include "store/store.h"

#include <datalyr.h>
#include <stdbool.h>

enum dld_job_kind {
    DLD_JOB_APPEND,
    DLD_JOB_RESET,
    DLD_JOB_RETAIN,
    DLD_JOB_CALL,
};

/* One piece of work; lives in the request that asked for it. */
struct dld_job {
    enum dld_job_kind kind;
    uint32_t workspace;
    int64_t before_ms; /* of RETAIN */
    int64_t now_ms;
    /* Of CALL: runs between two commits; what it needs is `self`. */
    datalyr_status (*call)(void *self, datalyr_error *error);
    struct dld_row *rows; /* lent until `done` */
    enum dld_verdict *verdicts;
    size_t row_count;
    size_t rejected; /* counted when the rest is stored */
    /* Called on the writer's thread, outside locks, once. */
    void (*done)(void *self, struct dld_job *job);
    void *self;
    datalyr_status status; /* result, set before `done` */
    uint64_t last_seq;     /* of the store, after the commit */
    struct dld_job *next;
};

struct dld_writer;

struct dld_writer_options {
    struct dld_store *store; /* lent */
    /* Called after each commit that stored something. May be NULL. */
    void (*on_commit)(void *self, uint64_t last_seq);
    void *self;
    /* Called when the store fails. */
    void (*on_failure)(void *log, const datalyr_error *error);
    void *log;
};

struct dld_writer_stats {
    uint64_t commits;
    uint64_t failures; /* of commits */
    uint64_t stored;
    uint64_t commit_us_total;
    uint64_t waiting; /* jobs */
    bool is_recovered;
    datalyr_error last_error;
};

datalyr_status dld_writer_start(const struct dld_writer_options *options,
                                struct dld_writer **out);

/* Hands over a job; `done` follows always. */
void dld_writer_submit(struct dld_writer *writer, struct dld_job *job);

/* Does all jobs that were handed over, then ends. Accepts NULL. */
void dld_writer_stop(struct dld_writer **writer);

void dld_writer_stats(struct dld_writer *writer, struct dld_writer_stats *out);

#endif
