/* SPDX-License-Identifier: MIT */
/* An heir in a folder of its own, and files of a dead owner made by hand. */
#ifndef DATALYR_TESTS_QUEUE_HEIR_FIXTURE_H
#define DATALYR_TESTS_QUEUE_HEIR_FIXTURE_H

#include "queue/heir.h"

#include "support/folder.h"
#include "support/queue_rig.h"
#include "support/segment_file.h"

#include "os/file.h"

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

static inline int64_t stand_still(void *self)
{
    (void)self;
    return NOW_MS;
}

static inline int64_t show_wall(void *self)
{
    (void)self;
    return WALL_MS;
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
    (void)state;
    dlr_heir_free(test.heir);
    dlr_queue_clear(&test.rig.queue);
    dlr_journal_close(&test.journal, true);
    test_folder_remove(&test.folder);
    return 0;
}

/* Writes what `test.file` holds, and begins anew. */
static inline void put(const char *name)
{
    int fd = -1;

    assert_int_equal(
        dlr_file_open(test.journal.dir, name, DLR_FILE_CREATE, &fd), 0);
    assert_int_equal(dlr_file_write_at(fd, 0, test.file.bytes, test.file.len),
                     0);
    dlr_file_close(&fd);
    segment_file_begin(&test.file, test.journal.destination);
}

static inline bool is_there(const char *name)
{
    return access(test_folder_path(&test.folder, name), F_OK) == 0;
}

static inline datalyr_ledger read_ledger(void)
{
    datalyr_ledger ledger = queue_rig_ledger(&test.rig);

    assert_conserved(&ledger);
    return ledger;
}

/* Takes everything, calls it delivered, and returns the texts in order. */
static inline const char *deliver_all(void)
{
    static char texts[512];
    struct dlr_slice slice;
    size_t len = 0;

    texts[0] = '\0';
    while (dlr_heir_has_more(test.heir)) {
        if (dlr_heir_take(test.heir, 1, 1000, &slice)) {
            assert_true(slice.first.segment->is_foreign);
            (void)queue_rig_texts(&slice, texts + len, sizeof texts - len);
            len = strlen(texts);
            dlr_heir_mark(dlr_slice_walk(&slice));
            dlr_queue_deliver(&test.rig.queue, &slice, NULL, 0, 0);
        }
        dlr_queue_tidy(&test.rig.queue);
    }
    return texts;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
