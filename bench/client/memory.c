/* SPDX-License-Identifier: MIT */
/*
 * memory: what a queued event costs, and what a client adds to a process that
 * uses libcurl already.
 *
 *     bench memory host=URL [events=N] [SETTING=VALUE...]
 *
 * `host` must answer: the first number needs a request that was made, by us
 * and by the client. The events then wait; at the end they are delivered, so
 * that the ledger says how long their JSON is. Then as many again, four times:
 * what the log grows by is the cost of an event without that of the segments
 * that were made ahead.
 */
#include "bench.h"
#include "work.h"

#include <curl/curl.h>
#include <stdlib.h>

static size_t ignore(char *bytes, size_t size, size_t count, void *user_data)
{
    (void)bytes;
    (void)user_data;
    return size * count;
}

/* The process as it is before us: libcurl is loaded and has spoken. */
static bool use_curl(const char *url)
{
    CURL *easy = curl_easy_init();
    bool is_done;

    if (easy == NULL) {
        return false;
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    is_done = curl_easy_perform(easy) == CURLE_OK;
    curl_easy_cleanup(easy);
    return is_done;
}

static int64_t measure_fresh(const datalyr_config *config, struct work *work)
{
    int64_t before = bench_rss_bytes();
    datalyr_client *client = bench_open(config);
    int64_t added;

    if (client == NULL) {
        return -1;
    }
    work_turn(work, 0);
    (void)datalyr_track(client, &work->event);
    (void)datalyr_flush(client, 5000);
    added = bench_rss_bytes() - before;
    return datalyr_close(&client) == 0 ? added : -1;
}

static void queue_events(datalyr_client *client, struct work *work,
                         int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        work_turn(work, (uint64_t)i);
        (void)datalyr_track(client, &work->event); /* the ledger counts it */
    }
}

int bench_memory(struct bench_arguments *arguments)
{
    static struct work work;
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench"};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int64_t events = bench_number(arguments, "events", 100000);
    datalyr_client *client;
    int64_t fresh;
    int64_t before;
    int64_t held;
    int64_t grown;
    int64_t resident;
    double json_bytes;

    if (!bench_configure(arguments, &config)) {
        return 2;
    }
    work_init(&work, WORK_USUAL);
    (void)curl_global_init(CURL_GLOBAL_ALL); /* use_curl() would fail */
    if (!use_curl(config.host)) {
        return EXIT_FAILURE;
    }
    fresh = measure_fresh(&config, &work);
    before = bench_rss_bytes();
    client = bench_open(&config);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    queue_events(client, &work, 0, events);
    resident = bench_rss_bytes();
    (void)datalyr_stats(client, &ledger); /* both arguments are good */
    held = (int64_t)ledger.queue_bytes;
    queue_events(client, &work, events, 5 * events);
    (void)datalyr_stats(client, &ledger);
    grown = (int64_t)ledger.queue_bytes - held;
    (void)datalyr_close_within(&client, 120000, &ledger);
    bench_begin("memory");
    bench_put("events", (double)events);
    bench_put("fresh_client_bytes", (double)fresh);
    bench_put("rss_bytes", (double)resident);
    bench_put("rss_bytes_per_event",
              (double)(resident - before) / (double)events);
    bench_put("held_bytes_per_event", (double)held / (double)events);
    json_bytes = (double)ledger.body_bytes / (double)ledger.delivered;
    bench_put("json_bytes_per_event", json_bytes);
    bench_put("overhead_bytes_per_event",
              (double)grown / (double)(4 * events) - json_bytes);
    bench_put_settings(&config);
    bench_put_ledger(&ledger);
    datalyr_config_clear(&config);
    (void)bench_end();
    return fresh >= 0 && bench_ledger_holds(&ledger) &&
                   ledger.delivered == (uint64_t)(5 * events)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
