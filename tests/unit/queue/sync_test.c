/* SPDX-License-Identifier: MIT */
#include "queue/sync.h"

#include "support/folder.h"
#include "support/queue_rig.h"

#include "queue/journal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS          8
#define EVENTS_OF_THREAD 100

static struct {
    struct test_folder folder;
    struct dlr_journal journal;
    struct dlr_queue queue;
    struct dlr_sync sync;
} test;

static int set_up(void **state)
{
    struct dlr_journal_config settings = {.host = "http://localhost/",
                                          .api_key = "dk_test",
                                          .sync = DATALYR_SYNC_ALWAYS,
                                          .memory_max = 1u << 20};
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker = dlr_journal_maker(&test.journal);

    (void)state;
    config.max_events = UINT64_MAX;
    config.max_bytes = (uint64_t)64 << 20;
    config.max_age_ms = INT64_MAX;
    if (!test_folder_make(&test.folder)) {
        return -1;
    }
    settings.path = test.folder.path;
    return dlr_journal_open(&test.journal, &settings) != 0 ||
           dlr_queue_init(&test.queue, &config, &maker) != 0 ||
           dlr_sync_init(&test.sync) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    dlr_sync_clear(&test.sync);
    dlr_queue_clear(&test.queue);
    dlr_journal_close(&test.journal, true);
    test_folder_remove(&test.folder);
    return 0;
}

static void append(const char *json)
{
    bool wakes;

    assert_int_equal(
        dlr_queue_append(&test.queue, dlr_text_of(json), NULL, &wakes),
        DATALYR_OK);
}

static bool all_is_synced(void)
{
    bool is_synced = true;

    dlr_mutex_lock(&test.queue.lock);
    for (struct dlr_segment *segment = test.queue.first; segment != NULL;
         segment = segment->next) {
        is_synced = is_synced && (segment->generation == 0 ||
                                  segment->synced == segment->end);
    }
    dlr_mutex_unlock(&test.queue.lock);
    return is_synced;
}

static void nothing_to_sync_is_no_error(void **state)
{
    (void)state;
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
}

static void what_was_appended_is_on_the_disk_afterwards(void **state)
{
    (void)state;
    append("{1}");
    append("{2}");
    assert_false(all_is_synced());
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_true(all_is_synced());
    assert_int_equal(test.queue.first->pins, 0);
    append("{3}");
    assert_false(all_is_synced());
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_true(all_is_synced());
}

static void more_segments_than_one_round_takes_are_all_synced(void **state)
{
    static char large[200000];

    (void)state;
    memset(large, 'x', sizeof large - 1);
    large[0] = '{';
    large[sizeof large - 2] = '}';
    test.queue.segment_bytes = sizeof large;
    for (unsigned i = 0; i < 20; i++) {
        append(large);
        test.queue.segment_bytes = sizeof large;
    }
    assert_true(test.queue.next_ordinal > 17);
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_true(all_is_synced());
}

static void segments_in_memory_are_nothing_to_sync(void **state)
{
    (void)state;
    append("{1}");
    test.queue.first->generation = 0; /* as where no file could be made */
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_int_equal(test.queue.first->synced, 0);
}

static void an_error_is_told_and_the_rest_stays_to_be_synced(void **state)
{
    struct dlr_segment *segment;
    void *mapping;

    (void)state;
    append("{1}");
    segment = test.queue.first;
    mapping = segment->mapping;
    segment->mapping = (char *)mapping + 1; /* no page begins there */
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), EINVAL);
    segment->mapping = mapping;
    assert_int_equal(segment->pins, 0);
    assert_false(all_is_synced());
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_true(all_is_synced());
}

static atomic_uint unsynced;

/* Each thread's own record is on the disk when its call returns. */
static void *append_and_sync(void *self)
{
    (void)self;
    for (unsigned i = 0; i < EVENTS_OF_THREAD; i++) {
        uint64_t ordinal;
        uint32_t end;
        bool wakes;

        if (dlr_queue_append(&test.queue, dlr_text_of("{\"n\":1}"), NULL,
                             &wakes) != DATALYR_OK) {
            atomic_fetch_add(&unsynced, 1);
        }
        dlr_mutex_lock(&test.queue.lock);
        ordinal = test.queue.last->ordinal;
        end = test.queue.last->end;
        dlr_mutex_unlock(&test.queue.lock);
        if (dlr_sync_wait(&test.sync, &test.queue) != 0) {
            atomic_fetch_add(&unsynced, 1);
        }
        dlr_mutex_lock(&test.queue.lock);
        if (test.queue.last->ordinal == ordinal &&
            test.queue.last->synced < end) {
            atomic_fetch_add(&unsynced, 1);
        }
        dlr_mutex_unlock(&test.queue.lock);
    }
    return NULL;
}

static void many_callers_share_rounds_and_none_returns_too_early(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    atomic_store(&unsynced, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, append_and_sync, NULL), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&unsynced), 0);
    assert_int_equal(test.sync.asked, THREADS * EVENTS_OF_THREAD);
    assert_int_equal(test.sync.finished, test.sync.asked);
    assert_true(all_is_synced());
}

static void *sync_once(void *result)
{
    *(int *)result = dlr_sync_wait(&test.sync, &test.queue);
    return NULL;
}

static bool is_running(void)
{
    bool is_running;

    dlr_mutex_lock(&test.sync.lock);
    is_running = test.sync.is_running;
    dlr_mutex_unlock(&test.sync.lock);
    return is_running;
}

static void a_round_waits_for_those_who_were_in_the_last(void **state)
{
    pthread_t first;
    int error = -1;

    (void)state;
    test.sync.expected = 2;
    test.sync.took_ns = INT64_C(400000000000); /* so the wait is long */
    append("{1}");
    assert_int_equal(pthread_create(&first, NULL, sync_once, &error), 0);
    while (!is_running()) {
        sched_yield();
    }
    append("{2}");
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_int_equal(pthread_join(first, NULL), 0);
    assert_int_equal(error, 0);
    assert_true(all_is_synced());
    assert_int_equal(test.sync.expected, 2); /* both, in one round */
}

static void who_does_not_come_again_is_not_waited_for_twice(void **state)
{
    (void)state;
    test.sync.expected = 3;
    append("{1}");
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_int_equal(test.sync.expected, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_to_sync_is_no_error),
        TEST(what_was_appended_is_on_the_disk_afterwards),
        TEST(more_segments_than_one_round_takes_are_all_synced),
        TEST(segments_in_memory_are_nothing_to_sync),
        TEST(an_error_is_told_and_the_rest_stays_to_be_synced),
        TEST(many_callers_share_rounds_and_none_returns_too_early),
        TEST(a_round_waits_for_those_who_were_in_the_last),
        TEST(who_does_not_come_again_is_not_waited_for_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
