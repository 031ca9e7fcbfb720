/* SPDX-License-Identifier: MIT */
/*
 * deliver: events from the first call until close has delivered the last.
 *
 *     bench deliver host=URL [events=N] [size=small|usual|large]
 *                   [SETTING=VALUE...]
 *
 * The caller is slowed down by overflow=block where it is faster than the
 * network, so nothing is given up and memory stays what the settings say.
 */
#include "bench.h"
#include "work.h"

#include <stdlib.h>

struct times {
    int64_t wall_ns;
    int64_t cpu_ns;
    int64_t track_ns; /* until the last call returned */
};

static struct times since(const struct times *begin)
{
    return (struct times){bench_now_ns() - begin->wall_ns,
                          bench_cpu_ns() - begin->cpu_ns, begin->track_ns};
}

static void report(const struct times *took, int64_t events,
                   const datalyr_ledger *ledger)
{
    double delivered = (double)ledger->delivered;

    bench_put("events", (double)events);
    bench_put("seconds", (double)took->wall_ns / 1e9);
    bench_put("track_seconds", (double)took->track_ns / 1e9);
    bench_put("events_per_second", delivered * 1e9 / (double)took->wall_ns);
    bench_put("cpu_seconds", (double)took->cpu_ns / 1e9);
    bench_put("cpu_seconds_per_million",
              (double)took->cpu_ns / 1e3 / (delivered > 0 ? delivered : 1));
    bench_put("body_bytes_per_event",
              (double)ledger->body_bytes / (delivered > 0 ? delivered : 1));
    bench_put("sent_bytes_per_event",
              (double)ledger->sent_bytes / (delivered > 0 ? delivered : 1));
    bench_put("peak_rss_bytes", (double)bench_peak_rss_bytes());
}

int bench_deliver(struct bench_arguments *arguments)
{
    static struct work work;
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench",
                             .overflow = DATALYR_BLOCK};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int64_t events = bench_number(arguments, "events", 100000);
    int64_t close_ms = bench_number(arguments, "drain_ms", 120000);
    const char *size_name = bench_text(arguments, "size", "usual");
    enum work_size size;
    datalyr_client *client;
    struct times begin;
    struct times took;

    if (!work_read_size(size_name, &size) ||
        !bench_configure(arguments, &config)) {
        return 2;
    }
    work_init(&work, size);
    client = bench_open(&config);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    begin = (struct times){bench_now_ns(), bench_cpu_ns(), 0};
    for (int64_t i = 0; i < events; i++) {
        work_turn(&work, (uint64_t)i);
        (void)datalyr_track(client, &work.event); /* the ledger counts it */
    }
    begin.track_ns = bench_now_ns() - begin.wall_ns;
    (void)datalyr_close_within(&client, close_ms, &ledger);
    took = since(&begin);
    bench_begin("deliver");
    bench_put_text("size", size_name);
    report(&took, events, &ledger);
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    datalyr_config_clear(&config);
    (void)bench_end();
    return bench_ledger_holds(&ledger) && ledger.delivered == (uint64_t)events
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
