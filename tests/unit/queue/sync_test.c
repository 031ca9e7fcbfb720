/* SPDX-License-Identifier: MIT */
/* Group commit, also on a disk that fails: this program's own msync() stands
 * before the system's. */
#include "queue/sync.h"

#include "support/folder.h"
#include "support/queue_rig.h"

#include "os/map.h"
#include "queue/journal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS          8
#define EVENTS_OF_THREAD 100

static struct {
    struct test_folder folder;
    struct dlr_journal journal;
    struct dlr_queue queue;
    struct dlr_sync sync;
} test;

/* What msync() does besides its work. */
static struct {
    bool is_failing;      /* once, as the system tells of an error */
    unsigned fails_every; /* each n-th call; 0: never */
    unsigned calls;
    uint64_t failed_callers; /* whom the failed rounds covered */
} disk;

int msync(void *address, size_t len, int flags)
{
    bool is_failing = disk.is_failing;

    disk.calls += 1; /* one round at a time comes here */
    disk.is_failing = false;
    if (disk.fails_every > 0 && disk.calls % disk.fails_every == 0) {
        is_failing = true;
        dlr_mutex_lock(&test.sync.lock);
        disk.failed_callers += test.sync.covered - test.sync.finished;
        dlr_mutex_unlock(&test.sync.lock);
    }
    if (is_failing) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_msync, address, len, flags);
}

static int set_up(void **state)
{
    struct dlr_journal_config settings = {.host = "http://localhost/",
                                          .api_key = "dk_test",
                                          .sync = DATALYR_SYNC_ALWAYS,
                                          .memory_max = 1u << 20};
    struct dlr_queue_config config = queue_rig_config();
    struct dlr_segment_maker maker = dlr_journal_maker(&test.journal);

    (void)state;
    memset(&disk, 0, sizeof disk);
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
    (void)state;
    append("{1}");
    disk.is_failing = true;
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), EIO);
    assert_int_equal(test.queue.first->pins, 0);
    assert_false(all_is_synced());
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), 0);
    assert_true(all_is_synced());
}

/* ---- what was written after a failure, seen by write protection */

static struct {
    char *begin;
    size_t len;
    unsigned writes;
} guarded;

static void note_write(int number, siginfo_t *info, void *context)
{
    char *at = info->si_addr;
    size_t page = dlr_map_page_bytes();

    (void)context;
    if (at < guarded.begin || at >= guarded.begin + guarded.len) {
        (void)signal(number, SIG_DFL); /* a crash like any other */
        return;
    }
    guarded.writes += 1;
    at = guarded.begin + (size_t)(at - guarded.begin) / page * page;
    (void)mprotect(at, page, PROT_READ | PROT_WRITE);
}

/* The pages written to during one round. */
static unsigned count_pages_written(int expected_error)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    struct sigaction former;
    const struct dlr_segment *segment = test.queue.first;

    action.sa_sigaction = note_write;
    guarded.begin = segment->mapping;
    guarded.len = segment->held_bytes;
    guarded.writes = 0;
    assert_int_equal(sigaction(SIGSEGV, &action, &former), 0);
    assert_int_equal(mprotect(guarded.begin, guarded.len, PROT_READ), 0);
    assert_int_equal(dlr_sync_wait(&test.sync, &test.queue), expected_error);
    assert_int_equal(
        mprotect(guarded.begin, guarded.len, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(sigaction(SIGSEGV, &former, NULL), 0);
    return guarded.writes;
}

static void pages_that_failed_are_written_again_before_they_count(void **state)
{
    static char text[10000];
    size_t page = dlr_map_page_bytes();
    unsigned pages;

    (void)state;
    append("{1}");
    assert_int_equal(count_pages_written(0), 0);
    memset(text, ' ', sizeof text - 1);
    text[0] = '{';
    text[sizeof text - 2] = '}';
    append(text);
    pages =
        (unsigned)((DLR_SEGMENT_HEAD_BYTES + test.queue.first->end - 1) / page +
                   1);
    disk.is_failing = true;
    assert_int_equal(count_pages_written(EIO), 0);
    disk.is_failing = true; /* the second attempt fails too */
    assert_int_equal(count_pages_written(EIO), pages);
    assert_int_equal(count_pages_written(0), pages);
    assert_true(all_is_synced());
    append("{2}");
    assert_int_equal(count_pages_written(0), 0); /* the trouble is over */
}

static void run_threads(void *(*run)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, NULL), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
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
    (void)state;
    atomic_store(&unsynced, 0);
    run_threads(append_and_sync);
    assert_int_equal(atomic_load(&unsynced), 0);
    assert_int_equal(test.sync.asked, THREADS * EVENTS_OF_THREAD);
    assert_int_equal(test.sync.finished, test.sync.asked);
    assert_true(all_is_synced());
}

static atomic_uint failures;

static void *append_and_count_failures(void *self)
{
    (void)self;
    for (unsigned i = 0; i < EVENTS_OF_THREAD; i++) {
        bool wakes;

        if (dlr_queue_append(&test.queue, dlr_text_of("{\"n\":1}"), NULL,
                             &wakes) != DATALYR_OK) {
            atomic_fetch_add(&failures, 1000000);
        }
        if (dlr_sync_wait(&test.sync, &test.queue) != 0) {
            atomic_fetch_add(&failures, 1);
        }
    }
    return NULL;
}

static void
every_caller_is_told_how_the_round_that_covered_it_ended(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    disk.fails_every = 2;
    run_threads(append_and_count_failures);
    assert_true(disk.failed_callers > 0);
    assert_true(disk.failed_callers < THREADS * EVENTS_OF_THREAD);
    assert_int_equal(atomic_load(&failures), disk.failed_callers);
    assert_null(test.sync.calls);
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
        TEST(pages_that_failed_are_written_again_before_they_count),
        TEST(every_caller_is_told_how_the_round_that_covered_it_ended),
        TEST(many_callers_share_rounds_and_none_returns_too_early),
        TEST(a_round_waits_for_those_who_were_in_the_last),
        TEST(who_does_not_come_again_is_not_waited_for_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
