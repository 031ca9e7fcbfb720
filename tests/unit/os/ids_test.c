/* SPDX-License-Identifier: MIT */
#include "os/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "os/thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW_MS       INT64_C(1772600767089)
#define IDS_A_THREAD 20000
#define THREAD_COUNT 4

static void ids_have_the_form_of_their_kind(void **state)
{
    char id[DLR_ANONYMOUS_ID_CAP];

    (void)state;
    assert_true(dlr_ids_make_v7(NOW_MS, id));
    assert_int_equal(strlen(id), DLR_UUID_LEN);
    assert_int_equal(id[14], '7');
    assert_memory_equal(id, "019cb741", 3);
    assert_true(dlr_ids_make_v4(id));
    assert_int_equal(id[14], '4');
    assert_true(dlr_ids_make_anonymous(id));
    assert_memory_equal(id, "anon_", 5);
}

struct batch {
    struct dlr_thread thread;
    char (*ids)[DLR_UUID_CAP];
    bool is_good;
};

static void make_batch(void *arg)
{
    struct batch *batch = arg;

    batch->is_good = true;
    for (int i = 0; i < IDS_A_THREAD; i++) {
        batch->is_good =
            dlr_ids_make_v7(NOW_MS, batch->ids[i]) && batch->is_good;
    }
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, DLR_UUID_CAP);
}

static void threads_never_make_the_same_id(void **state)
{
    struct batch batches[THREAD_COUNT] = {0};
    char(*ids)[DLR_UUID_CAP] = calloc(THREAD_COUNT * IDS_A_THREAD, sizeof *ids);

    (void)state;
    assert_non_null(ids);
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        batches[i].ids = ids + i * IDS_A_THREAD;
        assert_int_equal(dlr_thread_start(&batches[i].thread, "maker",
                                          make_batch, &batches[i]),
                         0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        dlr_thread_join(&batches[i].thread);
        assert_true(batches[i].is_good);
        for (int k = 1; k < IDS_A_THREAD; k++) {
            assert_true(strcmp(batches[i].ids[k - 1], batches[i].ids[k]) < 0);
        }
    }
    qsort(ids, THREAD_COUNT * IDS_A_THREAD, sizeof *ids, compare_ids);
    for (size_t i = 1; i < THREAD_COUNT * IDS_A_THREAD; i++) {
        assert_memory_not_equal(ids[i - 1], ids[i], DLR_UUID_CAP);
    }
    free(ids);
}

/* Both sides of a fork have the same bytes in their pools, and the same clock. */
static void forked_child_makes_other_ids_than_its_parent(void **state)
{
    char parent_id[DLR_UUID_CAP];
    char child_id[DLR_UUID_CAP] = "";
    int ends[2];
    pid_t child;

    (void)state;
    assert_true(dlr_ids_make_v4(parent_id)); /* fills the pool */
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        bool is_made = dlr_ids_make_v4(child_id);

        _exit(is_made && write(ends[1], child_id, sizeof child_id) ==
                             (ssize_t)sizeof child_id
                  ? 0
                  : 1);
    }
    assert_true(child > 0);
    assert_true(dlr_ids_make_v4(parent_id));
    assert_int_equal(read(ends[0], child_id, sizeof child_id), sizeof child_id);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(strlen(child_id), DLR_UUID_LEN);
    assert_string_not_equal(parent_id, child_id);
}

struct attempt {
    struct dlr_thread thread;
    bool first_is_made;
    bool second_is_made;
};

static void make_without_memory(void *arg)
{
    struct attempt *attempt = arg;
    char id[DLR_UUID_CAP];

    dlr_mem_set_fail_at(1);
    attempt->first_is_made = dlr_ids_make_v7(NOW_MS, id);
    dlr_mem_set_fail_at(0);
    attempt->second_is_made = dlr_ids_make_v7(NOW_MS, id);
}

static void thread_without_memory_gets_no_id_but_may_try_again(void **state)
{
    struct attempt attempt = {.first_is_made = true};

    (void)state;
    assert_int_equal(dlr_thread_start(&attempt.thread, "poor",
                                      make_without_memory, &attempt),
                     0);
    dlr_thread_join(&attempt.thread);
    assert_false(attempt.first_is_made);
    assert_true(attempt.second_is_made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_the_form_of_their_kind),
        cmocka_unit_test(threads_never_make_the_same_id),
        cmocka_unit_test(forked_child_makes_other_ids_than_its_parent),
        cmocka_unit_test(thread_without_memory_gets_no_id_but_may_try_again),
    };

    return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
