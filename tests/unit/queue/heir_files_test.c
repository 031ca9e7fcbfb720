/* SPDX-License-Identifier: MIT */
/* What an heir makes of files, whole, damaged and changing under its hands. */
#include "heir_fixture.h"

#include <errno.h>
#include <sys/resource.h>

static void pending_records_are_counted_and_sent_in_order(void **state)
{
    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{2}", DLR_RECORD_DONE);
    segment_file_add(&test.file, "{3}", DLR_RECORD_DEAD + 1);
    segment_file_add(&test.file, "{4}", DLR_RECORD_PENDING);
    put(FIRST);
    segment_file_add(&test.file, "{5}", DLR_RECORD_PENDING);
    put(NEXT);
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().recovered, 3);
    assert_int_equal(read_ledger().pending, 3);
    assert_string_equal(deliver_all(), "{1}{4}{5}");
    assert_int_equal(read_ledger().delivered, 3);
    assert_false(is_there(FIRST));
    assert_false(is_there(NEXT));
    assert_false(is_there(DEAD ".lock"));
}

static void what_was_delivered_is_marked_in_the_file(void **state)
{
    static const uint32_t rejected = 1;
    struct dlr_slice slice;

    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{2}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{3}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_true(dlr_heir_take(test.heir, 3, 1000, &slice));
    dlr_heir_mark(dlr_slice_walk_except(&slice, &rejected, 1));
    dlr_queue_deliver(&test.rig.queue, &slice, &rejected, 1, 0);
    assert_int_equal(read_ledger().delivered, 2);
    dlr_queue_leave(&test.rig.queue, &slice);
    dlr_heir_free(test.heir); /* dies with two of three delivered */
    dlr_queue_clear(&test.rig.queue);
    dlr_journal_close(&test.journal, true);
    {
        struct test_folder folder = test.folder;

        assert_int_equal(set_up(NULL), 0);
        test_folder_remove(&test.folder);
        dlr_journal_close(&test.journal, true);
        test.folder = folder;
        assert_int_equal(dlr_journal_open(&test.journal,
                                          &(struct dlr_journal_config){
                                              .path = folder.path,
                                              .host = "http://localhost/",
                                              .api_key = "dk_test"}),
                         0);
    }
    dlr_heir_look(test.heir);
    assert_string_equal(deliver_all(), "{2}");
    assert_false(is_there(FIRST));
}

static void files_with_nothing_to_send_are_removed_at_once(void **state)
{
    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_DONE);
    put(FIRST);
    test.file.len = 0; /* made, and never written to */
    put(NEXT);
    dlr_heir_look(test.heir);
    assert_false(is_there(FIRST));
    assert_false(is_there(NEXT));
    assert_false(is_there(DEAD ".lock"));
    assert_int_equal(read_ledger().recovered, 0);
    assert_false(dlr_heir_has_more(test.heir));
}

static void a_journal_for_another_destination_is_left_alone(void **state)
{
    uint8_t other[DLR_DESTINATION_BYTES] = "somebody else's";

    (void)state;
    segment_file_begin(&test.file, other);
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_true(is_there(FIRST));
    assert_int_equal(read_ledger().recovered, 0);
}

static void a_file_of_another_version_is_left_alone(void **state)
{
    (void)state;
    for (size_t copy = 0; copy < 128; copy += 64) {
        uint32_t crc;

        test.file.bytes[copy + 12] = 9;
        crc = dlr_crc32c(0, test.file.bytes + copy, 60);
        memcpy(test.file.bytes + copy + 60, &crc, 4);
    }
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_true(is_there(FIRST));
    assert_int_equal(read_ledger().recovered, 0);
}

static void a_living_owner_keeps_its_files(void **state)
{
    int fd = -1;

    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    put(FIRST);
    assert_int_equal(
        dlr_file_open(test.journal.dir, DEAD ".lock", DLR_FILE_CREATE, &fd), 0);
    assert_int_equal(dlr_file_try_lock(fd), 0);
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().recovered, 0);
    dlr_file_close(&fd);
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().recovered, 1);
    dlr_heir_look(test.heir); /* its own by now: not counted twice */
    assert_int_equal(read_ledger().recovered, 1);
    assert_string_equal(deliver_all(), "{1}");
}

static void damage_is_counted_and_kept_aside(void **state)
{
    datalyr_ledger ledger;

    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING)[12] = 'x';
    segment_file_add(&test.file, "{2}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    ledger = read_ledger();
    assert_int_equal(ledger.recovered, 2);
    assert_int_equal(ledger.dropped[DATALYR_DROP_JOURNAL_CORRUPT], 1);
    assert_int_equal(ledger.journal_corrupt_bytes, 15);
    assert_string_equal(deliver_all(), "{2}");
    assert_false(is_there(FIRST));
    assert_true(is_there(FIRST ".damaged"));
    assert_false(is_there(DEAD ".lock"));
}

static void a_file_of_nothing_but_damage_is_kept_without_room(void **state)
{
    struct rlimit limit;

    (void)state;
    memset(test.file.bytes, 'g', 5000);
    test.file.len = 5000;
    put(FIRST);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 4096; /* as on a full disk: no file may be made */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    dlr_heir_look(test.heir);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(read_ledger().dropped[DATALYR_DROP_JOURNAL_CORRUPT], 1);
    assert_int_equal(read_ledger().journal_corrupt_bytes, 5000);
    assert_false(is_there(FIRST));
    assert_true(is_there(FIRST ".damaged"));
    assert_false(dlr_heir_has_more(test.heir));
}

/* {1} and {2} in the first, {3} in the next. */
static void count_three_in_two_files(void)
{
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{2}", DLR_RECORD_PENDING);
    put(FIRST);
    segment_file_add(&test.file, "{3}", DLR_RECORD_PENDING);
    put(NEXT);
    dlr_heir_look(test.heir);
    assert_int_equal(read_ledger().pending, 3);
}

static void a_file_that_cannot_be_read_later_is_written_off(void **state)
{
    (void)state;
    count_three_in_two_files();
    assert_int_equal(unlink(test_folder_path(&test.folder, FIRST)), 0);
    assert_string_equal(deliver_all(), "{3}");
    assert_int_equal(read_ledger().pending, 0);
    assert_int_equal(read_ledger().dropped[DATALYR_DROP_JOURNAL_CORRUPT], 2);
}

static void the_last_file_that_cannot_be_read_ends_the_inheritance(void **state)
{
    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_int_equal(unlink(test_folder_path(&test.folder, FIRST)), 0);
    assert_string_equal(deliver_all(), "");
    assert_int_equal(read_ledger().pending, 0);
    assert_false(is_there(DEAD ".lock"));
}

static void
a_file_that_was_cut_off_after_it_was_counted_is_corrected(void **state)
{
    (void)state;
    count_three_in_two_files();
    assert_int_equal(truncate(test_folder_path(&test.folder, FIRST),
                              DLR_SEGMENT_HEAD_BYTES + 16),
                     0);
    assert_int_equal(truncate(test_folder_path(&test.folder, NEXT), 0), 0);
    assert_string_equal(deliver_all(), "{1}");
    assert_int_equal(read_ledger().pending, 0);
    assert_int_equal(read_ledger().dropped[DATALYR_DROP_JOURNAL_CORRUPT], 2);
    assert_false(is_there(DEAD ".lock"));
}

static void a_file_that_grew_after_it_was_counted_is_corrected(void **state)
{
    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{2}", DLR_RECORD_PENDING);
    put(FIRST);
    assert_string_equal(deliver_all(), "{1}{2}");
    assert_int_equal(read_ledger().recovered, 2);
    assert_int_equal(read_ledger().pending, 0);
}

/* ---- how old events are */

enum { NO_BOOT, THIS_BOOT, OTHER_BOOT };
static const struct age_case {
    const char *what;
    int64_t created_ms;
    int64_t booted_ms;
    int boot;
    bool is_old;
} age_cases[] = {
    {"both clocks say so", WALL_MS - 8 * DAY_MS, NOW_MS - 8 * DAY_MS, THIS_BOOT,
     true},
    {"nothing but the wall clock is there", WALL_MS - 8 * DAY_MS, 0, NO_BOOT,
     true},
    {"the other clock began anew", WALL_MS - 8 * DAY_MS, NOW_MS - 1000,
     OTHER_BOOT, true},
    {"young", WALL_MS - DAY_MS, NOW_MS - DAY_MS, THIS_BOOT, false},
    {"the wall clock leapt ahead", WALL_MS - 3000 * DAY_MS, NOW_MS - 1000,
     THIS_BOOT, false},
    {"the wall clock went back", WALL_MS + 3000 * DAY_MS, 0, NO_BOOT, false},
    {"it went back while we ran", WALL_MS + 1000, NOW_MS - 8 * DAY_MS,
     THIS_BOOT, false},
    {"nobody had set it", 5000, 0, NO_BOOT, false},
    {"nonsense below", INT64_MIN, INT64_MIN, THIS_BOOT, false},
    {"nonsense above", INT64_MAX, INT64_MAX, THIS_BOOT, false},
    {"nonsense in the other clock", WALL_MS - 8 * DAY_MS, INT64_MIN, THIS_BOOT,
     false},
};

/* The head of a file as a process with those clocks writes it. */
static void write_head(const struct age_case *age)
{
    struct dlr_segment_head head = {
        .generation = test.file.generation,
        .created_ms = age->created_ms,
        .booted_ms = age->booted_ms,
        .boot_mark = age->boot == NO_BOOT     ? 0
                     : age->boot == THIS_BOOT ? 77
                                              : 78,
    };

    memcpy(head.destination, test.journal.destination, sizeof head.destination);
    dlr_segment_head_write(test.file.bytes, &head);
}

static void check_told_as_expired(void)
{
    struct dlr_position found;
    datalyr_drop_reason reason;

    assert_int_equal(dlr_queue_reports(&test.rig.queue, &found, 1, &reason), 1);
    assert_int_equal(reason, DATALYR_DROP_JOURNAL_EXPIRED);
    dlr_queue_reported(&test.rig.queue, &found, 1);
    dlr_queue_tidy(&test.rig.queue);
}

static void clocks_that_went_wrong_make_no_event_old(void **state)
{
    uint64_t expired = 0;

    (void)state;
    dlr_heir_free(test.heir);
    test.heir = dlr_heir_new(&test.journal, &test.rig.queue, 7 * DAY_MS);
    test.journal.boot_mark = 77;
    for (size_t i = 0; i < sizeof age_cases / sizeof age_cases[0]; i++) {
        segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
        write_head(&age_cases[i]);
        put(FIRST);
        dlr_heir_look(test.heir);
        if (strcmp(deliver_all(), age_cases[i].is_old ? "" : "{1}") != 0) {
            fail_msg("%s", age_cases[i].what);
        }
        if (age_cases[i].is_old) {
            check_told_as_expired();
            expired += 1;
        }
        assert_int_equal(read_ledger().dropped[DATALYR_DROP_JOURNAL_EXPIRED],
                         expired);
        assert_in_range(read_ledger().oldest_age_ms, 0, NOW_MS);
    }
}

static void a_forked_child_holds_no_lock_of_its_parents(void **state)
{
    struct dlr_estate estate;

    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_int_equal(dlr_estate_open(test.journal.dir, DEAD, &estate),
                     EWOULDBLOCK);
    dlr_heir_leave_to_parent(test.heir);
    assert_int_equal(dlr_estate_open(test.journal.dir, DEAD, &estate), 0);
    dlr_estate_close(test.journal.dir, &estate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pending_records_are_counted_and_sent_in_order),
        TEST(what_was_delivered_is_marked_in_the_file),
        TEST(files_with_nothing_to_send_are_removed_at_once),
        TEST(a_journal_for_another_destination_is_left_alone),
        TEST(a_file_of_another_version_is_left_alone),
        TEST(a_living_owner_keeps_its_files),
        TEST(damage_is_counted_and_kept_aside),
        TEST(a_file_of_nothing_but_damage_is_kept_without_room),
        TEST(a_file_that_cannot_be_read_later_is_written_off),
        TEST(the_last_file_that_cannot_be_read_ends_the_inheritance),
        TEST(a_file_that_was_cut_off_after_it_was_counted_is_corrected),
        TEST(a_file_that_grew_after_it_was_counted_is_corrected),
        TEST(clocks_that_went_wrong_make_no_event_old),
        TEST(a_forked_child_holds_no_lock_of_its_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
