/* SPDX-License-Identifier: MIT */
/*
 * Hooks: slow ones hurt no caller, they may record events, and what would wait
 * for themselves is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct faultd server;
static struct told told;

struct hooked {
    datalyr_client *client;
    sem_t entered;
    sem_t may_leave;
    atomic_int calls;
    atomic_int_fast64_t bare; /* events told without a body */
    int64_t flush_result;
    int64_t close_result;
    bool is_client_kept;
    atomic_int track_status; /* a datalyr_status */
    datalyr_ledger ledger;
};

static struct hooked hooked;

static int start(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    memset(&hooked, 0, sizeof hooked);
    assert_int_equal(sem_init(&hooked.entered, 0, 0), 0);
    assert_int_equal(sem_init(&hooked.may_leave, 0, 0), 0);
    faultd_start(&server, (const char *const[]){"--batch", "1000", NULL});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)sem_destroy(&hooked.entered);
    (void)sem_destroy(&hooked.may_leave);
    faultd_stop(&server);
    return 0;
}

static void wait_in_hook(const datalyr_record *events, size_t count,
                         void *user_data)
{
    (void)events;
    (void)count;
    (void)user_data;
    if (atomic_fetch_add(&hooked.calls, 1) == 0) {
        (void)sem_post(&hooked.entered);
        (void)sem_wait(&hooked.may_leave);
    }
}

static void a_hook_that_does_not_end_holds_up_no_caller(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_client *client;

    (void)state;
    config.hooks.on_delivered = wait_in_hook;
    client = open_client(&config);
    track_many(client, "first", 1);
    assert_int_equal(sem_wait(&hooked.entered), 0);
    /* The hook waits for us: any call that waited for it would never end. */
    track_many(client, "more", 1000);
    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
    check_law(&ledger);
    assert_int_equal(ledger.accepted, 1001);
    assert_true(datalyr_flush(client, 100) > 0);
    assert_int_equal(sem_post(&hooked.may_leave), 0);
    assert_int_equal(datalyr_flush(client, PATIENCE_MS), 0);
    assert_int_equal(datalyr_close(&client), 0);
    assert_int_equal(faultd_count(&server, "stored"), 1001);
}

static void *leave_later(void *argument)
{
    struct timespec moment = {0, 300000000};

    (void)argument;
    (void)nanosleep(&moment, NULL); /* close is given time to go wrong */
    (void)sem_post(&hooked.may_leave);
    return NULL;
}

static void close_waits_for_the_hook_that_is_running(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    pthread_t thread;

    (void)state;
    config.hooks.on_delivered = wait_in_hook;
    client = open_client(&config);
    track_many(client, "e", 1);
    assert_int_equal(sem_wait(&hooked.entered), 0);
    assert_int_equal(pthread_create(&thread, NULL, leave_later, NULL), 0);
    (void)datalyr_close_within(&client, 0, NULL);
    /* The hook has left, so it was let go before. */
    assert_int_equal(sem_trywait(&hooked.may_leave), -1);
    (void)pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&hooked.calls), 1);
}

static void track_in_hook(const datalyr_record *events, size_t count,
                          void *user_data)
{
    (void)events;
    (void)count;
    (void)user_data;
    if (atomic_fetch_add(&hooked.calls, 1) < 50) {
        hooked.track_status =
            track_one(hooked.client, "from_hook", atomic_load(&hooked.calls));
    }
}

static void a_hook_may_track(void **state)
{
    datalyr_config config = test_config(&server, &told);

    (void)state;
    config.hooks.on_delivered = track_in_hook;
    hooked.client = open_client(&config);
    track_many(hooked.client, "e", 1);
    faultd_await(&server, "stored", 51);
    assert_int_equal(hooked.track_status, DATALYR_OK);
    assert_int_equal(datalyr_close(&hooked.client), 0);
    assert_int_equal(faultd_count(&server, "stored"), 51);
}

/* With a full queue and a policy that waits, a hook that tracks would wait for
 * room that only its own return can make. */
static void a_hook_that_tracks_into_a_full_queue_does_not_hang(void **state)
{
    datalyr_config config = test_config(&server, &told);

    (void)state;
    config.hooks.on_delivered = track_in_hook;
    config.overflow = DATALYR_BLOCK;
    config.block_timeout_ms = 3600000;
    config.max_queue_size = 100;
    hooked.client = open_client(&config);
    track_many(hooked.client, "e", 2000);
    assert_int_equal(datalyr_flush(hooked.client, PATIENCE_MS), 0);
    assert_true(hooked.track_status == DATALYR_OK ||
                hooked.track_status == DATALYR_QUEUE_FULL);
    assert_int_equal(datalyr_close(&hooked.client), 0);
}

static void wait_for_itself(const datalyr_record *events, size_t count,
                            void *user_data)
{
    datalyr_client *client = hooked.client;

    (void)events;
    (void)count;
    (void)user_data;
    hooked.flush_result = datalyr_flush(client, PATIENCE_MS);
    hooked.close_result = datalyr_close(&client);
    hooked.is_client_kept = client == hooked.client;
    hooked.ledger = (datalyr_ledger){DATALYR_LEDGER_INIT};
    (void)datalyr_stats(hooked.client, &hooked.ledger);
    (void)sem_post(&hooked.entered);
}

static void flush_and_close_in_a_hook_return_an_error_at_once(void **state)
{
    datalyr_config config = test_config(&server, &told);

    (void)state;
    config.hooks.on_delivered = wait_for_itself;
    hooked.client = open_client(&config);
    track_many(hooked.client, "e", 1);
    assert_int_equal(sem_wait(&hooked.entered), 0);
    assert_int_equal(hooked.flush_result, -(int64_t)DATALYR_IN_HOOK);
    assert_int_equal(hooked.close_result, -(int64_t)DATALYR_IN_HOOK);
    assert_true(hooked.is_client_kept);
    check_law(&hooked.ledger);
    assert_int_equal(datalyr_close(&hooked.client), 0);
}

static void retrack_dropped(const datalyr_record *events, size_t count,
                            datalyr_drop_reason reason, void *user_data)
{
    (void)reason;
    (void)user_data;
    for (size_t i = 0; i < count; i++) {
        if (events == NULL || events[i].json_len == 0) {
            continue;
        }
        atomic_fetch_add(&hooked.calls, 1);
        atomic_store(
            &hooked.track_status,
            track_one(hooked.client, "again", atomic_load(&hooked.calls)));
    }
}

static void an_on_drop_that_tracks_during_close_is_refused(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_client *client;

    (void)state;
    faultd_set_rules(&server, "hang");
    config.hooks.on_drop = retrack_dropped;
    hooked.client = open_client(&config);
    client = hooked.client;
    track_many(client, "e", 20);
    assert_int_equal(datalyr_close_within(&client, 200, &last), 20);
    assert_int_equal(atomic_load(&hooked.calls), 20);
    assert_int_equal(hooked.track_status, DATALYR_CLOSED);
    check_law(&last);
    assert_int_equal(last.refused[DATALYR_REFUSED_CLOSED], 20);
}

static void wait_in_drop(const datalyr_record *events, size_t count,
                         datalyr_drop_reason reason, void *user_data)
{
    (void)reason;
    wait_in_hook(events, count, user_data);
    atomic_fetch_add(&told.dropped[reason], count);
    if (events == NULL) {
        atomic_fetch_add(&hooked.bare, (int_fast64_t)count);
    }
}

/* Dropped events keep their place until the hook has seen them; when that place
 * is needed, the hook gets a number instead, and the ceiling holds. */
static void an_on_drop_that_does_not_end_breaks_no_ceiling(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_client *client;

    (void)state;
    faultd_set_rules(&server, "hang");
    config.hooks.on_drop = wait_in_drop;
    config.max_queue_size = 100;
    config.max_queue_bytes = 4 << 20;
    client = open_client(&config);
    track_many(client, "first", 200);
    assert_int_equal(sem_wait(&hooked.entered), 0);
    track_many(client, "more", 50000);
    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
    check_law(&ledger);
    assert_int_equal(ledger.accepted, 50200);
    assert_in_range(ledger.pending, 1, 100);
    assert_in_range(ledger.queue_bytes, 1, 4 << 20);
    assert_int_equal(sem_post(&hooked.may_leave), 0);
    (void)datalyr_close_within(&client, 100, &ledger);
    check_law(&ledger);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(told_dropped(&told), datalyr_ledger_dropped(&ledger));
    assert_int_equal(atomic_load(&hooked.bare), ledger.dropped_unreported);
}

static datalyr_decision scrub(const datalyr_record *event,
                              datalyr_replacement *replacement, void *user_data)
{
    char text[256];

    (void)user_data;
    if (strstr(event->json, "\"number\":3}") != NULL) {
        return DATALYR_REFUSE;
    }
    if (strstr(event->json, "\"number\":4}") != NULL) {
        /* Not one JSON object: must not leave, and not as it was. */
        (void)datalyr_replace(replacement, "{\"a\":", 5);
        return DATALYR_REPLACE;
    }
    (void)snprintf(text, sizeof text,
                   "{\"eventId\":\"%s\",\"event\":\"clean\"}", event->event_id);
    return datalyr_replace(replacement, text, strlen(text)) == DATALYR_OK
               ? DATALYR_REPLACE
               : DATALYR_REFUSE;
}

static void before_send_replaces_and_refuses(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    datalyr_ledger last;

    (void)state;
    /* Whatever was not replaced is refused by the server. */
    faultd_set_rules(&server, "reject-name tested");
    config.hooks.before_send = scrub;
    config.batch = DATALYR_BATCH_ALWAYS;
    config.flush_at = 10;
    client = open_client(&config);
    track_many(client, "e", 10);
    last = close_and_check(&client, &told);
    assert_int_equal(last.dropped[DATALYR_DROP_BEFORE_SEND], 2);
    assert_int_equal(last.delivered, 8);
    assert_int_equal(faultd_count(&server, "stored"), 8);
    assert_int_equal(faultd_count(&server, "rejected"), 0);
}

#define HOOK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOOK_TEST(a_hook_that_does_not_end_holds_up_no_caller),
        HOOK_TEST(close_waits_for_the_hook_that_is_running),
        HOOK_TEST(a_hook_may_track),
        HOOK_TEST(a_hook_that_tracks_into_a_full_queue_does_not_hang),
        HOOK_TEST(flush_and_close_in_a_hook_return_an_error_at_once),
        HOOK_TEST(an_on_drop_that_tracks_during_close_is_refused),
        HOOK_TEST(an_on_drop_that_does_not_end_breaks_no_ceiling),
        HOOK_TEST(before_send_replaces_and_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
