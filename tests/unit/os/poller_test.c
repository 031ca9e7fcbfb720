/* SPDX-License-Identifier: MIT */
#include "os/poller.h"

#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct dlr_poller poller;
    int pair[2];
    struct dlr_poller_ready ready[DLR_POLLER_READY_MAX];
    bool was_woken;
};

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture = (struct fixture){0};
    assert_int_equal(dlr_poller_open(&fixture.poller), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture.pair), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dlr_poller_close(&fixture.poller);
    dlr_poller_close(&fixture.poller); /* a closed one is left alone */
    assert_int_equal(fixture.poller.epoll_fd, -1);
    (void)close(fixture.pair[0]);
    (void)close(fixture.pair[1]);
    return 0;
}

static size_t wait_for(int64_t wait_ms)
{
    return dlr_poller_wait(&fixture.poller, wait_ms, fixture.ready,
                           &fixture.was_woken);
}

static void descriptor_is_reported_while_it_is_ready(void **state)
{
    (void)state;
    assert_int_equal(
        dlr_poller_watch(&fixture.poller, fixture.pair[0], DLR_POLLER_READ, 77),
        0);
    assert_int_equal(wait_for(0), 0);
    assert_int_equal(write(fixture.pair[1], "ab", 2), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wait_for(-1), 1);
        assert_int_equal(fixture.ready[0].fd, fixture.pair[0]);
        assert_int_equal(fixture.ready[0].tag, 77);
        assert_int_equal(fixture.ready[0].what, DLR_POLLER_READ);
        assert_false(fixture.was_woken);
    }
}

static void watching_again_replaces_what_was_asked_for(void **state)
{
    struct dlr_poller *poller = &fixture.poller;

    (void)state;
    assert_int_equal(
        dlr_poller_watch(poller, fixture.pair[0], DLR_POLLER_READ, 1), 0);
    assert_int_equal(dlr_poller_watch(poller, fixture.pair[0],
                                      DLR_POLLER_READ | DLR_POLLER_WRITE, 2),
                     0);
    assert_int_equal(wait_for(-1), 1);
    assert_int_equal(fixture.ready[0].tag, 2);
    assert_int_equal(fixture.ready[0].what, DLR_POLLER_WRITE);
    dlr_poller_unwatch(poller, fixture.pair[0]);
    dlr_poller_unwatch(poller, fixture.pair[0]);
    assert_int_equal(wait_for(0), 0);
    assert_int_not_equal(dlr_poller_watch(poller, -1, DLR_POLLER_READ, 1), 0);
}

static void hang_up_is_reported_as_readable(void **state)
{
    (void)state;
    assert_int_equal(
        dlr_poller_watch(&fixture.poller, fixture.pair[0], DLR_POLLER_READ, 1),
        0);
    (void)close(fixture.pair[1]);
    fixture.pair[1] = dup(fixture.pair[0]);
    assert_int_equal(wait_for(-1), 1);
    assert_true((fixture.ready[0].what & DLR_POLLER_READ) != 0);
}

static void wake_before_the_wait_ends_it_once(void **state)
{
    (void)state;
    dlr_poller_wake(&fixture.poller);
    dlr_poller_wake(&fixture.poller);
    assert_int_equal(wait_for(-1), 0);
    assert_true(fixture.was_woken);
    assert_int_equal(wait_for(0), 0);
    assert_false(fixture.was_woken);
    dlr_poller_wake(&fixture.poller);
    assert_int_equal(wait_for(-1), 0);
    assert_true(fixture.was_woken);
}

#define ROUNDS 20000

static int payload; /* not atomic: the wake orders it */
static atomic_int seen;

static void wake_many_times(void *arg)
{
    (void)arg;
    for (int i = 1; i <= ROUNDS; i++) {
        payload = i;
        dlr_poller_wake(&fixture.poller);
        while (atomic_load(&seen) != i) {
        }
    }
}

static void no_wake_of_another_thread_is_lost(void **state)
{
    struct dlr_thread thread = {0};

    (void)state;
    atomic_store(&seen, 0);
    assert_int_equal(dlr_thread_start(&thread, "waker", wake_many_times, NULL),
                     0);
    for (int i = 1; i <= ROUNDS; i++) {
        do {
            (void)wait_for(-1);
        } while (!fixture.was_woken);
        assert_int_equal(payload, i);
        atomic_store(&seen, i);
    }
    dlr_thread_join(&thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            descriptor_is_reported_while_it_is_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            watching_again_replaces_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hang_up_is_reported_as_readable, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wake_before_the_wait_ends_it_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_wake_of_another_thread_is_lost,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
