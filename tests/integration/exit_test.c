/* SPDX-License-Identifier: MIT */
/*
 * Exit: a process may end in any way, from any thread, at any time. What a
 * normal exit leaves time for is delivered; nothing crashes and nothing hangs.
 * Each exit happens in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

/* What a test's own exit must never come near: the exit time-out. */
#define LONG_MS 60000

static struct faultd server;
static struct told told;

static int start(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    faultd_start(&server, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    faultd_stop(&server);
    return 0;
}

/* In a child: a client, and events that nothing but the exit sends. */
static datalyr_client *open_with_events(int64_t count, int64_t exit_timeout_ms)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client = NULL;

    config.flush_at = 10000;
    config.flush_interval_ms = 60000;
    config.exit_timeout_ms = exit_timeout_ms;
    config.timeout_ms = 60000;
    if (datalyr_open(&config, &client, NULL) != DATALYR_OK) {
        _exit(100);
    }
    for (int64_t i = 0; i < count; i++) {
        if (track_one(client, "e", i) != DATALYR_OK) {
            _exit(101);
        }
    }
    return client;
}

static void a_normal_exit_delivers_what_waits(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        (void)open_with_events(200, LONG_MS);
        exit(7);
    }
    assert_int_equal(wait_child(child), 7);
    assert_int_equal(faultd_count(&server, "stored"), 200);
}

static void *exit_elsewhere(void *argument)
{
    (void)argument;
    exit(8);
}

static void an_exit_from_another_thread_delivers_too(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        pthread_t thread;

        (void)open_with_events(200, LONG_MS);
        (void)pthread_create(&thread, NULL, exit_elsewhere, NULL);
        (void)pthread_join(thread, NULL);
        _exit(102);
    }
    assert_int_equal(wait_child(child), 8);
    assert_int_equal(faultd_count(&server, "stored"), 200);
}

static void *track_for_ever(void *argument)
{
    datalyr_client *client = argument;

    for (int64_t i = 0;; i++) {
        (void)track_one(client, "busy", i); /* until the process is gone */
    }
    return NULL;
}

static void threads_may_track_while_the_process_exits(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            datalyr_client *client = open_with_events(10, 1000);
            pthread_t threads[3];

            for (int j = 0; j < 3; j++) {
                (void)pthread_create(&threads[j], NULL, track_for_ever, client);
            }
            exit(9);
        }
        assert_int_equal(wait_child(child), 9);
    }
}

static void a_hung_server_keeps_an_exit_for_its_time_only(void **state)
{
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hang");
    child = fork_child();
    if (child == 0) {
        (void)open_with_events(20, 300);
        exit(10);
    }
    /* The request's time-out is a minute; wait_child() would see it. */
    assert_int_equal(wait_child(child), 10);
    assert_int_equal(faultd_count(&server, "stored"), 0);
}

static void no_time_to_drain_means_no_drain(void **state)
{
    pid_t child;

    (void)state;
    child = fork_child();
    if (child == 0) {
        (void)open_with_events(20, DATALYR_NEVER);
        exit(11);
    }
    assert_int_equal(wait_child(child), 11);
}

static void exit_in_hook(const datalyr_record *events, size_t count,
                         void *user_data)
{
    (void)events;
    (void)count;
    (void)user_data;
    exit(12);
}

static void an_exit_from_a_hook_ends_the_process(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        datalyr_config config = test_config(&server, &told);
        datalyr_client *client = NULL;

        config.hooks.on_delivered = exit_in_hook;
        config.exit_timeout_ms = 500;
        if (datalyr_open(&config, &client, NULL) != DATALYR_OK) {
            _exit(100);
        }
        (void)track_one(client, "e", 0);
        (void)datalyr_flush(client, LONG_MS);
        (void)sleep(LONG_MS / 1000); /* until the hook has ended us */
        _exit(103);
    }
    assert_int_equal(wait_child(child), 12);
    assert_int_equal(faultd_count(&server, "stored"), 1);
}

static void many_clients_share_the_time_of_an_exit(void **state)
{
    int64_t begin_ms = now_ms();
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hang");
    child = fork_child();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            (void)open_with_events(1, 500);
        }
        exit(13);
    }
    assert_int_equal(wait_child(child), 13);
    /* One after the other they would take fifty seconds. */
    assert_in_range(now_ms() - begin_ms, 0, 30000);
}

static void at_once_means_at_once(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        (void)open_with_events(20, LONG_MS);
        _exit(14);
    }
    assert_int_equal(wait_child(child), 14);
    assert_int_equal(faultd_count(&server, "requests"), 0);
}

static datalyr_client *shared;

static void use_after_drain(void)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    if (track_one(shared, "late", 0) != DATALYR_CLOSED ||
        datalyr_stats(shared, &ledger) != DATALYR_OK) {
        _exit(104);
    }
    (void)datalyr_flush(shared, 100);
    (void)datalyr_close(&shared);
}

static void calls_after_the_drain_are_refused_and_safe(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        /* Registered before the library's, it runs after it. */
        if (atexit(use_after_drain) != 0) {
            _exit(105);
        }
        shared = open_with_events(50, LONG_MS);
        exit(15);
    }
    assert_int_equal(wait_child(child), 15);
    assert_int_equal(faultd_count(&server, "stored"), 50);
}

/* The exit drains a client while another thread closes it. */
struct meeting {
    atomic_bool is_draining; /* a hook runs in the exit's drain */
    atomic_bool is_closing;
};

static struct meeting meeting;

static void meet(const datalyr_record *events, size_t count, void *user_data)
{
    (void)events;
    (void)count;
    (void)user_data;
    atomic_store(&meeting.is_draining, true);
    while (!atomic_load(&meeting.is_closing)) {
        (void)usleep(1000);
    }
    (void)usleep(20000); /* into the close, mostly */
}

static void *close_shared(void *argument)
{
    (void)argument;
    while (!atomic_load(&meeting.is_draining)) {
        (void)usleep(1000);
    }
    atomic_store(&meeting.is_closing, true);
    (void)datalyr_close(&shared);
    return NULL;
}

static void a_close_may_meet_the_exit(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            datalyr_config config = test_config(&server, &told);
            pthread_t thread;

            config.hooks.on_delivered = meet;
            config.flush_at = 10000;
            config.flush_interval_ms = 60000;
            if (datalyr_open(&config, &shared, NULL) != DATALYR_OK ||
                track_one(shared, "e", i) != DATALYR_OK ||
                pthread_create(&thread, NULL, close_shared, NULL) != 0) {
                _exit(106);
            }
            (void)alarm(PATIENCE_MS / 1000);
            exit(16);
        }
        assert_int_equal(wait_child(child), 16);
    }
    assert_int_equal(faultd_count(&server, "stored"), 5);
}

/* ---- an exit while another thread is inside a close */

#define IN_FLIGHT 10

/* What the child tells its parent, also after its end. */
static struct told *kept;

static void *close_kept(void *argument)
{
    datalyr_client *client = argument;

    (void)datalyr_close(&client);
    return NULL;
}

/* In a child: exits while a thread closes a client, which waits for a server
 * that takes its time. */
static void exit_during_close(int64_t exit_timeout_ms)
{
    datalyr_config config = test_config(&server, kept);
    datalyr_client *client = NULL;
    pthread_t thread;

    config.exit_timeout_ms = exit_timeout_ms;
    config.timeout_ms = 60000;
    if (datalyr_open(&config, &client, NULL) != DATALYR_OK) {
        _exit(100);
    }
    for (int64_t i = 0; i < IN_FLIGHT; i++) {
        (void)track_one(client, "closing", i);
    }
    faultd_await(&server, "requests", IN_FLIGHT);
    if (pthread_create(&thread, NULL, close_kept, client) != 0) {
        _exit(106);
    }
    (void)usleep(50000); /* into the close, mostly */
    exit(17);
}

static struct told *share_told(void)
{
    void *shared_told = mmap(NULL, sizeof *kept, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(shared_told != MAP_FAILED);
    return shared_told;
}

static void an_exit_waits_for_a_close_that_delivers(void **state)
{
    pid_t child;

    (void)state;
    kept = share_told();
    faultd_set_rules(&server, "delay 500ms");
    child = fork_child();
    if (child == 0) {
        exit_during_close(LONG_MS);
    }
    assert_int_equal(wait_child(child), 17);
    assert_int_equal(faultd_count(&server, "stored"), IN_FLIGHT);
    assert_int_equal(atomic_load(&kept->delivered), IN_FLIGHT);
    (void)munmap(kept, sizeof *kept);
}

static void
a_close_has_the_time_of_the_exit_and_hands_back_the_rest(void **state)
{
    pid_t child;

    (void)state;
    kept = share_told();
    faultd_set_rules(&server, "hang");
    child = fork_child();
    if (child == 0) {
        exit_during_close(300);
    }
    assert_int_equal(wait_child(child), 17);
    assert_int_equal(faultd_count(&server, "stored"), 0);
    assert_int_equal(atomic_load(&kept->dropped[DATALYR_DROP_CLOSE_TIMEOUT]),
                     IN_FLIGHT);
    (void)munmap(kept, sizeof *kept);
}

static void exit_when_closing(const datalyr_record *events, size_t count,
                              datalyr_drop_reason reason, void *user_data)
{
    (void)events;
    (void)count;
    (void)reason;
    (void)user_data;
    exit(18); /* the close waits for this hook, the exit not for the close */
}

static void a_hook_may_exit_while_its_client_is_closed(void **state)
{
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hang");
    child = fork_child();
    if (child == 0) {
        datalyr_config config = test_config(&server, &told);
        datalyr_client *client = NULL;

        config.hooks.on_drop = exit_when_closing;
        config.close_timeout_ms = 50;
        if (datalyr_open(&config, &client, NULL) != DATALYR_OK) {
            _exit(100);
        }
        (void)track_one(client, "e", 0);
        (void)datalyr_close(&client);
        (void)sleep(LONG_MS / 1000); /* until the hook has ended us */
        _exit(107);
    }
    assert_int_equal(wait_child(child), 18);
}

static void exit_at_alarm(int signal)
{
    (void)signal;
    exit(19);
}

static void a_signal_may_end_a_thread_that_closes(void **state)
{
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hang");
    child = fork_child();
    if (child == 0) {
        const struct itimerval in_a_moment = {.it_value.tv_usec = 50000};
        datalyr_client *client = open_with_events(5, 100);

        (void)signal(SIGALRM, exit_at_alarm);
        (void)setitimer(ITIMER_REAL, &in_a_moment, NULL);
        (void)datalyr_close(&client);
        _exit(108);
    }
    assert_int_equal(wait_child(child), 19);
}

#define EXIT_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXIT_TEST(a_normal_exit_delivers_what_waits),
        EXIT_TEST(an_exit_from_another_thread_delivers_too),
        EXIT_TEST(threads_may_track_while_the_process_exits),
        EXIT_TEST(a_hung_server_keeps_an_exit_for_its_time_only),
        EXIT_TEST(no_time_to_drain_means_no_drain),
        EXIT_TEST(an_exit_from_a_hook_ends_the_process),
        EXIT_TEST(many_clients_share_the_time_of_an_exit),
        EXIT_TEST(at_once_means_at_once),
        EXIT_TEST(calls_after_the_drain_are_refused_and_safe),
        EXIT_TEST(a_close_may_meet_the_exit),
        EXIT_TEST(an_exit_waits_for_a_close_that_delivers),
        EXIT_TEST(a_close_has_the_time_of_the_exit_and_hands_back_the_rest),
        EXIT_TEST(a_hook_may_exit_while_its_client_is_closed),
        EXIT_TEST(a_signal_may_end_a_thread_that_closes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
