/* SPDX-License-Identifier: MIT */
/* What a journal wants of the sender. */
#include "support/folder.h"
#include "support/sender_rig.h"

/* A sender with a journal, in a folder of its own, that has no thread. */
struct upkeep_rig {
    struct test_folder folder;
    struct dlr_journal journal;
    struct dlr_sync sync;
    struct dlr_queue queue;
    struct dlr_heir *heir;
    struct dlr_capture *capture;
    struct dlr_sender *sender;
    char log[1024]; /* one line after the other */
};

static void note_line(datalyr_log_level level, const char *line, void *self)
{
    struct upkeep_rig *rig = self;
    size_t len = strlen(rig->log);

    (void)level;
    (void)snprintf(rig->log + len, sizeof rig->log - len, "%s\n", line);
}

static void open_rig_with(struct upkeep_rig *rig, int64_t sync_interval_ms,
                          int64_t max_age_ms)
{
    struct dlr_journal_config journal = {.path = rig->folder.path,
                                         .host = "http://localhost/",
                                         .api_key = "dk_test",
                                         .sync = DATALYR_SYNC_INTERVAL,
                                         .memory_max = 1u << 20};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker;
    struct dlr_clock clock = {0};

    config.max_age_ms = max_age_ms;
    config.keeps_dropped = false; /* there is no on_drop */
    assert_int_equal(dlr_journal_open(&rig->journal, &journal), 0);
    assert_int_equal(dlr_sync_init(&rig->sync), 0);
    maker = dlr_journal_maker(&rig->journal);
    assert_int_equal(dlr_queue_init(&rig->queue, &config, &maker), 0);
    rig->heir = dlr_heir_new(&rig->journal, &rig->queue, INT64_MAX);
    assert_non_null(rig->heir);
    assert_int_equal(dlr_capture_new(&rig->capture), DATALYR_OK);
    settings.hooks =
        (datalyr_hooks){.on_log = note_line, .user_data = rig};
    settings.journal = &rig->journal;
    settings.heir = rig->heir;
    settings.sync = &rig->sync;
    settings.sync_interval_ms = sync_interval_ms;
    assert_int_equal(dlr_sender_new(&settings, &rig->queue,
                                    dlr_capture_transport(rig->capture), &clock,
                                    &rig->sender),
                     DATALYR_OK);
}

static void open_rig(struct upkeep_rig *rig, int64_t sync_interval_ms)
{
    open_rig_with(rig, sync_interval_ms, INT64_MAX);
}

static void close_rig(struct upkeep_rig *rig)
{
    struct dlr_transport *transport = dlr_capture_transport(rig->capture);
    bool is_empty = dlr_queue_own_pending(&rig->queue) == 0;

    dlr_sender_free(rig->sender);
    dlr_transport_close(&transport);
    dlr_heir_free(rig->heir);
    dlr_queue_clear(&rig->queue);
    dlr_journal_close(&rig->journal, is_empty);
    dlr_sync_clear(&rig->sync);
}

static void append(struct upkeep_rig *rig)
{
    bool wakes;

    assert_int_equal(
        dlr_queue_append(&rig->queue, DLR_TEXT("{\"n\":1}"), NULL, &wakes),
        DATALYR_OK);
}

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

static void ask_for_all(struct upkeep_rig *rig)
{
    (void)dlr_queue_wait_settled(&rig->queue, 0, sender_rig_no_wake, NULL);
}

/* Without on_drop nothing else would tell of it. */
static void events_that_were_too_old_are_told_of_once(void **state)
{
    struct upkeep_rig rig = {0};
    datalyr_ledger ledger;
    const char *found;

    (void)state;
    assert_true(test_folder_make(&rig.folder));
    open_rig_with(&rig, 0, -1);
    for (int i = 0; i < 2; i++) {
        append(&rig);
        ask_for_all(&rig);
        dlr_sender_step(rig.sender);
    }
    dlr_queue_read_ledger(&rig.queue, 0, &ledger);
    assert_int_equal(ledger.dropped[DATALYR_DROP_JOURNAL_EXPIRED], 2);
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
