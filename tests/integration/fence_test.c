/* SPDX-License-Identifier: MIT */
/*
 * Fence: what flush covers when several threads use one client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FLUSHERS 8
#define TRACKERS 4

static struct faultd server;
static struct told told;

static int start(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    faultd_start(&server, (const char *const[]){"--batch", "1000", NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    faultd_stop(&server);
    return 0;
}

struct flushing {
    datalyr_client *client;
    pthread_t thread;
    int64_t result;
};

static void *flush_once(void *argument)
{
    struct flushing *flushing = argument;

    flushing->result = datalyr_flush(flushing->client, PATIENCE_MS);
    return NULL;
}

static void begin_flush(struct flushing *flushing, datalyr_client *client)
{
    flushing->client = client;
    flushing->result = -1;
    assert_int_equal(
        pthread_create(&flushing->thread, NULL, flush_once, flushing), 0);
}

static int64_t end_flush(struct flushing *flushing)
{
    (void)pthread_join(flushing->thread, NULL);
    return flushing->result;
}

/* Nothing but a flush sends here: when events reach the server, it has begun.
 * The one that comes later is not its business. */
static void flush_does_not_wait_for_what_comes_later(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    struct flushing flushing;
    datalyr_client *client;

    (void)state;
    faultd_set_rules(&server, "hold");
    config.flush_at = 1000;
    config.flush_interval_ms = 3600000;
    config.batch = DATALYR_BATCH_NEVER;
    client = open_client(&config);
    track_many(client, "early", 5);
    begin_flush(&flushing, client);
    faultd_await(&server, "held", 5);
    track_many(client, "late", 1);
    faultd_set_rules(&server, "hang");
    faultd_release(&server);
    assert_int_equal(end_flush(&flushing), 0);
    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
    assert_int_equal(ledger.pending, 1);
    faultd_set_rules(&server, "");
    assert_int_equal(close_and_check(&client, &told).delivered, 6);
}

static void many_threads_may_flush_at_once(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct flushing flushing[FLUSHERS];
    datalyr_client *client;

    (void)state;
    faultd_set_rules(&server, "hold");
    client = open_client(&config);
    track_many(client, "e", 5);
    for (int i = 0; i < FLUSHERS; i++) {
        begin_flush(&flushing[i], client);
    }
    faultd_await(&server, "held", 1);
    faultd_set_rules(&server, "");
    faultd_release(&server);
    for (int i = 0; i < FLUSHERS; i++) {
        assert_int_equal(end_flush(&flushing[i]), 0);
    }
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    assert_int_equal(faultd_count(&server, "duplicates"), 0);
}

struct tracking {
    datalyr_client *client;
    pthread_t thread;
    int number;
    atomic_bool *should_stop;
    int64_t count;
};

static void *track_until_told(void *argument)
{
    struct tracking *tracking = argument;
    char prefix[32];

    (void)snprintf(prefix, sizeof prefix, "busy%d", tracking->number);
    while (!atomic_load(tracking->should_stop)) {
        if (track_one(tracking->client, prefix, tracking->count) ==
            DATALYR_OK) {
            tracking->count++;
        }
    }
    return NULL;
}

/* New events never end; a flush that waited for them would not either. */
static void flush_returns_while_others_track_at_full_speed(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct tracking tracking[TRACKERS];
    atomic_bool should_stop = false;
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_client *client;
    int64_t count = 0;

    (void)state;
    config.batch = DATALYR_BATCH_ALWAYS;
    config.flush_at = 500;
    config.overflow = DATALYR_BLOCK;
    client = open_client(&config);
    for (int i = 0; i < TRACKERS; i++) {
        tracking[i] = (struct tracking){
            .client = client, .number = i, .should_stop = &should_stop};
        assert_int_equal(pthread_create(&tracking[i].thread, NULL,
                                        track_until_told, &tracking[i]),
                         0);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(datalyr_flush(client, PATIENCE_MS), 0);
        assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
        check_law(&ledger);
    }
    atomic_store(&should_stop, true);
    for (int i = 0; i < TRACKERS; i++) {
        (void)pthread_join(tracking[i].thread, NULL);
        count += tracking[i].count;
    }
    assert_int_equal(close_and_check(&client, &told).delivered, count);
    assert_int_equal(faultd_count(&server, "stored"), count);
    assert_int_equal(faultd_count(&server, "duplicates"), 0);
}

#define FENCE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FENCE_TEST(flush_does_not_wait_for_what_comes_later),
        FENCE_TEST(many_threads_may_flush_at_once),
        FENCE_TEST(flush_returns_while_others_track_at_full_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
