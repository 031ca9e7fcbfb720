/* SPDX-License-Identifier: MIT */
/*
 * Fork: child and parent both work on, whatever the sender was doing, and no
 * event is sent twice or lost by it. Children report by their exit code: a
 * failed assertion in a child would end in the parent's place in cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHILDREN        50
#define EVENTS_OF_CHILD 1000

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

static bool is_lawful(const datalyr_ledger *ledger)
{
    return ledger->accepted + datalyr_ledger_refused(ledger) == ledger->calls &&
           ledger->delivered + datalyr_ledger_dropped(ledger) +
                   ledger->pending ==
               ledger->accepted + ledger->recovered;
}

/* A child's life: its own events, its own ledger. 0 when all is as it must. */
static int live(datalyr_client *client, const char *prefix, int64_t count)
{
    datalyr_ledger last = {DATALYR_LEDGER_INIT};

    if (datalyr_stats(client, &last) != DATALYR_OK || last.calls != 0 ||
        last.accepted != 0 || last.pending != 0) {
        return 10; /* it began with the parent's events */
    }
    for (int64_t i = 0; i < count; i++) {
        if (track_one(client, prefix, i) != DATALYR_OK) {
            return 11;
        }
    }
    if (datalyr_close_within(&client, PATIENCE_MS, &last) != 0) {
        return 12;
    }
    if (!is_lawful(&last)) {
        return 13;
    }
    return last.accepted == (uint64_t)count &&
                   last.delivered == (uint64_t)count && last.pending == 0
               ? 0
               : 14;
}

static pid_t fork_life(datalyr_client *client, const char *prefix,
                       int64_t count)
{
    pid_t child = fork_child();

    if (child == 0) {
        _exit(live(client, prefix, count));
    }
    return child;
}

static void check_stored(int64_t count)
{
    assert_int_equal(faultd_count(&server, "stored"), count);
    assert_int_equal(faultd_count(&server, "duplicates"), 0);
}

static void child_and_parent_both_work_on(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = open_client(&config);
    pid_t child;

    (void)state;
    track_many(client, "before", 100);
    child = fork_life(client, "child", 100);
    track_many(client, "after", 100);
    assert_int_equal(wait_child(child), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 200);
    check_stored(300);
}

static void fifty_children_deliver_a_thousand_events_each(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = open_client(&config);
    pid_t children[CHILDREN];

    (void)state;
    track_many(client, "parent", 1);
    for (int i = 0; i < CHILDREN; i++) {
        char prefix[32];

        (void)snprintf(prefix, sizeof prefix, "child%d", i);
        children[i] = fork_life(client, prefix, EVENTS_OF_CHILD);
    }
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(wait_child(children[i]), 0);
    }
    assert_int_equal(close_and_check(&client, &told).delivered, 1);
    check_stored(CHILDREN * EVENTS_OF_CHILD + 1);
}

/* Forks in the state that `reach` brings about, lets it end, and holds both
 * ledgers against the server's. */
static void fork_in_state(const char *rules, const char *count_name,
                          int64_t count)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    pid_t child;

    faultd_set_rules(&server, rules);
    client = open_client(&config);
    track_many(client, "parent", 5);
    if (count_name != NULL) {
        faultd_await(&server, count_name, count);
    }
    faultd_set_rules(&server, "");
    child = fork_life(client, "child", 20);
    assert_int_equal(wait_child(child), 0);
    faultd_release(&server);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(25);
}

static void forks_before_anything_was_sent(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    pid_t child;

    (void)state;
    config.flush_at = 1000;
    config.flush_interval_ms = 60000;
    client = open_client(&config);
    track_many(client, "parent", 5);
    child = fork_life(client, "child", 20);
    assert_int_equal(wait_child(child), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(25);
}

static void forks_while_requests_are_on_the_wire(void **state)
{
    (void)state;
    fork_in_state("hold", "held", 5);
}

static void forks_while_events_wait_for_their_retry(void **state)
{
    (void)state;
    fork_in_state("next 5: 503", "answered_other", 5);
}

static void forks_while_the_server_wants_to_be_left_alone(void **state)
{
    (void)state;
    fork_in_state("next 5: 429 retry-after 1", "answered_other", 5);
}

static void forks_after_everything_was_delivered(void **state)
{
    (void)state;
    fork_in_state("", "stored", 5);
}

static void forks_while_the_server_cannot_be_reached(void **state)
{
    (void)state;
    fork_in_state("next 5: reset", "unanswered", 5);
}

struct flushing {
    datalyr_client *client;
    int64_t result;
};

static void *flush_forever(void *argument)
{
    struct flushing *flushing = argument;

    flushing->result = datalyr_flush(flushing->client, PATIENCE_MS);
    return NULL;
}

static void forks_while_another_thread_flushes(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct flushing flushing = {NULL, -1};
    pthread_t thread;
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hold");
    flushing.client = open_client(&config);
    track_many(flushing.client, "parent", 5);
    faultd_await(&server, "held", 5);
    assert_int_equal(pthread_create(&thread, NULL, flush_forever, &flushing),
                     0);
    faultd_set_rules(&server, "");
    child = fork_life(flushing.client, "child", 20);
    assert_int_equal(wait_child(child), 0);
    faultd_release(&server);
    (void)pthread_join(thread, NULL);
    assert_int_equal(flushing.result, 0);
    assert_int_equal(close_and_check(&flushing.client, &told).delivered, 5);
    check_stored(25);
}

/* The C library waits for those who wait on a condition that is destroyed; in a
 * child there are none, but their count is the parent's. */
static void a_child_may_close_while_its_parent_flushes(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct flushing flushing = {NULL, -1};
    pthread_t thread;

    (void)state;
    faultd_set_rules(&server, "hold");
    flushing.client = open_client(&config);
    track_many(flushing.client, "parent", 5);
    faultd_await(&server, "held", 5);
    assert_int_equal(pthread_create(&thread, NULL, flush_forever, &flushing),
                     0);
    /* Some of them while the flush waits. */
    for (int i = 0; i < 20; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            (void)alarm(PATIENCE_MS / 1000);
            _exit(datalyr_close(&flushing.client) == 0 ? 0 : 1);
        }
        assert_int_equal(wait_child(child), 0);
    }
    faultd_release(&server);
    (void)pthread_join(thread, NULL);
    assert_int_equal(close_and_check(&flushing.client, &told).delivered, 5);
    check_stored(5);
}

struct tracking {
    datalyr_client *client;
    atomic_bool should_stop;
    int64_t count;
};

static void *track_until_told(void *argument)
{
    struct tracking *tracking = argument;

    while (!atomic_load(&tracking->should_stop)) {
        if (track_one(tracking->client, "busy", tracking->count) ==
            DATALYR_OK) {
            tracking->count++;
        }
    }
    return NULL;
}

static void forks_while_other_threads_track_at_full_speed(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct tracking tracking = {NULL, false, 0};
    pthread_t thread;
    int children = 30;

    (void)state;
    config.batch = DATALYR_BATCH_ALWAYS;
    config.flush_at = 100;
    config.overflow = DATALYR_BLOCK;
    tracking.client = open_client(&config);
    assert_int_equal(pthread_create(&thread, NULL, track_until_told, &tracking),
                     0);
    for (int i = 0; i < children; i++) {
        char prefix[32];

        (void)snprintf(prefix, sizeof prefix, "child%d", i);
        assert_int_equal(wait_child(fork_life(tracking.client, prefix, 10)), 0);
    }
    atomic_store(&tracking.should_stop, true);
    (void)pthread_join(thread, NULL);
    assert_int_equal(close_and_check(&tracking.client, &told).delivered,
                     tracking.count);
    check_stored(tracking.count + children * 10);
}

static void a_grandchild_has_a_client_of_its_own_too(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = open_client(&config);
    pid_t child;

    (void)state;
    track_many(client, "parent", 5);
    child = fork_child();
    if (child == 0) {
        pid_t grandchild;

        if (track_one(client, "child", 0) != DATALYR_OK) {
            _exit(20);
        }
        grandchild = fork_child();
        if (grandchild == 0) {
            _exit(live(client, "grandchild", 10));
        }
        if (wait_child(grandchild) != 0) {
            _exit(21);
        }
        _exit(datalyr_close(&client) == 0 ? 0 : 22);
    }
    assert_int_equal(wait_child(child), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(16);
}

static void a_child_that_ignores_the_client_sends_nothing(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    pid_t child;

    (void)state;
    config.flush_at = 1000;
    config.flush_interval_ms = 60000;
    client = open_client(&config);
    track_many(client, "parent", 5);
    for (int way = 0; way < 3; way++) {
        child = fork_child();
        if (child == 0) {
            if (way == 0) {
                _exit(0);
            }
            if (way == 1) {
                /* Closing a client it never used settles nothing. */
                _exit(datalyr_close(&client) == 0 ? 0 : 1);
            }
            (void)execl("/bin/true", "true", (char *)NULL);
            _exit(2);
        }
        assert_int_equal(wait_child(child), 0);
        assert_int_equal(faultd_count(&server, "requests"), 0);
    }
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(5);
}

/* A child that keeps the parent's connections would keep them open for the
 * server when the parent goes, and both would write into one stream. */
static void a_child_closes_its_copies_of_the_connections(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = open_client(&config);
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hold");
    track_many(client, "parent", 5);
    faultd_await(&server, "held", 5);
    assert_true(count_sockets() >= 5);
    child = fork_child();
    if (child == 0) {
        _exit(count_sockets());
    }
    assert_int_equal(wait_child(child), 0);
    assert_true(count_sockets() >= 5);
    faultd_release(&server);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(5);
}

/* Some programs fork behind the C library's back; handlers do not run then. */
static void a_fork_behind_the_c_library_is_noticed(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    long child;

    (void)state;
    config.flush_at = 1000;
    config.flush_interval_ms = 60000;
    client = open_client(&config);
    track_many(client, "parent", 5);
    child = syscall(SYS_clone, 17L /* SIGCHLD */, NULL, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        _exit(live(client, "child", 10));
    }
    assert_int_equal(wait_child((pid_t)child), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(15);
}

static void with_a_journal_each_process_has_files_of_its_own(void **state)
{
    datalyr_config config = test_config(&server, &told);
    char folder[] = "/tmp/datalyr-fork-XXXXXX";
    datalyr_client *client;
    pid_t children[5];

    (void)state;
    assert_non_null(mkdtemp(folder));
    config.journal_dir = folder;
    faultd_set_rules(&server, "hold");
    client = open_client(&config);
    track_many(client, "parent", 5);
    faultd_await(&server, "held", 1);
    faultd_set_rules(&server, "");
    for (int i = 0; i < 5; i++) {
        char prefix[32];

        (void)snprintf(prefix, sizeof prefix, "child%d", i);
        children[i] = fork_life(client, prefix, 200);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(wait_child(children[i]), 0);
    }
    faultd_release(&server);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(1005);
    remove_folder(folder);
}

static void a_child_that_exits_normally_drains_what_it_tracked(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    pid_t child;

    (void)state;
    config.flush_at = 1000;
    config.flush_interval_ms = 60000;
    client = open_client(&config);
    track_many(client, "parent", 5);
    child = fork_child();
    if (child == 0) {
        for (int i = 0; i < 10; i++) {
            (void)track_one(client, "child", i); /* counted by the server */
        }
        exit(0);
    }
    assert_int_equal(wait_child(child), 0);
    assert_int_equal(faultd_count(&server, "stored"), 10);
    assert_int_equal(close_and_check(&client, &told).delivered, 5);
    check_stored(15);
}

#define FORK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORK_TEST(child_and_parent_both_work_on),
        FORK_TEST(fifty_children_deliver_a_thousand_events_each),
        FORK_TEST(forks_before_anything_was_sent),
        FORK_TEST(forks_while_requests_are_on_the_wire),
        FORK_TEST(forks_while_events_wait_for_their_retry),
        FORK_TEST(forks_while_the_server_wants_to_be_left_alone),
        FORK_TEST(forks_after_everything_was_delivered),
        FORK_TEST(forks_while_the_server_cannot_be_reached),
        FORK_TEST(forks_while_another_thread_flushes),
        FORK_TEST(a_child_may_close_while_its_parent_flushes),
        FORK_TEST(forks_while_other_threads_track_at_full_speed),
        FORK_TEST(a_grandchild_has_a_client_of_its_own_too),
        FORK_TEST(a_child_that_ignores_the_client_sends_nothing),
        FORK_TEST(a_child_closes_its_copies_of_the_connections),
        FORK_TEST(a_fork_behind_the_c_library_is_noticed),
        FORK_TEST(with_a_journal_each_process_has_files_of_its_own),
        FORK_TEST(a_child_that_exits_normally_drains_what_it_tracked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
