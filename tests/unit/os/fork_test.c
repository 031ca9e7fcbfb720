/* SPDX-License-Identifier: MIT */
#include "os/fork.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/thread.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void generation_stays_the_same_in_one_process(void **state)
{
    uint64_t first = dlr_fork_generation();

    (void)state;
    assert_true(first > 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(dlr_fork_generation() == first);
    }
}

/* Waits for the child of a test, whose exit status says whether it was
 * content. */
static void assert_content(pid_t child)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void child_and_grandchild_have_generations_of_their_own(void **state)
{
    uint64_t mine = dlr_fork_generation();
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        uint64_t childs = dlr_fork_generation();
        pid_t grandchild = fork();
        int status = -1;

        if (grandchild == 0) {
            uint64_t number = dlr_fork_generation();

            _exit(number != mine && number != childs ? 0 : 1);
        }
        (void)waitpid(grandchild, &status, 0);
        _exit(childs != mine && dlr_fork_generation() == childs && status == 0
                  ? 0
                  : 1);
    }
    assert_content(child);
    assert_true(dlr_fork_generation() == mine);
}

/* The child must not go through the C library's fork(): that is the point. */
static void fork_by_a_bare_system_call_is_noticed(void **state)
{
    uint64_t mine = dlr_fork_generation();
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

    (void)state;
    if (child == 0) {
        _exit(dlr_fork_generation() != mine ? 0 : 1);
    }
    assert_content((pid_t)child);
}

static void see_generation(void *arg)
{
    uint64_t *number = arg;

    *number = dlr_fork_generation();
}

static void threads_of_a_child_agree_on_its_generation(void **state)
{
    uint64_t mine = dlr_fork_generation();
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct dlr_thread threads[4] = {0};
        uint64_t numbers[4] = {0};
        bool is_good = true;

        for (int i = 0; i < 4; i++) {
            is_good = dlr_thread_start(&threads[i], "see", see_generation,
                                       &numbers[i]) == 0 &&
                      is_good;
        }
        for (int i = 0; i < 4; i++) {
            dlr_thread_join(&threads[i]);
            is_good = is_good && numbers[i] == dlr_fork_generation();
        }
        _exit(is_good && numbers[0] != mine ? 0 : 1);
    }
    assert_content(child);
}

/* What the hooks did, in order: "b1" is before of the first and so on. */
static char journal[64];

static void add(char what, void *self)
{
    size_t len = strlen(journal);
    const char *name = self;

    journal[len] = what;
    journal[len + 1] = *name;
    journal[len + 2] = '\0';
}

static void note_before(void *self)
{
    add('b', self);
}

static void note_parent(void *self)
{
    add('p', self);
}

static void note_child(void *self)
{
    add('c', self);
}

static void hooks_run_around_fork_in_their_order(void **state)
{
    char names[] = "123";
    struct dlr_fork_hook first = {note_before, note_parent, note_child,
                                  &names[0],   NULL,        NULL};
    struct dlr_fork_hook second = {NULL,      note_parent, NULL,
                                   &names[1], NULL,        NULL};
    struct dlr_fork_hook third = {note_before, NULL, note_child,
                                  &names[2],   NULL, NULL};
    pid_t child;

    (void)state;
    assert_int_equal(dlr_fork_add_hook(&first), 0);
    assert_int_equal(dlr_fork_add_hook(&second), 0);
    assert_int_equal(dlr_fork_add_hook(&third), 0);
    journal[0] = '\0';
    child = fork();
    if (child == 0) {
        _exit(strcmp(journal, "b3b1c1c3") == 0 ? 0 : 1);
    }
    assert_content(child);
    assert_string_equal(journal, "b3b1p1p2");

    dlr_fork_remove_hook(&second);
    dlr_fork_remove_hook(&first);
    journal[0] = '\0';
    child = fork();
    if (child == 0) {
        _exit(strcmp(journal, "b3c3") == 0 ? 0 : 1);
    }
    assert_content(child);
    assert_string_equal(journal, "b3");

    dlr_fork_remove_hook(&third);
    dlr_fork_remove_hook(&third);
    journal[0] = '\0';
    child = fork();
    if (child == 0) {
        /* The list is usable in a child, too. */
        _exit(dlr_fork_add_hook(&first) == 0 && journal[0] == '\0' ? 0 : 1);
    }
    assert_content(child);
    assert_string_equal(journal, "");
}

static uint64_t seen_generation;

static void note_generation(void *self)
{
    (void)self;
    seen_generation = dlr_fork_generation();
}

static void child_hook_sees_the_new_generation(void **state)
{
    struct dlr_fork_hook hook = {.after_in_child = note_generation};
    uint64_t mine = dlr_fork_generation();
    pid_t child;

    (void)state;
    assert_int_equal(dlr_fork_add_hook(&hook), 0);
    child = fork();
    if (child == 0) {
        _exit(seen_generation != mine &&
                      seen_generation == dlr_fork_generation()
                  ? 0
                  : 1);
    }
    dlr_fork_remove_hook(&hook);
    assert_content(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generation_stays_the_same_in_one_process),
        cmocka_unit_test(child_and_grandchild_have_generations_of_their_own),
        cmocka_unit_test(fork_by_a_bare_system_call_is_noticed),
        cmocka_unit_test(threads_of_a_child_agree_on_its_generation),
        cmocka_unit_test(hooks_run_around_fork_in_their_order),
        cmocka_unit_test(child_hook_sees_the_new_generation),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
