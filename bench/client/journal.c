/* SPDX-License-Identifier: MIT */
/*
 * The journal: what it leaves behind, how fast that is taken over, and what
 * waiting for the disk costs.
 *
 *     bench leave host=URL journal_dir=DIR [events=N]
 *         records events and dies by SIGKILL: its only output is the ledger
 *     bench recover host=URL journal_dir=DIR events=N
 *         takes them over: time and memory until the ledger has all of them,
 *         and until all are delivered
 *     bench sync host=URL journal_dir=DIR [events=N] [threads=N]
 *         journal_sync=always, from one or many threads
 *     bench plain_sync path=FILE [events=N]
 *         one thread that writes 700 bytes and calls fdatasync
 */
#include "bench.h"
#include "work.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS  64
#define RECORD_BYTES 700

int bench_leave(struct bench_arguments *arguments)
{
    static struct work work;
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench"};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int64_t events = bench_number(arguments, "events", 100000);
    datalyr_client *client;

    if (!bench_configure(arguments, &config)) {
        return 2;
    }
    client = bench_open(&config);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    work_init(&work, WORK_USUAL);
    for (int64_t i = 0; i < events; i++) {
        work_turn(&work, (uint64_t)i);
        (void)datalyr_track(client, &work.event); /* the ledger counts it */
    }
    (void)datalyr_stats(client, &ledger); /* both arguments are good */
    bench_begin("leave");
    bench_put("events", (double)events);
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    (void)bench_end();
    return kill(getpid(), SIGKILL);
}

/* Waits until the count at `at` in the ledger has reached `events`. */
static bool await(datalyr_client *client, datalyr_ledger *ledger,
                  const uint64_t *count, uint64_t events)
{
    const struct timespec pause = {0, 1000000};
    int64_t end_ns = bench_now_ns() + INT64_C(120000000000);

    do {
        (void)datalyr_stats(client, ledger); /* both arguments are good */
        if (*count >= events) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    } while (bench_now_ns() < end_ns);
    return false;
}

int bench_recover(struct bench_arguments *arguments)
{
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench"};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    uint64_t events = (uint64_t)bench_number(arguments, "events", 100000);
    int64_t base_bytes = bench_rss_bytes();
    int64_t begin_ns = bench_now_ns();
    int64_t opened_ns;
    int64_t counted_ns;
    int64_t delivered_ns;
    datalyr_client *client;
    bool is_whole;

    if (!bench_configure(arguments, &config)) {
        return 2;
    }
    client = bench_open(&config);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    opened_ns = bench_now_ns() - begin_ns;
    is_whole = await(client, &ledger, &ledger.recovered, events);
    counted_ns = bench_now_ns() - begin_ns;
    is_whole = is_whole && await(client, &ledger, &ledger.delivered, events);
    delivered_ns = bench_now_ns() - begin_ns;
    (void)datalyr_close_within(&client, 10000, &ledger);
    bench_begin("recover");
    bench_put("events", (double)events);
    bench_put("open_seconds", (double)opened_ns / 1e9);
    bench_put("recover_seconds", (double)counted_ns / 1e9);
    bench_put("deliver_seconds", (double)delivered_ns / 1e9);
    bench_put("peak_rss_bytes", (double)bench_peak_rss_bytes());
    bench_put("added_peak_bytes",
              (double)(bench_peak_rss_bytes() - base_bytes));
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    datalyr_config_clear(&config);
    (void)bench_end();
    return is_whole && bench_ledger_holds(&ledger) &&
                   ledger.recovered == events && ledger.delivered == events
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

struct writer {
    pthread_t thread;
    datalyr_client *client;
    int64_t events;
    uint64_t first;
};

static void *write_events(void *arg)
{
    struct writer *writer = arg;
    struct work *work = malloc(sizeof *work);

    if (work == NULL) {
        return NULL; /* the ledger will be short of its events */
    }
    work_init(work, WORK_USUAL);
    for (int64_t i = 0; i < writer->events; i++) {
        work_turn(work, writer->first + (uint64_t)i);
        (void)datalyr_track(writer->client, &work->event);
    }
    free(work);
    return NULL;
}

static int64_t write_all(datalyr_client *client, int64_t threads,
                         int64_t events)
{
    static struct writer writers[MAX_THREADS];
    int64_t begin_ns = bench_now_ns();

    for (int64_t i = 0; i < threads; i++) {
        writers[i].client = client;
        writers[i].events = events / threads;
        writers[i].first = (uint64_t)(i * events);
        if (pthread_create(&writers[i].thread, NULL, write_events,
                           &writers[i]) != 0) {
            return -1;
        }
    }
    for (int64_t i = 0; i < threads; i++) {
        (void)pthread_join(writers[i].thread, NULL);
    }
    return bench_now_ns() - begin_ns;
}

int bench_sync(struct bench_arguments *arguments)
{
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench",
                             .journal_sync = DATALYR_SYNC_ALWAYS};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int64_t events = bench_number(arguments, "events", 2000);
    int64_t threads = bench_number(arguments, "threads", 1);
    datalyr_client *client;
    int64_t took_ns;

    if (threads < 1 || threads > MAX_THREADS ||
        !bench_configure(arguments, &config)) {
        return 2;
    }
    client = bench_open(&config);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    events = events / threads * threads;
    took_ns = write_all(client, threads, events);
    /* Not measured, and there may be no server. */
    (void)datalyr_close_within(&client, 10, &ledger);
    bench_begin("sync");
    bench_put("threads", (double)threads);
    bench_put("events", (double)events);
    bench_put("events_per_second", (double)events * 1e9 / (double)took_ns);
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    datalyr_config_clear(&config);
    (void)bench_end();
    return bench_ledger_holds(&ledger) && ledger.accepted == (uint64_t)events
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

int bench_plain_sync(struct bench_arguments *arguments)
{
    const char *path = bench_text(arguments, "path", "plain_sync.tmp");
    int64_t events = bench_number(arguments, "events", 2000);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char record[RECORD_BYTES];
    bool is_written = fd >= 0;
    int64_t begin_ns = bench_now_ns();

    memset(record, 'x', sizeof record);
    for (int64_t i = 0; i < events && is_written; i++) {
        is_written = write(fd, record, sizeof record) == sizeof record &&
                     fdatasync(fd) == 0;
    }
    if (!is_written) {
        perror("bench");
        return EXIT_FAILURE;
    }
    bench_begin("plain_sync");
    bench_put("events", (double)events);
    bench_put("events_per_second",
              (double)events * 1e9 / (double)(bench_now_ns() - begin_ns));
    (void)close(fd);
    (void)unlink(path);
    return bench_end();
}
