/* SPDX-License-Identifier: MIT */
/*
 * enqueue: what one datalyr_track() costs its caller.
 *
 *     bench enqueue host=URL [events=N] [threads=N] [size=small|usual|large]
 *                   [warm=N [deliver_warm=1]] [pause_every=N pause_us=N]
 *                   [SETTING=VALUE...]
 *
 * Each thread records `warm` events that are not counted, then `events` whose
 * every call is timed (p50 and so on; the clock's own cost, clock_ns, is in
 * them), then as many again without a clock (rate and CPU time). deliver_warm=1
 * delivers the warm ones before: the log is empty, and as long as it was.
 */
#include "bench.h"
#include "work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_THREADS 64
#define FLUSH_MS    60000

struct plan {
    datalyr_client *client;
    enum work_size size;
    int64_t events;
    int64_t warm;
    bool delivers_warm;
    int64_t threads;
    int64_t pause_every; /* lets the sender run, as real load does */
    int64_t pause_us;
    pthread_barrier_t barrier;
};

struct caller {
    struct plan *plan;
    pthread_t thread;
    uint64_t first; /* its events are numbered from here */
    uint32_t *samples;
    int64_t loop_cpu_ns;
    int64_t failures;
};

static void rest(const struct plan *plan, int64_t i)
{
    if (plan->pause_every > 0 && i % plan->pause_every == 0) {
        struct timespec pause = {0, plan->pause_us * 1000};

        (void)nanosleep(&pause, NULL);
    }
}

static void record(struct caller *caller, struct work *work, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        work_turn(work, caller->first++);
        if (datalyr_track(caller->plan->client, &work->event) != DATALYR_OK) {
            caller->failures++;
        }
        rest(caller->plan, i);
    }
}

static void record_timed(struct caller *caller, struct work *work)
{
    struct plan *plan = caller->plan;

    for (int64_t i = 0; i < plan->events; i++) {
        int64_t before;
        int64_t took;

        work_turn(work, caller->first++);
        before = bench_now_ns();
        if (datalyr_track(plan->client, &work->event) != DATALYR_OK) {
            caller->failures++;
        }
        took = bench_now_ns() - before;
        caller->samples[i] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
        rest(plan, i);
    }
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct plan *plan = caller->plan;
    struct work *work = malloc(sizeof *work);

    if (work == NULL) {
        caller->failures++;
        return NULL;
    }
    work_init(work, plan->size);
    record(caller, work, plan->warm);
    (void)pthread_barrier_wait(&plan->barrier);
    (void)pthread_barrier_wait(&plan->barrier);
    record_timed(caller, work);
    (void)pthread_barrier_wait(&plan->barrier);
    (void)pthread_barrier_wait(&plan->barrier);
    caller->loop_cpu_ns = bench_thread_ns();
    record(caller, work, plan->events);
    caller->loop_cpu_ns = bench_thread_ns() - caller->loop_cpu_ns;
    (void)pthread_barrier_wait(&plan->barrier);
    free(work);
    return NULL;
}

static uint32_t measure_clock(void)
{
    uint32_t least = UINT32_MAX;

    for (int i = 0; i < 1000; i++) {
        int64_t before = bench_now_ns();
        int64_t took = bench_now_ns() - before;

        least = took < least ? (uint32_t)took : least;
    }
    return least;
}

static bool start_all(struct plan *plan, struct caller *callers,
                      uint32_t *samples)
{
    for (int64_t i = 0; i < plan->threads; i++) {
        callers[i].plan = plan;
        callers[i].samples = samples + i * plan->events;
        callers[i].first = (uint64_t)i * 100000000;
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Runs all callers. Returns the wall time of the loop without a clock. */
static int64_t run(struct plan *plan, struct caller *callers, uint32_t *samples)
{
    int64_t begin_ns;
    int64_t took_ns;

    if (pthread_barrier_init(&plan->barrier, NULL,
                             (unsigned)plan->threads + 1) != 0 ||
        !start_all(plan, callers, samples)) {
        return -1;
    }
    (void)pthread_barrier_wait(&plan->barrier); /* warm */
    if (plan->delivers_warm) {
        (void)datalyr_flush(plan->client, FLUSH_MS);
    }
    (void)pthread_barrier_wait(&plan->barrier);
    (void)pthread_barrier_wait(&plan->barrier); /* timed */
    begin_ns = bench_now_ns();
    (void)pthread_barrier_wait(&plan->barrier);
    (void)pthread_barrier_wait(&plan->barrier); /* without a clock */
    took_ns = bench_now_ns() - begin_ns;
    for (int64_t i = 0; i < plan->threads; i++) {
        (void)pthread_join(callers[i].thread, NULL);
    }
    (void)pthread_barrier_destroy(&plan->barrier);
    return took_ns;
}

static void report(const struct plan *plan, const struct caller *callers,
                   uint32_t *samples, int64_t took_ns)
{
    int64_t cpu_ns = 0;
    int64_t failures = 0;

    for (int64_t i = 0; i < plan->threads; i++) {
        cpu_ns += callers[i].loop_cpu_ns;
        failures += callers[i].failures;
    }
    bench_put("threads", (double)plan->threads);
    bench_put("events", (double)(plan->events * plan->threads));
    bench_put("clock_ns", measure_clock());
    bench_put_samples("", samples, (size_t)(plan->events * plan->threads));
    bench_put("loop_ns", (double)took_ns / (double)plan->events);
    bench_put("loop_cpu_ns",
              (double)cpu_ns / (double)(plan->events * plan->threads));
    bench_put("calls_per_second",
              (double)(plan->events * plan->threads) * 1e9 / (double)took_ns);
    bench_put("failures", (double)failures);
}

int bench_enqueue(struct bench_arguments *arguments)
{
    static struct caller callers[MAX_THREADS];
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench"};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    struct plan plan = {
        .events = bench_number(arguments, "events", 100000),
        .warm = bench_number(arguments, "warm", 20000),
        .delivers_warm = bench_number(arguments, "deliver_warm", 0) != 0,
        .threads = bench_number(arguments, "threads", 1),
        .pause_every = bench_number(arguments, "pause_every", 0),
        .pause_us = bench_number(arguments, "pause_us", 0)};
    int64_t close_ms = bench_number(arguments, "drain_ms", 0);
    const char *size = bench_text(arguments, "size", "usual");
    uint32_t *samples;
    int64_t took_ns;

    if (!work_read_size(size, &plan.size) || plan.threads < 1 ||
        plan.threads > MAX_THREADS || plan.events < 1000 ||
        !bench_configure(arguments, &config)) {
        return 2;
    }
    /* Every page is touched before: its first touch is not the library's. */
    samples = malloc((size_t)(plan.events * plan.threads) * sizeof *samples);
    if (samples == NULL) {
        return EXIT_FAILURE;
    }
    for (int64_t i = 0; i < plan.events * plan.threads; i++) {
        samples[i] = 1;
    }
    plan.client = bench_open(&config);
    if (plan.client == NULL) {
        return EXIT_FAILURE;
    }
    took_ns = run(&plan, callers, samples);
    bench_begin("enqueue");
    bench_put_text("size", size);
    report(&plan, callers, samples, took_ns);
    (void)datalyr_close_within(&plan.client, close_ms, &ledger);
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    free(samples);
    datalyr_config_clear(&config);
    (void)bench_end();
    return took_ns >= 0 && bench_ledger_holds(&ledger) ? EXIT_SUCCESS
                                                       : EXIT_FAILURE;
}
