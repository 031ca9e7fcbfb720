/* SPDX-License-Identifier: MIT */
/*
 * Support: a client whose hooks count, and the law.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <inttypes.h>
#include <stdio.h>

static void on_delivered(const datalyr_record *events, size_t count,
                         void *user_data)
{
    struct told *told = user_data;

    (void)events;
    atomic_fetch_add(&told->delivered, count);
}

static void on_drop(const datalyr_record *events, size_t count,
                    datalyr_drop_reason reason, void *user_data)
{
    struct told *told = user_data;

    (void)events;
    atomic_fetch_add(&told->dropped[reason], count);
}

static void on_error(const datalyr_failure *failure, void *user_data)
{
    struct told *told = user_data;

    (void)failure;
    atomic_fetch_add(&told->failures, 1);
}

static void on_log(datalyr_log_level level, const char *message,
                   void *user_data)
{
    struct told *told = user_data;

    if (level <= DATALYR_LOG_WARN) {
        atomic_fetch_add(&told->lines, 1);
        (void)snprintf(told->last_line, sizeof told->last_line, "%s", message);
    }
}

datalyr_hooks told_hooks(struct told *told)
{
    datalyr_hooks hooks = {.on_delivered = on_delivered,
                           .on_drop = on_drop,
                           .on_error = on_error,
                           .on_log = on_log,
                           .user_data = told};

    return hooks;
}

uint64_t told_dropped(const struct told *told)
{
    uint64_t sum = 0;

    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        sum += atomic_load(&told->dropped[i]);
    }
    return sum;
}

datalyr_config test_config(const struct faultd *server, struct told *told)
{
    datalyr_config config = {DATALYR_CONFIG_INIT,
                             .api_key = "dk_test_integration",
                             .host = server->url,
                             .flush_at = 1,
                             .max_requests_per_second = DATALYR_UNLIMITED,
                             .max_queue_size = 10000,
                             .close_timeout_ms = PATIENCE_MS,
                             .hooks = told_hooks(told)};

    return config;
}

datalyr_client *open_client(const datalyr_config *config)
{
    datalyr_client *client = NULL;
    datalyr_error error = {0};

    if (datalyr_open(config, &client, &error) != DATALYR_OK) {
        fail_msg("datalyr_open: %s", error.message);
    }
    return client;
}

datalyr_status track_one(datalyr_client *client, const char *prefix,
                         int64_t number)
{
    char id[128];

    (void)snprintf(id, sizeof id, "%s-%08" PRId64, prefix, number);
    return datalyr_track(
        client, &(datalyr_event){
                    DATALYR_EVENT_INIT,
                    .user_id = "user",
                    .event = "tested",
                    .event_id = id,
                    .properties = DATALYR_OBJECT({"number", DATALYR(number)}),
                });
}

void track_many(datalyr_client *client, const char *prefix, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(track_one(client, prefix, i), DATALYR_OK);
    }
}

void check_law(const datalyr_ledger *ledger)
{
    assert_int_equal(ledger->accepted + datalyr_ledger_refused(ledger),
                     ledger->calls);
    assert_int_equal(ledger->delivered + datalyr_ledger_dropped(ledger) +
                         ledger->pending,
                     ledger->accepted + ledger->recovered);
}

datalyr_ledger close_and_check(datalyr_client **client, struct told *told)
{
    datalyr_ledger last = {DATALYR_LEDGER_INIT};

    (void)datalyr_close_within(client, -1, &last);
    assert_null(*client);
    check_law(&last);
    assert_int_equal(last.pending, 0);
    assert_int_equal(atomic_load(&told->delivered), last.delivered);
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        assert_int_equal(atomic_load(&told->dropped[i]), last.dropped[i]);
    }
    return last;
}
