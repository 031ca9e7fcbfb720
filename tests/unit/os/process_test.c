/* SPDX-License-Identifier: MIT */
#include "os/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void start_of_this_process_does_not_change(void **state)
{
    uint64_t first = 0;
    uint64_t second = 0;

    (void)state;
    assert_int_equal(dlr_process_id(), getpid());
    assert_true(dlr_process_start_ticks(dlr_process_id(), &first));
    assert_true(first > 0);
    assert_true(dlr_process_start_ticks(dlr_process_id(), &second));
    assert_true(first == second);
}

/* The name stands before the start time, and may look like what follows it. */
static void name_with_brackets_and_spaces_does_not_confuse(void **state)
{
    uint64_t before = 0;
    uint64_t after = 0;

    (void)state;
    assert_true(dlr_process_start_ticks(dlr_process_id(), &before));
    assert_int_equal(prctl(PR_SET_NAME, ") S 1 (2) 3"), 0);
    assert_true(dlr_process_start_ticks(dlr_process_id(), &after));
    assert_true(before == after);
}

static void ended_process_has_no_start(void **state)
{
    uint64_t ticks;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(dlr_process_start_ticks(child, &ticks));
    assert_false(dlr_process_start_ticks(0, &ticks));
    assert_false(dlr_process_start_ticks(-1, &ticks));
}

static void child_starts_not_before_its_parent(void **state)
{
    uint64_t parent_ticks = 0;
    uint64_t child_ticks = 0;
    int ends[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        char byte;

        (void)close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1); /* until we are done */
    }
    assert_true(dlr_process_start_ticks(getpid(), &parent_ticks));
    assert_true(dlr_process_start_ticks(child, &child_ticks));
    (void)close(ends[1]);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(child_ticks >= parent_ticks);
}

static void wiped_argument_keeps_its_length_only(void **state)
{
    char argument[] = "--api-key=dk_secret\0next";

    (void)state;
    dlr_process_wipe_argument(argument);
    assert_string_equal(argument, "*******************");
    assert_string_equal(argument + 20, "next");
}

static void the_mark_of_a_boot_stays_the_same(void **state)
{
    uint32_t mark = dlr_process_boot_mark();

    (void)state;
    if (access("/proc/sys/kernel/random/boot_id", R_OK) != 0) {
        skip();
    }
    assert_int_not_equal(mark, 0);
    assert_int_equal(dlr_process_boot_mark(), mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_of_this_process_does_not_change),
        cmocka_unit_test(name_with_brackets_and_spaces_does_not_confuse),
        cmocka_unit_test(ended_process_has_no_start),
        cmocka_unit_test(child_starts_not_before_its_parent),
        cmocka_unit_test(the_mark_of_a_boot_stays_the_same),
        cmocka_unit_test(wiped_argument_keeps_its_length_only),
    };

    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
