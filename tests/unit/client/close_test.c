/* SPDX-License-Identifier: MIT */
/* Flush, close and exit: deadlines, hooks, threads. */
#include "support/client_rig.h"

#include "os/clock.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A test that is stopped by this has failed; none waits for it. */
#define FOR_EVER_S 60u

struct seen {
    atomic_uint_fast64_t dropped;
    atomic_uint_fast64_t without_body;
    atomic_uint errors;
    atomic_int_fast64_t flushed;
    atomic_int_fast64_t closed;
    atomic_int tracked;
    datalyr_client *client;
};

static void count_drop(const datalyr_record *events, size_t count,
                       datalyr_drop_reason reason, void *user_data)
{
    struct seen *seen = user_data;

    assert_int_equal(reason, DATALYR_DROP_CLOSE_TIMEOUT);
    atomic_fetch_add(&seen->dropped, count);
    if (events == NULL) {
        atomic_fetch_add(&seen->without_body, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(events[i].json), events[i].json_len);
        assert_non_null(strstr(events[i].json, events[i].event_id));
        assert_int_equal(strlen(events[i].event_id), 36);
    }
}

static void close_hands_back_what_it_could_not_deliver(void **state)
{
    struct seen seen = {0};
    datalyr_config config = client_rig_config();
    datalyr_client *client;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};

    (void)state;
    config.hooks.on_drop = count_drop;
    config.hooks.user_data = &seen;
    client = client_rig_open(&config);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(client_rig_track(client), DATALYR_OK);
    }
    assert_int_equal(datalyr_close_within(&client, 50, &last), 700);
    assert_null(client);
    assert_int_equal(atomic_load(&seen.dropped), 700);
    assert_int_equal(atomic_load(&seen.without_body), 0);
    assert_int_equal(last.dropped[DATALYR_DROP_CLOSE_TIMEOUT], 700);
    assert_int_equal(last.pending, 0);
    assert_int_equal(last.calls, 700);
    assert_int_equal(datalyr_close(&client), 0); /* once more does nothing */
    assert_int_equal(datalyr_close_within(&client, 0, &last), 0);
    assert_int_equal(last.calls, 0); /* and has nothing to tell */
    assert_int_equal(last.size, sizeof last);
}

static void flush_tells_what_is_left_at_its_deadline(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    int64_t before_ms;

    (void)state;
    assert_int_equal(datalyr_flush(client, 5000), 0);
    assert_int_equal(client_rig_track(client), DATALYR_OK);
    assert_int_equal(client_rig_track(client), DATALYR_OK);
    assert_int_equal(datalyr_flush(client, 0), 2);
    before_ms = dlr_clock_monotonic_ms();
    assert_int_equal(datalyr_flush(client, 30), 2);
    assert_true(dlr_clock_monotonic_ms() - before_ms >= 30);
    assert_int_equal(client_rig_ledger(client).pending, 2);
    assert_int_equal(datalyr_close_within(&client, 0, NULL), 2);
}

/* ---- calls from a hook */

static void call_back(const datalyr_failure *failure, void *user_data)
{
    struct seen *seen = user_data;

    (void)failure;
    if (atomic_fetch_add(&seen->errors, 1) == 0) {
        datalyr_client *client = seen->client;

        atomic_store(&seen->flushed, datalyr_flush(client, 60000));
        atomic_store(&seen->closed, datalyr_close(&client));
        atomic_store(&seen->tracked, (int)client_rig_track(seen->client));
        assert_non_null(client);
    }
}

static void flush_and_close_from_a_hook_return_an_error_at_once(void **state)
{
    struct seen seen = {.closed = 1, .tracked = -1};
    datalyr_config config = client_rig_config();
    datalyr_client *client;

    (void)state;
    config.hooks.on_error = call_back;
    config.hooks.user_data = &seen;
    seen.client = client_rig_open(&config);
    assert_int_equal(client_rig_track(seen.client), DATALYR_OK);
    (void)datalyr_flush(seen.client, 0);
    while (atomic_load(&seen.tracked) < 0) {
        (void)usleep(1000);
    }
    client = seen.client;
    assert_int_equal(datalyr_close_within(&client, 0, NULL), 2);
    assert_int_equal(atomic_load(&seen.flushed), -DATALYR_IN_HOOK);
    assert_int_equal(atomic_load(&seen.closed), -DATALYR_IN_HOOK);
    assert_int_equal(atomic_load(&seen.tracked), DATALYR_OK);
}

/* ---- exit */

static void exit_from_hook(const datalyr_failure *failure, void *user_data)
{
    (void)failure;
    (void)user_data;
    exit(7); /* on the library's own thread, which exit would wait for */
}

/* Runs `child` in a process of its own; its exit code. */
static int run_child(void (*child)(void))
{
    pid_t pid;
    int status = 0;

#ifdef __SANITIZE_THREAD__
    skip(); /* it cannot follow threads into a forked child */
#endif
    pid = fork();
    if (pid == 0) {
        (void)alarm(FOR_EVER_S);
        child();
        _exit(99);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void open_and_exit_from_hook(void)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client;

    config.hooks.on_error = exit_from_hook;
    config.exit_timeout_ms = 60000;
    client = client_rig_open(&config);
    (void)client_rig_track(client);
    (void)datalyr_flush(client, 60000);
}

static void a_hook_may_end_the_program(void **state)
{
    (void)state;
    assert_int_equal(run_child(open_and_exit_from_hook), 7);
}

static void open_and_exit(void)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client;

    config.exit_timeout_ms = DATALYR_NEVER;
    client = client_rig_open(&config);
    (void)client_rig_track(client);
    exit(5);
}

static void an_exit_without_close_keeps_its_code(void **state)
{
    (void)state;
    assert_int_equal(run_child(open_and_exit), 5);
}

/* ---- fork */

static datalyr_client *inherited;

static void use_inherited(void)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    if (client_rig_track(inherited) != DATALYR_OK ||
        datalyr_stats(inherited, &ledger) != DATALYR_OK || ledger.calls != 1 ||
        ledger.pending != 1 || datalyr_close_within(&inherited, 0, NULL) != 1) {
        _exit(1);
    }
    _exit(0);
}

static void close_inherited_unused(void)
{
    datalyr_ledger last;

    memset(&last, 0xff, sizeof last);
    last.size = sizeof last;
    if (datalyr_close_within(&inherited, 0, &last) != 0 || inherited != NULL ||
        last.size != sizeof last) {
        _exit(1);
    }
    for (size_t i = sizeof last.size; i < sizeof last; i++) {
        if (((const unsigned char *)&last)[i] != 0) {
            _exit(2);
        }
    }
    _exit(0);
}

static void a_child_starts_with_an_empty_ledger_of_its_own(void **state)
{
    datalyr_config config = client_rig_config();

    (void)state;
    inherited = client_rig_open(&config);
    assert_int_equal(client_rig_track(inherited), DATALYR_OK);
    assert_int_equal(client_rig_track(inherited), DATALYR_OK);
    assert_int_equal(run_child(use_inherited), 0);
    assert_int_equal(run_child(close_inherited_unused), 0);
    assert_int_equal(client_rig_ledger(inherited).pending, 2);
    assert_int_equal(datalyr_close_within(&inherited, 0, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_hands_back_what_it_could_not_deliver),
        cmocka_unit_test(flush_tells_what_is_left_at_its_deadline),
        cmocka_unit_test(flush_and_close_from_a_hook_return_an_error_at_once),
        cmocka_unit_test(a_hook_may_end_the_program),
        cmocka_unit_test(an_exit_without_close_keeps_its_code),
        cmocka_unit_test(a_child_starts_with_an_empty_ledger_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
