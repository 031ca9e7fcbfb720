/* SPDX-License-Identifier: MIT */
/*
 * Renewal: files that are done are used again, by the library's thread or, at
 * the ceiling, by a caller. What a file is is left to journal_test.c; here they
 * are memory, and other threads do what they do while one is renewed.
 */
#include "support/queue_rig.h"

#define FILES      12u
#define FILE_BYTES ((size_t)16 << 10)

static struct {
    struct queue_rig *rig;
    void (*meanwhile)(void);
    bool fails;
    unsigned renewed;
    unsigned made;
} files;

static datalyr_status make_file(void *self, size_t min_bytes, bool populate,
                                int64_t now_ms, struct dlr_segment **out)
{
    files.made += 1;
    return dlr_memory_segments.make(self, min_bytes, populate, now_ms, out);
}

static bool renew_file(void *self, struct dlr_segment *segment, int64_t now_ms)
{
    files.renewed += 1;
    if (files.meanwhile != NULL) {
        files.meanwhile();
    }
    return !files.fails && dlr_memory_segments.renew(self, segment, now_ms);
}

/* One event, which fills a file. */
static void fill_file(void)
{
    assert_int_equal(queue_rig_append_len(files.rig, FILE_BYTES - 100),
                     DATALYR_OK);
}

static void deliver_file(void)
{
    struct dlr_slice slice;

    assert_true(dlr_queue_take(&files.rig->queue, 1, SIZE_MAX, &slice));
    dlr_queue_deliver(&files.rig->queue, &slice, NULL, 0, 0);
}

/* As many files as the ceiling allows, all full, and one of them done. */
static void open_files(void)
{
    struct dlr_queue_config config = queue_rig_config();

    config.max_bytes = FILES * FILE_BYTES;
    config.max_age_ms = INT64_MAX;
    config.memory_bytes = UINT64_MAX;
    memset(&files, 0, sizeof files);
    files.rig = queue_rig_open(config);
    files.rig->queue.maker.make = make_file;
    files.rig->queue.maker.renew = renew_file;
    files.rig->queue.maker.has_files = true;
    for (unsigned i = 0; i < FILES; i++) {
        fill_file();
    }
    deliver_file();
    assert_int_equal(files.rig->queue.used_count, 1);
    files.rig->queue.wants_spare = false;
}

/* With one file more, FILES events are pending and none was dropped. */
static void check_and_close_files(void)
{
    datalyr_ledger ledger = queue_rig_ledger(files.rig);

    assert_conserved(&ledger);
    assert_int_equal(datalyr_ledger_dropped(&ledger), 0);
    assert_int_equal(ledger.pending, FILES);
    assert_int_equal(ledger.queue_bytes, FILES * FILE_BYTES);
    assert_int_equal(files.rig->queue.used_count, 0);
    queue_rig_close(files.rig);
}

static void a_file_that_is_done_is_something_to_tidy(void **state)
{
    struct dlr_queue_look look;

    (void)state;
    open_files();
    dlr_queue_look(&files.rig->queue, files.rig->now_ms, &look);
    assert_int_equal(look.tidy_in_ms, 0);
    dlr_queue_tidy(&files.rig->queue);
    dlr_queue_look(&files.rig->queue, files.rig->now_ms, &look);
    assert_true(look.tidy_in_ms == INT64_MAX);
    assert_int_equal(files.rig->queue.spare_count, 1);
    assert_int_equal(queue_rig_ledger(files.rig).queue_bytes,
                     FILES * FILE_BYTES);
    queue_rig_close(files.rig);
}

static void files_that_cannot_be_renewed_are_gone(void **state)
{
    (void)state;
    open_files();
    deliver_file();
    files.fails = true;
    dlr_queue_tidy(&files.rig->queue);
    assert_int_equal(files.renewed, 2);
    assert_int_equal(files.rig->queue.used_count, 0);
    assert_int_equal(files.rig->queue.spare_count, 0);
    assert_int_equal(queue_rig_ledger(files.rig).queue_bytes,
                     (FILES - 2) * FILE_BYTES);
    queue_rig_close(files.rig);
}

static void no_more_files_are_kept_than_are_worth_it(void **state)
{
    (void)state;
    open_files();
    for (unsigned i = 2; i < FILES; i++) {
        deliver_file();
    }
    assert_int_equal(files.rig->queue.used_count, DLR_LOG_FILE_SPARES);
    dlr_queue_tidy(&files.rig->queue);
    assert_int_equal(files.rig->queue.spare_count, DLR_LOG_FILE_SPARES);
    assert_int_equal(queue_rig_ledger(files.rig).queue_bytes,
                     (DLR_LOG_FILE_SPARES + 1) * FILE_BYTES);
    queue_rig_close(files.rig);
}

static void no_event_is_evicted_while_a_file_is_renewed(void **state)
{
    (void)state;
    open_files();
    files.meanwhile = fill_file;
    dlr_queue_tidy(&files.rig->queue);
    assert_int_equal(files.renewed, 1);
    check_and_close_files();
}

static void at_the_ceiling_a_caller_renews_a_file_himself(void **state)
{
    (void)state;
    open_files();
    fill_file();
    assert_int_equal(files.renewed, 1);
    assert_int_equal(files.made, FILES);
    check_and_close_files();
}

/* Another thread that is as fast as the disk. */
static void use_up_another(void)
{
    fill_file();
    deliver_file();
}

static void the_sender_renews_what_is_there_and_goes_on(void **state)
{
    (void)state;
    open_files();
    files.meanwhile = use_up_another;
    dlr_queue_tidy(&files.rig->queue);
    assert_int_equal(files.renewed, 1);
    assert_int_equal(files.rig->queue.used_count, 1);
    files.meanwhile = NULL;
    fill_file();
    check_and_close_files();
}

static void a_closed_queue_renews_nothing(void **state)
{
    struct dlr_queue_look look;

    (void)state;
    open_files();
    dlr_queue_close(&files.rig->queue);
    deliver_file();
    assert_int_equal(files.rig->queue.used_count, 1);
    dlr_queue_tidy(&files.rig->queue);
    dlr_queue_look(&files.rig->queue, files.rig->now_ms, &look);
    assert_true(look.tidy_in_ms == INT64_MAX);
    assert_int_equal(files.renewed, 0);
    queue_rig_close(files.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_done_is_something_to_tidy),
        cmocka_unit_test(files_that_cannot_be_renewed_are_gone),
        cmocka_unit_test(no_more_files_are_kept_than_are_worth_it),
        cmocka_unit_test(no_event_is_evicted_while_a_file_is_renewed),
        cmocka_unit_test(at_the_ceiling_a_caller_renews_a_file_himself),
        cmocka_unit_test(the_sender_renews_what_is_there_and_goes_on),
        cmocka_unit_test(a_closed_queue_renews_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
