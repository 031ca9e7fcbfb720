/* SPDX-License-Identifier: MIT */
/*
 * Memory: any allocation may fail, in turn, and nothing is lost, leaked or
 * crashed by it. The seam is base/mem.h's; libcurl's own allocations are its
 * own business.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* More than any of the sequences below allocates. */
#define MAX_ALLOCATIONS 3000

static struct faultd server;
static struct told told;

static int start(void **state)
{
    (void)state;
    faultd_start(&server, (const char *const[]){"--batch", "1000", "--gzip",
                                                "on", NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    dlr_mem_set_fail_at(0);
    faultd_stop(&server);
    return 0;
}

struct outcome {
    bool was_opened;
    uint64_t accepted;
    datalyr_ledger last;
};

static uint64_t record_all(datalyr_client *client, int64_t round)
{
    uint64_t accepted = 0;
    datalyr_builder *builder = datalyr_builder_new();
    const char *json = "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{"
                       "\"list\":[1,2,{\"a\":null}]}}";

    accepted += track_one(client, "e", round) == DATALYR_OK ? 1U : 0U;
    if (builder != NULL) {
        (void)datalyr_builder_add(builder, "a", datalyr_text("text"));
        (void)datalyr_builder_open_object(builder, "b");
        (void)datalyr_builder_add(builder, "c", DATALYR(99.5));
        (void)datalyr_builder_close(builder);
        accepted += datalyr_group(client, "u", "g", datalyr_built(builder),
                                  NULL) == DATALYR_OK
                        ? 1U
                        : 0U;
        datalyr_builder_free(&builder);
    }
    accepted +=
        datalyr_track_json(client, json, strlen(json), NULL) == DATALYR_OK ? 1U
                                                                           : 0U;
    return accepted;
}

/* A client's whole life, of which any step may be refused for lack of memory,
 * but none may lie about it. */
static struct outcome live(void)
{
    struct outcome outcome = {.last = {DATALYR_LEDGER_INIT}};
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = NULL;
    datalyr_error error;
    datalyr_buffer buffer = {0};

    memset(&told, 0, sizeof told);
    config.batch = DATALYR_BATCH_ALWAYS;
    config.flush_interval_ms = 100;
    (void)datalyr_config_set(&config, "compression", "gzip", &error);
    if (datalyr_open(&config, &client, &error) == DATALYR_OK) {
        outcome.was_opened = true;
        outcome.accepted = record_all(client, 1);
        (void)datalyr_flush(client, PATIENCE_MS);
        (void)datalyr_stats_prometheus(client, &buffer);
        datalyr_buffer_free(&buffer);
        (void)datalyr_close_within(&client, PATIENCE_MS, &outcome.last);
    } else {
        assert_true(error.status == DATALYR_NOMEM ||
                    error.status == DATALYR_IO);
        assert_null(client);
    }
    datalyr_config_clear(&config);
    return outcome;
}

static void check(const struct outcome *outcome)
{
    const datalyr_ledger *last = &outcome->last;

    if (!outcome->was_opened) {
        return;
    }
    check_law(last);
    assert_int_equal(last->accepted, outcome->accepted);
    assert_int_equal(last->pending, 0);
    assert_int_equal(atomic_load(&told.delivered), last->delivered);
    assert_int_equal(told_dropped(&told), datalyr_ledger_dropped(last));
    /* Memory that comes back must find every event still there. */
    assert_int_equal(last->delivered, outcome->accepted);
}

static void each_allocation_may_fail_once(void **state)
{
    uint64_t number = 1;
    uint64_t seen = 0;
    int opened = 0;

    (void)state;
    do {
        struct outcome outcome;

        dlr_mem_set_fail_at(number);
        outcome = live();
        seen = dlr_mem_seen_count();
        dlr_mem_set_fail_at(0);
        check(&outcome);
        opened += outcome.was_opened ? 1 : 0;
        number++;
        assert_true(number < MAX_ALLOCATIONS);
    } while (number <= seen + 1);
    /* The last rounds failed nothing; some of the first could not open. */
    assert_true(opened > 0 && opened < (int)number);
}

/* Memory runs out at some moment and comes back before the close. Few moments:
 * a sender without memory rests for a second. */
static void memory_may_run_out_for_a_while(void **state)
{
    static const uint64_t moments[] = {1, 4, 9, 40};

    (void)state;
    for (size_t m = 0; m < sizeof moments / sizeof moments[0]; m++) {
        datalyr_config config = test_config(&server, &told);
        datalyr_ledger last = {DATALYR_LEDGER_INIT};
        datalyr_client *client;
        uint64_t accepted = 0;

        memset(&told, 0, sizeof told);
        config.batch = DATALYR_BATCH_ALWAYS;
        config.flush_interval_ms = 100;
        client = open_client(&config);
        dlr_mem_set_fail_from(moments[m]);
        for (int i = 0; i < 20; i++) {
            accepted += record_all(client, i);
        }
        (void)datalyr_flush(client, 5);
        dlr_mem_set_fail_at(0);
        (void)datalyr_close_within(&client, PATIENCE_MS, &last);
        check_law(&last);
        assert_int_equal(last.accepted, accepted);
        assert_int_equal(last.delivered, accepted);
        assert_int_equal(atomic_load(&told.delivered), last.delivered);
    }
}

static void track_allocates_nothing_once_it_is_warm(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    uint64_t seen;

    (void)state;
    memset(&told, 0, sizeof told);
    config.flush_at = 100000;
    config.flush_interval_ms = 3600000;
    client = open_client(&config);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(track_one(client, "warm", i), DATALYR_OK);
    }
    dlr_mem_set_fail_at(0);
    seen = dlr_mem_seen_count();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(track_one(client, "e", i), DATALYR_OK);
    }
    assert_int_equal(dlr_mem_seen_count(), seen);
    assert_int_equal(close_and_check(&client, &told).delivered, 110);
}

#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(each_allocation_may_fail_once),
        MEMORY_TEST(memory_may_run_out_for_a_while),
        MEMORY_TEST(track_allocates_nothing_once_it_is_warm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
