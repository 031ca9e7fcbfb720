/* SPDX-License-Identifier: MIT */
/* Recovery: what a dead owner left is counted, sent, told and cleared away. */
#include "support/folder.h"
#include "support/queue_rig.h"

#include "queue/heir.h"

#include <dirent.h>

#define NOW_MS INT64_C(1000000)
#define DAY_MS INT64_C(86400000)

struct owner {
    struct dlr_journal journal;
    struct queue_rig rig; /* with a journal instead of memory */
};

static void open_owner(struct owner *owner, const struct test_folder *folder)
{
    struct dlr_journal_config settings = {.path = folder->path,
                                          .host = "http://localhost/",
                                          .api_key = "dk_test",
                                          .sync = DATALYR_SYNC_NONE,
                                          .memory_max = 1u << 20};
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker;

    memset(owner, 0, sizeof *owner);
    owner->rig.now_ms = NOW_MS;
    config.max_events = UINT64_MAX;
    config.memory_bytes = (uint64_t)8 << 20;
    config.max_age_ms = DAY_MS;
    config.clock.monotonic_ms = queue_rig_now;
    config.clock.self = &owner->rig;
    assert_int_equal(dlr_journal_open(&owner->journal, &settings), 0);
    maker = dlr_journal_maker(&owner->journal);
    assert_int_equal(dlr_queue_init(&owner->rig.queue, &config, &maker), 0);
}

/* As a process that ends: what is pending stays on disk. */
static void close_owner(struct owner *owner)
{
    bool is_empty = dlr_queue_own_pending(&owner->rig.queue) == 0;

    dlr_queue_clear(&owner->rig.queue);
    dlr_journal_close(&owner->journal, is_empty);
}

static unsigned count_files(const struct test_folder *folder,
                            const char *ending)
{
    DIR *dir = opendir(folder->path);
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        count += len > strlen(ending) &&
                 strcmp(entry->d_name + len - strlen(ending), ending) == 0;
    }
    (void)closedir(dir);
    return count;
}

static void leave_events(const struct test_folder *folder, unsigned count)
{
    struct owner dead;

    open_owner(&dead, folder);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(queue_rig_append(&dead.rig, "{\"eventId\":\"a\"}"),
                         DATALYR_OK);
    }
    close_owner(&dead);
}

static void an_expired_event_of_a_dead_owner_is_told(void **state)
{
    struct test_folder folder;
    struct dlr_position found[4];
    struct dlr_slice slice;
    datalyr_drop_reason reason;
    datalyr_ledger ledger;
    struct dlr_heir *heir;
    struct owner alive;

    (void)state;
    assert_true(test_folder_make(&folder));
    leave_events(&folder, 2);
    open_owner(&alive, &folder);
    heir = dlr_heir_new(&alive.journal, &alive.rig.queue, -1);
    dlr_heir_look(heir);
    assert_false(dlr_heir_take(heir, 10, 1000, &slice));
    ledger = queue_rig_ledger(&alive.rig);
    assert_conserved(&ledger);
    assert_int_equal(ledger.dropped[DATALYR_DROP_JOURNAL_EXPIRED], 2);
    assert_int_equal(dlr_queue_reports(&alive.rig.queue, found, 4, &reason), 2);
    assert_int_equal(reason, DATALYR_DROP_JOURNAL_EXPIRED);
    dlr_queue_reported(&alive.rig.queue, found, 2);
    dlr_queue_tidy(&alive.rig.queue);
    assert_int_equal(alive.rig.queue.dead, 0);
    assert_int_equal(count_files(&folder, ".seg"), 0);
    dlr_heir_free(heir);
    close_owner(&alive);
    test_folder_remove(&folder);
}

/* Larger than half a segment. */
static char large[150000];

static datalyr_status append_large(struct owner *owner)
{
    bool wakes;

    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    return dlr_queue_append(&owner->rig.queue, dlr_text_n(large, sizeof large),
                            NULL, &wakes);
}

/* The time of the first record in the n-th file of an owner. */
static uint32_t read_time_ms(const struct owner *owner, size_t index)
{
    struct dlr_estate estate;
    struct dlr_estate_bytes bytes;
    struct dlr_found found;
    struct dlr_scan scan;
    int dir = owner->journal.dir;

    assert_int_equal(dlr_estate_peek(dir, owner->journal.owner, &estate), 0);
    assert_true(index < estate.file_count);
    assert_int_equal(dlr_estate_read(dir, estate.files[index].name, &bytes), 0);
    scan = dlr_estate_scan(&bytes);
    assert_true(dlr_scan_next(&scan, &found));
    dlr_estate_release(&bytes);
    dlr_estate_close(dir, &estate);
    return found.head.time_ms;
}

/* The head of the file tells the time of its making, so records count from
 * that, also in a file that was made long ahead. */
static void an_event_is_as_old_as_it_is_and_not_as_its_file(void **state)
{
    struct test_folder folder;
    struct owner owner;

    (void)state;
    assert_true(test_folder_make(&folder));
    open_owner(&owner, &folder);
    assert_int_equal(append_large(&owner), DATALYR_OK);
    owner.rig.queue.wants_spare = true;
    dlr_queue_tidy(&owner.rig.queue);
    owner.rig.now_ms += 3 * DAY_MS;
    assert_int_equal(append_large(&owner), DATALYR_OK);
    assert_int_equal(owner.rig.queue.spare_count, 1);
    assert_int_equal(read_time_ms(&owner, 1), 3 * DAY_MS);
    close_owner(&owner);
    test_folder_remove(&folder);
}

static void a_file_is_left_before_its_clock_runs_out(void **state)
{
    struct test_folder folder;
    struct dlr_slice slice;
    datalyr_ledger ledger;
    struct owner owner;

    (void)state;
    assert_true(test_folder_make(&folder));
    open_owner(&owner, &folder);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(queue_rig_append(&owner.rig, "{}"), DATALYR_OK);
        assert_true(dlr_queue_take(&owner.rig.queue, 1, 1000, &slice));
        dlr_queue_deliver(&owner.rig.queue, &slice, NULL, 0, 0);
        owner.rig.now_ms += 20 * DAY_MS;
    }
    ledger = queue_rig_ledger(&owner.rig);
    assert_int_equal(ledger.delivered, 4);
    assert_int_equal(ledger.dropped[DATALYR_DROP_JOURNAL_EXPIRED], 0);
    close_owner(&owner);
    test_folder_remove(&folder);
}

/* Fills `count` files, and delivers what is in them. */
static void pass_files(struct owner *owner, unsigned count)
{
    struct dlr_slice slice;

    while (owner->rig.queue.segment_count <= count) {
        assert_int_equal(append_large(owner), DATALYR_OK);
    }
    assert_true(
        dlr_queue_take(&owner->rig.queue, UINT32_MAX, SIZE_MAX, &slice));
    dlr_queue_deliver(&owner->rig.queue, &slice, NULL, 0, 0);
    dlr_queue_tidy(&owner->rig.queue);
}

/* What the heir of everything in the folder finds. */
static datalyr_ledger inherit(const struct test_folder *folder)
{
    datalyr_ledger ledger;
    struct dlr_heir *heir;
    struct owner alive;

    open_owner(&alive, folder);
    heir = dlr_heir_new(&alive.journal, &alive.rig.queue, DAY_MS);
    dlr_heir_look(heir);
    ledger = queue_rig_ledger(&alive.rig);
    assert_conserved(&ledger);
    dlr_heir_free(heir);
    close_owner(&alive);
    return ledger;
}

static void a_file_that_is_done_is_used_again(void **state)
{
    struct test_folder folder;
    unsigned files;
    struct owner owner;

    (void)state;
    assert_true(test_folder_make(&folder));
    open_owner(&owner, &folder);
    pass_files(&owner, 5);
    files = count_files(&folder, ".seg");
    assert_true(owner.rig.queue.spare_count > 2);
    for (unsigned i = 0; i < 50; i++) {
        pass_files(&owner, 2);
    }
    assert_true(count_files(&folder, ".seg") <= files);
    close_owner(&owner);
    assert_int_equal(count_files(&folder, ".seg"), 0);
    test_folder_remove(&folder);
}

/* With files the log may be larger than what it may hold in memory. */
static void pages_count_as_given_back_while_their_file_waits(void **state)
{
    struct test_folder folder;
    struct dlr_slice slice;
    struct owner owner;
    struct dlr_queue *queue = &owner.rig.queue;

    (void)state;
    assert_true(test_folder_make(&folder));
    open_owner(&owner, &folder);
    queue->config.memory_bytes = 0;
    while (queue->segment_count < 6) {
        assert_int_equal(append_large(&owner), DATALYR_OK);
    }
    queue->wants_spare = true;
    dlr_queue_tidy(queue);
    assert_true(queue->cold_bytes > 0);
    assert_true(queue->cold_bytes < queue->held_bytes);
    assert_true(dlr_queue_take(queue, UINT32_MAX, SIZE_MAX, &slice));
    dlr_queue_deliver(queue, &slice, NULL, 0, 0);
    assert_int_equal(queue->cold_bytes, 0);
    close_owner(&owner);
    test_folder_remove(&folder);
}

static void old_events_of_a_renewed_file_never_come_back(void **state)
{
    struct test_folder folder;
    datalyr_ledger ledger;
    struct owner dead;
    uint32_t time_ms = 0;

    (void)state;
    assert_true(test_folder_make(&folder));
    open_owner(&dead, &folder);
    for (unsigned i = 0; i < 5; i++) {
        pass_files(&dead, 4);
    }
    for (unsigned i = 0; i < 6; i++) {
        dead.rig.now_ms += 1000;
        assert_int_equal(append_large(&dead), DATALYR_OK);
    }
    for (uint32_t i = 0; i < dead.rig.queue.segment_count; i++) {
        assert_true(read_time_ms(&dead, i) >= time_ms); /* in order, by name */
        time_ms = read_time_ms(&dead, i);
    }
    assert_true(time_ms > 0);
    close_owner(&dead);
    ledger = inherit(&folder);
    assert_int_equal(ledger.recovered, 6);
    assert_int_equal(ledger.pending, 6);
    assert_int_equal(ledger.journal_corrupt_bytes, 0);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expired_event_of_a_dead_owner_is_told),
        cmocka_unit_test(an_event_is_as_old_as_it_is_and_not_as_its_file),
        cmocka_unit_test(a_file_that_is_done_is_used_again),
        cmocka_unit_test(pages_count_as_given_back_while_their_file_waits),
        cmocka_unit_test(old_events_of_a_renewed_file_never_come_back),
        cmocka_unit_test(a_file_is_left_before_its_clock_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
