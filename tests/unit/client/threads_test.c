/* SPDX-License-Identifier: MIT */
/* Many threads on one client: recording, flushing, reading the ledger. What a
 * thread sanitizer has to look at, and every snapshot adds up. */
#include "support/client_rig.h"

#include "os/thread.h"

#include <stdatomic.h>

#define RECORDERS   4
#define EVENTS_EACH 3000

struct world {
    datalyr_client *client;
    atomic_bool should_stop;
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t refused;
    atomic_uint_fast64_t dropped; /* as on_drop was told */
    atomic_uint_fast64_t bad_snapshots;
    datalyr_overflow overflow;
};

static void record_events(void *self)
{
    struct world *world = self;

    for (int i = 0; i < EVENTS_EACH; i++) {
        datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "e",
                               .properties =
                                   DATALYR_OBJECT({"index", DATALYR(i)})};

        if (datalyr_track(world->client, &event) == DATALYR_OK) {
            atomic_fetch_add(&world->accepted, 1);
        } else {
            atomic_fetch_add(&world->refused, 1);
        }
    }
}

static void flush_often(void *self)
{
    struct world *world = self;

    while (!atomic_load(&world->should_stop)) {
        (void)datalyr_flush(world->client, 2);
    }
}

static void read_often(void *self)
{
    struct world *world = self;
    datalyr_buffer buffer = {0};

    while (!atomic_load(&world->should_stop)) {
        datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
        bool is_good =
            datalyr_stats(world->client, &ledger) == DATALYR_OK &&
            ledger.calls == ledger.accepted + datalyr_ledger_refused(&ledger) &&
            ledger.accepted == ledger.delivered +
                                   datalyr_ledger_dropped(&ledger) +
                                   ledger.pending &&
            ledger.in_flight <= ledger.pending && ledger.pending <= 200 &&
            ledger.queue_bytes <= (uint64_t)1 << 20;

        atomic_fetch_add(&world->bad_snapshots, is_good ? 0 : 1);
        (void)datalyr_stats_prometheus(world->client, &buffer);
    }
    datalyr_buffer_free(&buffer);
}

static void count_drop(const datalyr_record *events, size_t count,
                       datalyr_drop_reason reason, void *user_data)
{
    struct world *world = user_data;

    (void)events;
    (void)reason;
    atomic_fetch_add(&world->dropped, count);
}

static void run(datalyr_overflow overflow)
{
    struct world world = {.overflow = overflow};
    datalyr_config config = client_rig_config();
    struct dlr_thread threads[RECORDERS + 3];
    datalyr_ledger last = {DATALYR_LEDGER_INIT};

    memset(threads, 0, sizeof threads);
    config.max_queue_size = 200;
    config.max_queue_bytes = (int64_t)1 << 20;
    config.overflow = overflow;
    config.block_timeout_ms = 1;
    config.hooks.on_drop = count_drop;
    config.hooks.user_data = &world;
    world.client = client_rig_open(&config);
    for (int i = 0; i < RECORDERS + 3; i++) {
        void (*work)(void *) = i < RECORDERS       ? record_events
                               : i < RECORDERS + 2 ? flush_often
                                                   : read_often;

        assert_int_equal(dlr_thread_start(&threads[i], "test", work, &world),
                         0);
    }
    for (int i = 0; i < RECORDERS; i++) {
        dlr_thread_join(&threads[i]);
    }
    atomic_store(&world.should_stop, true);
    for (int i = RECORDERS; i < RECORDERS + 3; i++) {
        dlr_thread_join(&threads[i]);
    }
    (void)datalyr_close_within(&world.client, 0, &last);
    assert_int_equal(atomic_load(&world.bad_snapshots), 0);
    assert_int_equal(last.calls, RECORDERS * EVENTS_EACH);
    assert_int_equal(last.accepted, atomic_load(&world.accepted));
    assert_int_equal(datalyr_ledger_refused(&last),
                     atomic_load(&world.refused));
    assert_int_equal(last.pending, 0);
    assert_int_equal(datalyr_ledger_dropped(&last),
                     atomic_load(&world.dropped));
}

static void the_ledger_adds_up_while_the_oldest_are_dropped(void **state)
{
    (void)state;
    run(DATALYR_DROP_OLDEST);
}

static void the_ledger_adds_up_while_the_new_are_refused(void **state)
{
    (void)state;
    run(DATALYR_REFUSE_NEW);
}

static void each_thread_may_have_its_own_client(void **state)
{
    datalyr_client *clients[64];
    datalyr_config config = client_rig_config();

    (void)state;
    for (int i = 0; i < 64; i++) {
        clients[i] = client_rig_open(&config);
        assert_int_equal(client_rig_track(clients[i]), DATALYR_OK);
    }
    for (int i = 0; i < 64; i++) {
        assert_int_equal(datalyr_close_within(&clients[i], 0, NULL), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ledger_adds_up_while_the_oldest_are_dropped),
        cmocka_unit_test(the_ledger_adds_up_while_the_new_are_refused),
        cmocka_unit_test(each_thread_may_have_its_own_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
