/* SPDX-License-Identifier: MIT */
/* What a journal wants of the sender. */
#include "upkeep_rig.h"

/* What the next process finds was promised to be on the disk by then. */
static void what_stays_in_the_journal_is_synced_at_the_end(void **state)
{
    struct upkeep_rig rig = {0};

    (void)state;
    assert_true(test_folder_make(&rig.folder));
    open_rig(&rig, 1000);
    append(&rig);
    dlr_queue_close(&rig.queue);
    dlr_sender_stop(rig.sender, DLR_STOP_LEAVE);
    assert_true(rig.queue.last->end > 0);
    assert_int_equal(rig.queue.last->synced, rig.queue.last->end);
    close_rig(&rig);
    test_folder_remove(&rig.folder);
}

static void without_a_promise_nothing_waits_for_the_disk(void **state)
{
    struct upkeep_rig rig = {0};

    (void)state;
    assert_true(test_folder_make(&rig.folder));
    open_rig(&rig, 0);
    append(&rig);
    dlr_queue_close(&rig.queue);
    dlr_sender_stop(rig.sender, DLR_STOP_LEAVE);
    assert_int_equal(rig.queue.last->synced, 0);
    close_rig(&rig);
    test_folder_remove(&rig.folder);
}

/* Without on_drop nothing else would tell of it. */
static void events_that_were_too_old_are_told_of_once(void **state)
{
    struct upkeep_rig rig = {0};
    const char *found;

    (void)state;
    assert_true(test_folder_make(&rig.folder));
    open_rig_with(&rig, 0, -1, 10);
    for (int i = 0; i < 2; i++) {
        append(&rig);
        ask_for_all(&rig);
        dlr_sender_step(rig.sender);
    }
    assert_int_equal(ledger_of(&rig).dropped[DATALYR_DROP_JOURNAL_EXPIRED], 2);
    found = strstr(rig.log, "longer than journal_max_age_ms");
    assert_non_null(found);
    assert_null(strstr(found + 1, "longer than journal_max_age_ms"));
    dlr_sender_stop(rig.sender, DLR_STOP_LEAVE);
    close_rig(&rig);
    test_folder_remove(&rig.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_in_the_journal_is_synced_at_the_end),
        cmocka_unit_test(without_a_promise_nothing_waits_for_the_disk),
        cmocka_unit_test(events_that_were_too_old_are_told_of_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
