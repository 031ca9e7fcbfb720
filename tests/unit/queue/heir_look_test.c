/* SPDX-License-Identifier: MIT */
/* Leftovers of many files and owners are looked through in steps. */
#include "heir_fixture.h"

#include "os/map.h"
#include "queue/heir_state.h"

#define MANY (3u * DLR_HEIR_STEP_FILES)

/* A file of one event for each of so many dead owners, or all of one owner. */
static void leave_files(unsigned count, bool has_one_owner)
{
    char name[DLR_JOURNAL_NAME_CAP];

    for (unsigned i = 1; i <= count; i++) {
        segment_file_add(&test.file, "{}", DLR_RECORD_PENDING);
        (void)snprintf(name, sizeof name, "%032x-%08x.seg",
                       has_one_owner ? 1 : i, has_one_owner ? i : 1);
        put(name);
    }
}

/* Looks on without taking anything, and returns in how many steps. */
static unsigned look_to_the_end(uint64_t most_in_a_step)
{
    struct dlr_slice slice;
    unsigned steps = 0;
    uint64_t before = 0;

    dlr_heir_look(test.heir);
    while (read_ledger().recovered > before) {
        assert_true(read_ledger().recovered - before <= most_in_a_step);
        before = read_ledger().recovered;
        steps += 1;
        assert_true(dlr_heir_has_more(test.heir));
        if (dlr_heir_take(test.heir, 1, 1000, &slice)) {
            dlr_heir_mark(dlr_slice_walk(&slice));
            dlr_queue_deliver(&test.rig.queue, &slice, NULL, 0, 0);
        }
        dlr_queue_tidy(&test.rig.queue);
    }
    return steps;
}

static void check_looked_through(unsigned steps_min)
{
    assert_true(look_to_the_end(DLR_HEIR_STEP_FILES) >= steps_min);
    (void)deliver_all();
    assert_int_equal(read_ledger().recovered, MANY);
    assert_int_equal(read_ledger().delivered, MANY);
    assert_int_equal(read_ledger().pending, 0);
}

static void a_step_of_a_look_reads_so_many_files_and_no_more(void **state)
{
    (void)state;
    leave_files(MANY, true);
    check_looked_through(3);
}

static void a_step_of_a_look_takes_so_many_owners_and_no_more(void **state)
{
    (void)state;
    leave_files(MANY, false);
    check_looked_through(3);
}

static void a_step_of_a_look_reads_so_many_bytes_and_one_file_more(void **state)
{
    static char large[60000];
    unsigned files = 2 * (unsigned)(DLR_HEIR_STEP_BYTES / sizeof large);
    char name[DLR_JOURNAL_NAME_CAP];

    (void)state;
    memset(large, ' ', sizeof large - 1);
    large[0] = '{';
    large[sizeof large - 2] = '}';
    for (unsigned i = 1; i <= files; i++) {
        segment_file_add(&test.file, large, DLR_RECORD_PENDING);
        (void)snprintf(name, sizeof name, DEAD "-%08x.seg", i);
        put(name);
    }
    assert_true(look_to_the_end(DLR_HEIR_STEP_BYTES / sizeof large + 1) >= 2);
    assert_int_equal(read_ledger().recovered, files);
}

static void
a_look_that_is_stopped_leaves_the_rest_to_the_next_heir(void **state)
{
    struct dlr_estate estate;
    struct dlr_slice slice;
    uint64_t counted;

    (void)state;
    leave_files(MANY, true);
    dlr_heir_look(test.heir);
    counted = read_ledger().recovered;
    assert_in_range(counted, 1, MANY - 1);
    dlr_heir_stop(test.heir);
    assert_false(dlr_heir_has_more(test.heir));
    assert_false(dlr_heir_take(test.heir, 1, 1000, &slice));
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().recovered, counted);
    assert_int_equal(read_ledger().pending, counted); /* and on the disk */
    dlr_heir_free(test.heir);
    test.heir = dlr_heir_new(&test.journal, &test.rig.queue, INT64_MAX);
    assert_int_equal(dlr_estate_open(test.journal.dir,
                                     "00000000000000000000000000000001",
                                     &estate),
                     0);
    assert_int_equal(estate.file_count, MANY);
    dlr_estate_close(test.journal.dir, &estate);
}

static void
a_second_look_does_not_begin_before_the_first_is_through(void **state)
{
    (void)state;
    leave_files(MANY, false);
    dlr_heir_look(test.heir);
    dlr_heir_look(test.heir);
    assert_in_range(read_ledger().recovered, DLR_HEIR_STEP_FILES / 4,
                    2 * DLR_HEIR_STEP_FILES);
    (void)deliver_all();
    assert_int_equal(read_ledger().delivered, MANY);
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().recovered, MANY);
}

static void no_more_owners_are_held_than_descriptors_may_be_spent(void **state)
{
    struct dlr_slice slices[DLR_HEIR_OWNERS_MAX];
    unsigned taken = 0;

    (void)state;
    leave_files(MANY, false);
    dlr_heir_look(test.heir);
    while (dlr_heir_has_more(test.heir)) {
        assert_true(taken < DLR_HEIR_OWNERS_MAX);
        taken += dlr_heir_take(test.heir, 1, 1000, &slices[taken]) ? 1u : 0u;
    }
    assert_int_equal(taken, DLR_HEIR_OWNERS_MAX);
    assert_int_equal(read_ledger().recovered, DLR_HEIR_OWNERS_MAX);
    while (taken > 0) {
        dlr_queue_deliver(&test.rig.queue, &slices[--taken], NULL, 0, 0);
    }
    dlr_queue_tidy(&test.rig.queue);
    assert_true(dlr_heir_has_more(test.heir)); /* they made place for others */
    (void)deliver_all();
    assert_int_equal(read_ledger().delivered, MANY);
}

static void files_wait_on_the_disk_while_many_are_in_memory(void **state)
{
    const size_t limit = 20 * dlr_map_page_bytes();
    struct dlr_slice slices[40];
    unsigned taken = 0;

    (void)state;
    test.rig.queue.config.memory_bytes = 2 * limit;
    leave_files(MANY, true);
    dlr_heir_look(test.heir);
    while (dlr_heir_has_more(test.heir)) {
        assert_true(taken < 40);
        taken += dlr_heir_take(test.heir, 1, 1000, &slices[taken]) ? 1u : 0u;
        assert_true(test.heir->loaded_bytes <= limit);
    }
    assert_int_equal(taken, 20);
    while (taken > 0) {
        dlr_queue_deliver(&test.rig.queue, &slices[--taken], NULL, 0, 0);
    }
    dlr_queue_tidy(&test.rig.queue);
    (void)deliver_all();
    assert_int_equal(read_ledger().delivered, MANY);
    assert_true(test.heir->loaded_bytes == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_step_of_a_look_reads_so_many_files_and_no_more),
        TEST(a_step_of_a_look_takes_so_many_owners_and_no_more),
        TEST(a_step_of_a_look_reads_so_many_bytes_and_one_file_more),
        TEST(files_wait_on_the_disk_while_many_are_in_memory),
        TEST(a_look_that_is_stopped_leaves_the_rest_to_the_next_heir),
        TEST(a_second_look_does_not_begin_before_the_first_is_through),
        TEST(no_more_owners_are_held_than_descriptors_may_be_spent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
