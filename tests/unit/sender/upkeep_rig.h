/* SPDX-License-Identifier: MIT */
/* A sender with a journal, without thread and socket. */
#ifndef DATALYR_TESTS_UNIT_SENDER_UPKEEP_RIG_H
#define DATALYR_TESTS_UNIT_SENDER_UPKEEP_RIG_H

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
    int64_t now_ms;
    uint64_t delivered;
    char log[1024]; /* one line after the other */
};

static inline void note_line(datalyr_log_level level, const char *line,
                             void *self)
{
    struct upkeep_rig *rig = self;
    size_t len = strlen(rig->log);

    (void)level;
    (void)snprintf(rig->log + len, sizeof rig->log - len, "%s\n", line);
}

static inline void note_delivered(const datalyr_record *events, size_t count,
                                  void *self)
{
    struct upkeep_rig *rig = self;

    (void)events;
    rig->delivered += count;
}

static inline int64_t upkeep_rig_now(void *self)
{
    struct upkeep_rig *rig = self;

    return rig->now_ms;
}

static inline void open_rig_with(struct upkeep_rig *rig,
                                 int64_t sync_interval_ms, int64_t max_age_ms,
                                 uint32_t max_in_flight)
{
    struct dlr_journal_config journal = {.path = rig->folder.path,
                                         .host = "http://localhost/",
                                         .api_key = "dk_test",
                                         .sync = DATALYR_SYNC_INTERVAL,
                                         .memory_max = 1u << 20};
    struct dlr_sender_settings settings = sender_rig_settings();
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker;
    struct dlr_clock clock = {NULL, upkeep_rig_now, rig};

    rig->now_ms = 1000000;
    config.clock = clock;
    config.max_age_ms = max_age_ms;
    config.keeps_dropped = false; /* there is no on_drop */
    assert_int_equal(dlr_journal_open(&rig->journal, &journal), 0);
    assert_int_equal(dlr_sync_init(&rig->sync), 0);
    maker = dlr_journal_maker(&rig->journal);
    assert_int_equal(dlr_queue_init(&rig->queue, &config, &maker), 0);
    rig->heir = dlr_heir_new(&rig->journal, &rig->queue, INT64_MAX);
    assert_non_null(rig->heir);
    assert_int_equal(dlr_capture_new(&rig->capture), DATALYR_OK);
    settings.hooks = (datalyr_hooks){
        .on_log = note_line, .on_delivered = note_delivered, .user_data = rig};
    settings.batch = DATALYR_BATCH_ALWAYS;
    settings.max_in_flight = max_in_flight;
    settings.journal = &rig->journal;
    settings.heir = rig->heir;
    settings.sync = &rig->sync;
    settings.sync_interval_ms = sync_interval_ms;
    assert_int_equal(dlr_sender_new(&settings, &rig->queue,
                                    dlr_capture_transport(rig->capture), &clock,
                                    &rig->sender),
                     DATALYR_OK);
}

static inline void open_rig(struct upkeep_rig *rig, int64_t sync_interval_ms)
{
    open_rig_with(rig, sync_interval_ms, INT64_MAX, 10);
}

static inline void close_rig(struct upkeep_rig *rig)
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

static inline void append(struct upkeep_rig *rig)
{
    bool wakes;

    assert_int_equal(
        dlr_queue_append(&rig->queue, DLR_TEXT("{\"n\":1}"), NULL, &wakes),
        DATALYR_OK);
}

static inline void ask_for_all(struct upkeep_rig *rig)
{
    (void)dlr_queue_wait_settled(&rig->queue, 0, sender_rig_no_wake, NULL);
}

static inline datalyr_ledger ledger_of(struct upkeep_rig *rig)
{
    datalyr_ledger ledger;

    dlr_queue_read_ledger(&rig->queue, rig->now_ms, &ledger);
    assert_conserved(&ledger);
    return ledger;
}

#endif
