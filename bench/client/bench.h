/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks of the client share: arguments, clocks, samples, and one
 * line of JSON as result. What is measured is left to the files beside.
 */
#ifndef BENCH_CLIENT_BENCH_H
#define BENCH_CLIENT_BENCH_H

#include <datalyr.h>

/* `name=value` from the command line. Names of settings go to the client; each
 * other name must be asked for by the benchmark. */
struct bench_arguments {
    int count;
    char **words;
    bool is_wrong;
};

int64_t bench_number(struct bench_arguments *arguments, const char *name,
                     int64_t otherwise);
const char *bench_text(struct bench_arguments *arguments, const char *name,
                       const char *otherwise);

/* Applies what else was given to `config`. False after a complaint. */
bool bench_configure(struct bench_arguments *arguments, datalyr_config *config);

/* Opens a client with the settings given. NULL after a complaint. */
datalyr_client *bench_open(const datalyr_config *config);

int64_t bench_now_ns(void);
int64_t bench_cpu_ns(void);    /* of this process */
int64_t bench_thread_ns(void); /* of this thread */

/* Resident memory of this process, now and at its peak. */
int64_t bench_rss_bytes(void);
int64_t bench_peak_rss_bytes(void);

/* One line of JSON on stdout: begin, members, end. */
void bench_begin(const char *name);
void bench_put(const char *name, double value);
void bench_put_text(const char *name, const char *value);
void bench_put_settings(const datalyr_config *config);
void bench_put_ledger(const datalyr_ledger *ledger);
/* p50, p99, p99.9 and max, each with `name` in front. Sorts `samples`. */
void bench_put_samples(const char *name, uint32_t *samples, size_t count);
int bench_end(void);

/* True if both laws of the ledger hold. */
bool bench_ledger_holds(const datalyr_ledger *ledger);

/* The benchmarks; each returns an exit code. */
int bench_enqueue(struct bench_arguments *arguments);
int bench_deliver(struct bench_arguments *arguments);
int bench_memory(struct bench_arguments *arguments);
int bench_life(struct bench_arguments *arguments);
int bench_hung(struct bench_arguments *arguments);
int bench_leave(struct bench_arguments *arguments);
int bench_recover(struct bench_arguments *arguments);
int bench_sync(struct bench_arguments *arguments);
int bench_plain_sync(struct bench_arguments *arguments);

#endif
