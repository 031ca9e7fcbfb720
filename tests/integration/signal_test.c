/* SPDX-License-Identifier: MIT */
/*
 * Signals: the library's threads take none, it raises none, and it changes
 * nothing about how its host handles them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static struct faultd server;
static struct told told;
static atomic_int pipe_signals;
static atomic_int alarms;

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

/* The mask of blocked signals of a thread, as the system shows it. */
static uint64_t blocked_in(const char *thread)
{
    char path[300];
    char line[256];
    unsigned long long mask = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "SigBlk: %llx", &mask) == 1) {
            break;
        }
    }
    (void)fclose(file);
    return mask;
}

static bool is_blocked(uint64_t mask, int number)
{
    return (mask >> (number - 1) & 1) != 0;
}

static void check_mask(uint64_t mask)
{
    static const int crashes[] = {SIGSEGV, SIGBUS,  SIGFPE,
                                  SIGILL,  SIGABRT, SIGTRAP};
    static const int others[] = {SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGALRM,
                                 SIGUSR1, SIGUSR2, SIGCHLD, SIGPROF, SIGQUIT};

    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        assert_false(is_blocked(mask, crashes[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(is_blocked(mask, others[i]));
    }
}

/* Sanitizers and others have threads of their own; ours are named, and those
 * that they start are named after them. */
static bool is_ours(const char *thread)
{
    char path[300];
    char name[32] = "";
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    if (fgets(name, sizeof name, file) == NULL) {
        name[0] = '\0';
    }
    (void)fclose(file);
    return strncmp(name, "datalyr", 7) == 0;
}

static void our_threads_block_all_but_crashes(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    DIR *tasks;
    const struct dirent *task;
    int ours = 0;

    (void)state;
    faultd_set_rules(&server, "hold");
    client = open_client(&config);
    track_many(client, "e", 3);
    faultd_await(&server, "held", 3);
    tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) {
        if (task->d_name[0] != '.' && is_ours(task->d_name)) {
            check_mask(blocked_in(task->d_name));
            ours++;
        }
    }
    (void)closedir(tasks);
    assert_true(ours >= 1);
    faultd_release(&server);
    assert_int_equal(close_and_check(&client, &told).delivered, 3);
}

static void count_pipe(int number)
{
    (void)number;
    atomic_fetch_add(&pipe_signals, 1);
}

static void sigpipe_is_never_raised(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct sigaction action = {.sa_handler = count_pipe};
    struct sigaction before;
    datalyr_client *client;

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, &action, &before), 0);
    /* Large bodies to a server that resets while they are on their way, and
     * connections that died since they were last used. */
    faultd_set_rules(&server, "30%: reset; 30%: close before-answer; "
                              "close after-answer");
    config.retry_limit = 100;
    config.flush_interval_ms = 1000;
    config.close_timeout_ms = 1000;
    client = open_client(&config);
    track_many(client, "e", 200);
    (void)datalyr_flush(client, 1000);
    faultd_set_rules(&server, "");
    (void)close_and_check(&client, &told);
    assert_int_equal(atomic_load(&pipe_signals), 0);
    assert_true(faultd_count(&server, "unanswered") > 50);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

static void count_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&alarms, 1);
}

static void a_storm_of_signals_disturbs_nothing(void **state)
{
    datalyr_config config = test_config(&server, &told);
    /* No SA_RESTART: every system call that can be interrupted is. */
    struct sigaction action = {.sa_handler = count_alarm};
    struct sigaction before;
    struct itimerval storm = {{0, 200}, {0, 200}};
    struct itimerval calm = {{0, 0}, {0, 0}};
    datalyr_client *client;

    (void)state;
    faultd_set_rules(&server, "delay 2ms; 10%: reset");
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    config.overflow = DATALYR_BLOCK;
    config.max_queue_size = 100;
    assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
    client = open_client(&config);
    track_many(client, "e", 1000);
    while (datalyr_flush(client, PATIENCE_MS) != 0) {
        /* flush keeps its deadline; again until all is settled */
    }
    assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 1000);
    assert_true(atomic_load(&alarms) > 100);
    assert_int_equal(faultd_count(&server, "stored"), 1000);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void the_hosts_handlers_and_mask_stay_as_they_are(void **state)
{
    datalyr_config config = test_config(&server, &told);
    struct sigaction before[NSIG];
    sigset_t mask_before;
    sigset_t mask_after;
    datalyr_client *client;

    (void)state;
    for (int i = 1; i < NSIG; i++) {
        if (sigaction(i, NULL, &before[i]) != 0) {
            memset(&before[i], 0, sizeof before[i]);
        }
    }
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);
    client = open_client(&config);
    track_many(client, "e", 20);
    assert_int_equal(datalyr_flush(client, PATIENCE_MS), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 20);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction after;

        if (sigaction(i, NULL, &after) == 0) {
            assert_ptr_equal(after.sa_handler, before[i].sa_handler);
            assert_int_equal(sigismember(&mask_before, i),
                             sigismember(&mask_after, i));
        }
    }
}

#define SIGNAL_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGNAL_TEST(our_threads_block_all_but_crashes),
        SIGNAL_TEST(sigpipe_is_never_raised),
        SIGNAL_TEST(a_storm_of_signals_disturbs_nothing),
        SIGNAL_TEST(the_hosts_handlers_and_mask_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
