/* SPDX-License-Identifier: MIT */
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a thread found out about itself. */
struct finding {
    struct dlr_thread thread;
    sigset_t mask;
    char name[32];
    uint64_t id;
    bool is_current;
};

static void look(void *arg)
{
    struct finding *finding = arg;

    (void)pthread_sigmask(SIG_SETMASK, NULL, &finding->mask);
    (void)pthread_getname_np(pthread_self(), finding->name,
                             sizeof finding->name);
    finding->id = dlr_thread_id();
    finding->is_current = dlr_thread_is_current(&finding->thread);
}

static void thread_blocks_all_but_the_synchronous_signals(void **state)
{
    static const int open[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                               SIGABRT, SIGTRAP, SIGKILL, SIGSTOP};
    struct finding finding = {0};

    (void)state;
    assert_int_equal(
        dlr_thread_start(&finding.thread, "looker", look, &finding), 0);
    dlr_thread_join(&finding.thread);
    for (int signal = 1; signal < 32; signal++) {
        bool is_open = false;

        for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
            is_open = is_open || open[i] == signal;
        }
        assert_int_equal(sigismember(&finding.mask, signal), !is_open);
    }
}

static void starting_a_thread_leaves_the_callers_signals_alone(void **state)
{
    struct finding finding = {0};
    sigset_t before;
    sigset_t after;

    (void)state;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(
        dlr_thread_start(&finding.thread, "looker", look, &finding), 0);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    dlr_thread_join(&finding.thread);
    for (int signal = 1; signal < 32; signal++) {
        assert_int_equal(sigismember(&after, signal),
                         sigismember(&before, signal));
    }
}

static void thread_bears_its_name_cut_to_what_fits(void **state)
{
    struct finding finding = {0};

    (void)state;
    assert_int_equal(dlr_thread_start(&finding.thread,
                                      "datalyr-sender-of-events", look,
                                      &finding),
                     0);
    dlr_thread_join(&finding.thread);
    assert_string_equal(finding.name, "datalyr-sender-");
}

static void thread_knows_itself_and_nobody_else_is_it(void **state)
{
    struct finding finding = {0};

    (void)state;
    assert_int_equal(
        dlr_thread_start(&finding.thread, "looker", look, &finding), 0);
    assert_false(dlr_thread_is_current(&finding.thread));
    dlr_thread_join(&finding.thread);
    assert_true(finding.is_current);
    assert_false(dlr_thread_is_current(&finding.thread));
    assert_true(finding.id != dlr_thread_id());
    assert_int_equal(dlr_thread_id(), getpid()); /* of the main thread */
}

static void joining_no_thread_does_nothing(void **state)
{
    struct finding finding = {0};

    (void)state;
    dlr_thread_join(&finding.thread);
    assert_int_equal(
        dlr_thread_start(&finding.thread, "looker", look, &finding), 0);
    dlr_thread_join(&finding.thread);
    dlr_thread_join(&finding.thread);
    assert_false(finding.thread.is_started);
}

/* Two threads take turns a thousand times. */
struct turns {
    struct dlr_mutex lock;
    struct dlr_cond changed;
    int turn;
    int count;
};

static void take_turns(struct turns *turns, int mine)
{
    for (int i = 0; i < 1000; i++) {
        dlr_mutex_lock(&turns->lock);
        while (turns->turn != mine) {
            dlr_cond_wait(&turns->changed, &turns->lock);
        }
        turns->turn = 1 - mine;
        turns->count++;
        dlr_cond_signal(&turns->changed);
        dlr_mutex_unlock(&turns->lock);
    }
}

static void take_odd_turns(void *arg)
{
    take_turns(arg, 1);
}

static void condition_wakes_the_thread_that_waits(void **state)
{
    struct turns turns = {0};
    struct dlr_thread thread = {0};

    (void)state;
    assert_int_equal(dlr_mutex_init(&turns.lock), 0);
    assert_int_equal(dlr_cond_init(&turns.changed), 0);
    assert_int_equal(dlr_thread_start(&thread, "odd", take_odd_turns, &turns),
                     0);
    take_turns(&turns, 0);
    dlr_thread_join(&thread);
    assert_int_equal(turns.count, 2000);
    dlr_cond_clear(&turns.changed);
    dlr_mutex_clear(&turns.lock);
}

static void wait_without_news_ends_not_before_its_time(void **state)
{
    struct turns turns = {0};
    int64_t deadline_ns = dlr_clock_monotonic_ns() + 2000000;

    (void)state;
    assert_int_equal(dlr_mutex_init(&turns.lock), 0);
    assert_int_equal(dlr_cond_init(&turns.changed), 0);
    dlr_mutex_lock(&turns.lock);
    while (dlr_cond_wait_until_ns(&turns.changed, &turns.lock, deadline_ns)) {
    }
    assert_true(dlr_clock_monotonic_ns() >= deadline_ns);
    /* A moment in the past is over at once. */
    assert_false(dlr_cond_wait_until_ns(&turns.changed, &turns.lock, 1));
    while (dlr_cond_wait_ms(&turns.changed, &turns.lock, 1)) {
    }
    assert_false(dlr_cond_wait_ms(&turns.changed, &turns.lock, 0));
    dlr_mutex_unlock(&turns.lock);
    dlr_cond_clear(&turns.changed);
    dlr_mutex_clear(&turns.lock);
}

static void give_turn(void *arg)
{
    struct turns *turns = arg;

    dlr_mutex_lock(&turns->lock);
    turns->turn = 1;
    dlr_cond_broadcast(&turns->changed);
    dlr_mutex_unlock(&turns->lock);
}

static void endless_wait_ends_with_the_news(void **state)
{
    struct turns turns = {0};
    struct dlr_thread thread = {0};

    (void)state;
    assert_int_equal(dlr_mutex_init(&turns.lock), 0);
    assert_int_equal(dlr_cond_init(&turns.changed), 0);
    assert_int_equal(dlr_thread_start(&thread, "giver", give_turn, &turns), 0);
    dlr_mutex_lock(&turns.lock);
    while (turns.turn == 0) {
        assert_true(dlr_cond_wait_ms(&turns.changed, &turns.lock, UINT64_MAX));
    }
    dlr_mutex_unlock(&turns.lock);
    dlr_thread_join(&thread);
    dlr_cond_clear(&turns.changed);
    dlr_mutex_clear(&turns.lock);
}

static void try_to_lock(void *arg)
{
    struct turns *turns = arg;

    turns->count = dlr_mutex_try_lock(&turns->lock);
}

static void locked_mutex_cannot_be_taken_by_another_thread(void **state)
{
    struct turns turns = {.lock = DLR_MUTEX_INIT, .count = 7};
    struct dlr_thread thread = {0};

    (void)state;
    assert_true(dlr_mutex_try_lock(&turns.lock));
    assert_int_equal(dlr_thread_start(&thread, "taker", try_to_lock, &turns),
                     0);
    dlr_thread_join(&thread);
    dlr_mutex_unlock(&turns.lock);
    assert_int_equal(turns.count, 0);
}

static int once_count;

static void count_once(void)
{
    once_count++;
}

static void once_runs_once(void **state)
{
    struct dlr_once once = DLR_ONCE_INIT;

    (void)state;
    dlr_once_run(&once, count_once);
    dlr_once_run(&once, count_once);
    assert_int_equal(once_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_blocks_all_but_the_synchronous_signals),
        cmocka_unit_test(starting_a_thread_leaves_the_callers_signals_alone),
        cmocka_unit_test(thread_bears_its_name_cut_to_what_fits),
        cmocka_unit_test(thread_knows_itself_and_nobody_else_is_it),
        cmocka_unit_test(joining_no_thread_does_nothing),
        cmocka_unit_test(condition_wakes_the_thread_that_waits),
        cmocka_unit_test(wait_without_news_ends_not_before_its_time),
        cmocka_unit_test(endless_wait_ends_with_the_news),
        cmocka_unit_test(locked_mutex_cannot_be_taken_by_another_thread),
        cmocka_unit_test(once_runs_once),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
