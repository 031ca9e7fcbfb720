/* SPDX-License-Identifier: MIT */
/*
 * Scans beside what else is done with a file: it is sealed, and its events go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/thread.h"
#include "store/sqlite.h"
#include "store/sqlite/internal.h"
#include "store/sqlite/parts.h"
#include "support/folder.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static struct test_folder folder;
static struct dld_store store;
static struct dld_partition *partition; /* the first one */

struct scan {
    struct dlr_thread thread;
    dld_visit visit;
    unsigned rows;
    datalyr_status status;
    datalyr_error error;
};

static struct scan late;
static atomic_bool is_file_kept;

/* Sealing comes as far as this. */
static atomic_bool is_disk_ill;
static atomic_uint seals;

datalyr_status
__real_dld_meta_seal_partition(struct dld_sqlite *inside,
                               const struct dld_partition *sealed,
                               datalyr_error *error);
datalyr_status
__wrap_dld_meta_seal_partition(struct dld_sqlite *inside,
                               const struct dld_partition *sealed,
                               datalyr_error *error);

datalyr_status
__wrap_dld_meta_seal_partition(struct dld_sqlite *inside,
                               const struct dld_partition *sealed,
                               datalyr_error *error)
{
    atomic_fetch_add(&seals, 1);
    if (atomic_load(&is_disk_ill)) {
        (void)snprintf(error->message, sizeof error->message, "ill");
        return DATALYR_IO;
    }
    return __real_dld_meta_seal_partition(inside, sealed, error);
}

static void start(uint32_t partition_rows)
{
    struct dld_sqlite_options options = {
        .path = test_folder_path(&folder, "store.db"),
        .partition_rows = partition_rows};
    datalyr_error error;

    assert_int_equal(dld_sqlite_open(&options, &store, &error), DATALYR_OK);
    assert_int_equal(store.recover(store.self, &error), DATALYR_OK);
    partition = ((struct dld_sqlite *)store.self)->partitions[0];
}

static int open_store(void **state)
{
    (void)state;
    assert_true(test_folder_make(&folder));
    start(1);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store.close(store.self);
    test_folder_remove(&folder);
    return 0;
}

static void put(const char *id)
{
    struct dld_row row = {.workspace = 1,
                          .time_ms = 1000,
                          .id = dlr_text_of(id),
                          .user = DLR_TEXT("u"),
                          .name = DLR_TEXT("view"),
                          .doc = DLR_TEXT("{}")};
    enum dld_verdict verdict;
    datalyr_error error;

    assert_int_equal(store.put(store.self, &row, &verdict, &error), DATALYR_OK);
    assert_int_equal(store.commit(store.self, &error), DATALYR_OK);
}

static void await_seal(void)
{
    while (dld_partition_look(partition) != DLD_PARTITION_SEALED) {
        sched_yield();
    }
}

static void run_scan(void *self)
{
    struct scan *scan = self;
    struct dld_scan all = {.workspace = 1,
                           .key = DLD_KEY_USER,
                           .value = DLR_TEXT("u"),
                           .since_ms = DLD_TIME_MIN,
                           .until_ms = DLD_TIME_MAX};

    scan->status =
        store.scan(store.self, &all, scan->visit, scan, &scan->error);
}

static bool count_row(void *self, const struct dld_row *row)
{
    struct scan *scan = self;

    (void)row;
    scan->rows++;
    return true;
}

static bool is_claimed(void)
{
    bool answer;

    dlr_mutex_lock(&partition->guard);
    answer = partition->is_switching;
    dlr_mutex_unlock(&partition->guard);
    return answer;
}

static uint32_t count_holders(void)
{
    struct dld_sqlite *inside = store.self;
    uint32_t holders;

    dlr_mutex_lock(&inside->lock);
    holders = partition->holders;
    dlr_mutex_unlock(&inside->lock);
    return holders;
}

/* Keeps the file until somebody wants it alone and the late scan waits too. */
static bool keep_file(void *self, const struct dld_row *row)
{
    atomic_store(&is_file_kept, true);
    while (!is_claimed()) {
        sched_yield();
    }
    late.visit = count_row;
    late.status = DATALYR_NOMEM;
    (void)dlr_thread_start(&late.thread, "late", run_scan, &late);
    while (late.thread.is_started && count_holders() < 2) {
        sched_yield();
    }
    /* From the list to the file are a few instructions. Too short a wait would
     * prove less, not fail. */
    (void)usleep(20000);
    return count_row(self, row);
}

static void events_that_go_while_a_scan_waits_are_no_error(void **state)
{
    struct scan early = {.visit = keep_file};
    datalyr_error error;

    (void)state;
    put("1");
    await_seal();
    assert_int_equal(dlr_thread_start(&early.thread, "early", run_scan, &early),
                     0);
    while (!atomic_load(&is_file_kept)) {
        sched_yield();
    }
    assert_int_equal(store.drop_before(store.self, 2000, 3000, &error),
                     DATALYR_OK);
    dlr_thread_join(&early.thread);
    dlr_thread_join(&late.thread);
    assert_int_equal(early.status, DATALYR_OK);
    assert_int_equal(early.rows, 1);
    if (late.status != DATALYR_OK) {
        fail_msg("the scan that waited: %s", late.error.message);
    }
    assert_int_equal(late.rows, 0);
}

/* Its sorted keys are in the file then, and more rows follow. */
static void a_seal_that_was_not_entered_is_made_anew(void **state)
{
    struct scan scan = {.visit = count_row};

    (void)state;
    atomic_store(&seals, 0);
    atomic_store(&is_disk_ill, true);
    put("1");
    while (atomic_load(&seals) == 0) {
        sched_yield();
    }
    store.close(store.self);
    start(3);
    assert_int_equal(dld_partition_look(partition), DLD_PARTITION_OPEN);
    run_scan(&scan);
    assert_int_equal(scan.rows, 1);
    put("2");
    put("3");
    atomic_store(&is_disk_ill, false);
    await_seal();
    store.close(store.self);
    start(3);
    assert_int_equal(dld_partition_look(partition), DLD_PARTITION_SEALED);
    scan.rows = 0;
    run_scan(&scan);
    assert_int_equal(scan.status, DATALYR_OK);
    assert_int_equal(scan.rows, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            events_that_go_while_a_scan_waits_are_no_error, open_store,
            close_store),
        cmocka_unit_test_setup_teardown(
            a_seal_that_was_not_entered_is_made_anew, open_store, close_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
