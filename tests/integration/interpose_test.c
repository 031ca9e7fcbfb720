/* SPDX-License-Identifier: MIT */
/*
 * A resolver that never answers and a clock that jumps: this program's own
 * getaddrinfo() and clock_gettime() stand before the system's, also for
 * libcurl.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* No deadline in these tests comes near; what ignored its deadline would. */
#define SLACK_MS 20000

static struct faultd server;
static struct told told;
static atomic_int_fast64_t clock_offset_s;
static atomic_int resolving;
static atomic_bool is_resolver_dead;
static sem_t resolver_may_end;

/* Seen by shared libraries, which everything of ours otherwise is not. */
#define INTERPOSED __attribute__((visibility("default")))

INTERPOSED int clock_gettime(clockid_t id, struct timespec *time)
{
    long result = syscall(SYS_clock_gettime, id, time);

    if (result == 0 && id == CLOCK_REALTIME) {
        time->tv_sec += (time_t)atomic_load(&clock_offset_s);
    }
    return (int)result;
}

INTERPOSED int getaddrinfo(const char *node, const char *service,
                           const struct addrinfo *hints,
                           struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    if (atomic_load(&is_resolver_dead)) {
        atomic_fetch_add(&resolving, 1);
        (void)sem_wait(&resolver_may_end);
        (void)sem_post(&resolver_may_end); /* for the next one */
        return EAI_AGAIN;
    }
    memcpy(&real, &symbol, sizeof real);
    return real(node, service, hints, result);
}

static int start(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    atomic_store(&clock_offset_s, 0);
    atomic_store(&resolving, 0);
    assert_int_equal(sem_init(&resolver_may_end, 0, 0), 0);
    faultd_start(&server, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    atomic_store(&is_resolver_dead, false);
    (void)sem_post(&resolver_may_end);
    faultd_stop(&server);
    return 0;
}

static void a_resolver_that_never_answers_breaks_no_deadline(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_client *client;
    int64_t begin_ms;

    (void)state;
    config.host = "http://ingest.example.test/track";
    config.timeout_ms = 60000;
    atomic_store(&is_resolver_dead, true);
    client = open_client(&config);
    track_many(client, "e", 50);
    while (atomic_load(&resolving) == 0) {
        (void)sched_yield();
    }
    begin_ms = now_ms();
    assert_int_equal(datalyr_flush(client, 200), 50);
    assert_in_range(now_ms() - begin_ms, 200, SLACK_MS);
    begin_ms = now_ms();
    assert_int_equal(datalyr_close_within(&client, 200, &last), 50);
    assert_in_range(now_ms() - begin_ms, 200, SLACK_MS);
    check_law(&last);
    assert_int_equal(last.dropped[DATALYR_DROP_CLOSE_TIMEOUT], 50);
    assert_int_equal(told_dropped(&told), 50);
}

static void a_dead_resolver_keeps_no_exit(void **state)
{
    pid_t child = fork_child();
    int64_t begin_ms = now_ms();

    (void)state;
    if (child == 0) {
        datalyr_config config = test_config(&server, &told);
        datalyr_client *client = NULL;

        config.host = "http://ingest.example.test/track";
        config.exit_timeout_ms = 200;
        atomic_store(&is_resolver_dead, true);
        if (datalyr_open(&config, &client, NULL) != DATALYR_OK) {
            _exit(100);
        }
        (void)track_one(client, "e", 0);
        while (atomic_load(&resolving) == 0) {
            (void)sched_yield();
        }
        exit(6);
    }
    assert_int_equal(wait_child(child), 6);
    assert_in_range(now_ms() - begin_ms, 200, SLACK_MS);
}

static void *step_the_clock(void *argument)
{
    atomic_bool *should_stop = argument;
    struct timespec pause = {0, 1000000};

    for (int i = 0; !atomic_load(should_stop); i++) {
        /* An hour ahead, an hour back, 30 years ahead, 1970. */
        static const int64_t steps[] = {3600, -3600, 946080000, -1790000000};

        atomic_store(&clock_offset_s, steps[i % 4]);
        (void)nanosleep(&pause, NULL); /* a shorter one does no harm */
    }
    return NULL;
}

static void steps_of_the_clock_disturb_no_delivery(void **state)
{
    datalyr_config config = test_config(&server, &told);
    atomic_bool should_stop = false;
    datalyr_client *client;
    pthread_t thread;

    (void)state;
    faultd_set_rules(&server, "next 30: 503; delay 1ms");
    assert_int_equal(
        pthread_create(&thread, NULL, step_the_clock, &should_stop), 0);
    client = open_client(&config);
    track_many(client, "e", 500);
    assert_int_equal(datalyr_flush(client, PATIENCE_MS), 0);
    assert_int_equal(close_and_check(&client, &told).delivered, 500);
    atomic_store(&should_stop, true);
    (void)pthread_join(thread, NULL);
    assert_int_equal(faultd_count(&server, "stored"), 500);
    assert_int_equal(faultd_count(&server, "duplicates"), 0);
}

/* Deadlines and pauses go by a clock that nobody sets. */
static void a_step_back_makes_no_wait_longer(void **state)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;
    int64_t begin_ms;

    (void)state;
    faultd_set_rules(&server, "next 1: 503; next 1: 429 retry-after 1");
    client = open_client(&config);
    track_many(client, "e", 1);
    faultd_await(&server, "answered_other", 1);
    atomic_store(&clock_offset_s, -86400);
    begin_ms = now_ms();
    assert_int_equal(datalyr_flush(client, PATIENCE_MS), 0);
    assert_in_range(now_ms() - begin_ms, 0, SLACK_MS);
    faultd_set_rules(&server, "hang");
    track_many(client, "late", 1);
    faultd_await(&server, "requests", 4);
    atomic_store(&clock_offset_s, -172800);
    begin_ms = now_ms();
    assert_int_equal(datalyr_close_within(&client, 200, NULL), 1);
    assert_in_range(now_ms() - begin_ms, 200, SLACK_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_resolver_that_never_answers_breaks_no_deadline),
        TEST(a_dead_resolver_keeps_no_exit),
        TEST(steps_of_the_clock_disturb_no_delivery),
        TEST(a_step_back_makes_no_wait_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
