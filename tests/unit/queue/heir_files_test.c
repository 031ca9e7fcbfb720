/* SPDX-License-Identifier: MIT */
/* What an heir makes of files, whole, damaged and changing under its hands. */
#include "queue/heir.h"

#include "support/folder.h"
#include "support/queue_rig.h"
#include "support/segment_file.h"

#include "os/file.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEAD  "0123456789abcdef0123456789abcdef"
#define FIRST DEAD "-00000001.seg"
#define NEXT  DEAD "-00000002.seg"

static struct {
    struct test_folder folder;
    struct dlr_journal journal;
    struct queue_rig rig;
    struct dlr_heir *heir;
    struct segment_file file;
} test;

#define DAY_MS  INT64_C(86400000)
#define WALL_MS INT64_C(1790000000000) /* in 2026 */
#define NOW_MS  (100 * DAY_MS)

static int64_t stand_still(void *self)
{
    (void)self;
    return NOW_MS;
}

static int64_t show_wall(void *self)
{
    (void)self;
    return WALL_MS;
}

static int set_up(void **state)
{
    struct dlr_journal_config settings = {.host = "http://localhost/",
                                          .api_key = "dk_test",
                                          .memory_max = 1u << 20};
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker = dlr_journal_maker(&test.journal);

    (void)state;
    config.max_events = UINT64_MAX;
    config.memory_bytes = (uint64_t)8 << 20;
    config.max_age_ms = INT64_MAX;
    config.clock.monotonic_ms = stand_still;
    config.clock.realtime_ms = show_wall;
    if (!test_folder_make(&test.folder)) {
        return -1;
    }
    settings.path = test.folder.path;
    memset(&test.rig, 0, sizeof test.rig);
    if (dlr_journal_open(&test.journal, &settings) != 0 ||
        dlr_queue_init(&test.rig.queue, &config, &maker) != 0) {
        return -1;
    }
    test.heir = dlr_heir_new(&test.journal, &test.rig.queue, INT64_MAX);
    segment_file_begin(&test.file, test.journal.destination);
    return test.heir == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    dlr_heir_free(test.heir);
    dlr_queue_clear(&test.rig.queue);
    dlr_journal_close(&test.journal, true);
    test_folder_remove(&test.folder);
    return 0;
}

/* Writes what `test.file` holds, and begins anew. */
static void put(const char *name)
{
    int fd = -1;

    assert_int_equal(
        dlr_file_open(test.journal.dir, name, DLR_FILE_CREATE, &fd), 0);
    assert_int_equal(dlr_file_write_at(fd, 0, test.file.bytes, test.file.len),
                     0);
    dlr_file_close(&fd);
    segment_file_begin(&test.file, test.journal.destination);
}

static bool is_there(const char *name)
{
    return access(test_folder_path(&test.folder, name), F_OK) == 0;
}

static datalyr_ledger read_ledger(void)
{
    datalyr_ledger ledger = queue_rig_ledger(&test.rig);

    assert_conserved(&ledger);
    return ledger;
}

/* Takes everything, calls it delivered, and returns the texts in order. */
static const char *deliver_all(void)
{
    static char texts[512];
    struct dlr_slice slice;
    size_t len = 0;

    texts[0] = '\0';
    while (dlr_heir_has_more(test.heir)) {
        if (dlr_heir_take(test.heir, 1, 1000, &slice)) {
            assert_true(dlr_heir_has(&slice));
            (void)queue_rig_texts(&slice, texts + len, sizeof texts - len);
            len = strlen(texts);
            dlr_heir_mark(&slice);
            dlr_queue_deliver(&test.rig.queue, &slice, NULL, 0, 0);
        }
        dlr_queue_tidy(&test.rig.queue);
    }
    return texts;
}

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
    struct dlr_slice slice;

    (void)state;
    segment_file_add(&test.file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&test.file, "{2}", DLR_RECORD_PENDING);
    put(FIRST);
    dlr_heir_look(test.heir);
    assert_true(dlr_heir_take(test.heir, 1, 1000, &slice));
    dlr_heir_mark(&slice);
    dlr_queue_deliver(&test.rig.queue, &slice, NULL, 0, 0);
    dlr_heir_free(test.heir); /* dies with one of two delivered */
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

/* ---- leftovers of many files */

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
            dlr_heir_mark(&slice);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        TEST(a_step_of_a_look_reads_so_many_files_and_no_more),
        TEST(a_step_of_a_look_takes_so_many_owners_and_no_more),
        TEST(a_step_of_a_look_reads_so_many_bytes_and_one_file_more),
        TEST(a_look_that_is_stopped_leaves_the_rest_to_the_next_heir),
        TEST(a_second_look_does_not_begin_before_the_first_is_through),
        TEST(no_more_owners_are_held_than_descriptors_may_be_spent),
        TEST(a_forked_child_holds_no_lock_of_its_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
