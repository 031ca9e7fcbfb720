/* SPDX-License-Identifier: MIT */
#include "queue/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"
#include "support/folder.h"
#include "support/queue_rig.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct rig {
    struct test_folder folder;
    char path[300];
    struct dlr_journal journal;
    struct dlr_segment_maker maker;
};

static struct rig rig;

static int open_journal(struct dlr_journal *journal, uint64_t memory_max)
{
    struct dlr_journal_config config = {.path = rig.path,
                                        .host = "https://example.com/track",
                                        .api_key = "dk_test",
                                        .sync = DATALYR_SYNC_NONE,
                                        .memory_max = memory_max};

    return dlr_journal_open(journal, &config);
}

static int set_up(void **state)
{
    (void)state;
    if (!test_folder_make(&rig.folder)) {
        return -1;
    }
    (void)snprintf(rig.path, sizeof rig.path, "%s/queue", rig.folder.path);
    rig.maker = dlr_journal_maker(&rig.journal);
    return open_journal(&rig.journal, 1u << 20);
}

static int tear_down(void **state)
{
    (void)state;
    dlr_journal_close(&rig.journal, true);
    test_folder_remove(&rig.folder);
    return 0;
}

static struct dlr_segment *make(size_t bytes)
{
    struct dlr_segment *segment = NULL;

    assert_int_equal(rig.maker.make(&rig.journal, bytes, false, 0, &segment),
                     DATALYR_OK);
    assert_non_null(segment);
    return segment;
}

static void retire(struct dlr_segment *segment)
{
    rig.maker.retire(&rig.journal, segment);
}

/* The only name in the directory that ends so, or NULL. */
static const char *find(const char *end)
{
    static char path[600];
    const char *found = NULL;
    struct dirent *entry;
    DIR *dir = opendir(rig.path);

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len > strlen(end) &&
            strcmp(entry->d_name + len - strlen(end), end) == 0) {
            assert_null(found);
            (void)snprintf(path, sizeof path, "%s/%s", rig.path, entry->d_name);
            found = path;
        }
    }
    closedir(dir);
    return found;
}

static struct stat stat_of(const char *path)
{
    struct stat info;

    assert_non_null(path);
    assert_int_equal(stat(path, &info), 0);
    return info;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void the_directory_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    assert_int_equal(stat_of(rig.path).st_mode & 07777, 0700);
    assert_int_equal(stat_of(find(".lock")).st_mode & 07777, 0600);
}

static void a_directory_that_others_may_write_to_is_refused(void **state)
{
    struct dlr_journal other;

    (void)state;
    assert_int_equal(chmod(rig.path, 0770), 0);
    assert_int_equal(open_journal(&other, 0), EPERM);
    assert_int_equal(chmod(rig.path, 0700), 0);
}

static void a_segment_is_a_file_with_its_blocks_and_a_head(void **state)
{
    struct dlr_segment *segment = make(100000);
    struct stat info = stat_of(find(".seg"));
    struct dlr_segment_head head;

    (void)state;
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_true((size_t)info.st_size == segment->held_bytes);
    assert_true((size_t)info.st_blocks * 512 >= segment->held_bytes);
    assert_true(segment->cap >= 100000);
    assert_int_equal(
        dlr_segment_head_read(segment->mapping, segment->held_bytes, &head),
        DLR_HEAD_GOOD);
    assert_true(head.generation == segment->generation);
    assert_true((head.generation & 1) == 1);
    assert_memory_equal(head.destination, rig.journal.destination,
                        DLR_DESTINATION_BYTES);
    retire(segment);
}

static void segments_differ_in_their_generation(void **state)
{
    struct dlr_segment *first = make(1000);
    struct dlr_segment *second = make(1000);

    (void)state;
    assert_true(first->generation != second->generation);
    retire(first);
    retire(second);
}

static void the_key_stands_in_no_file_and_changes_the_destination(void **state)
{
    uint8_t other[DLR_DESTINATION_BYTES];

    (void)state;
    dlr_journal_destination("https://example.com/track", "dk_tesu", other);
    assert_memory_not_equal(other, rig.journal.destination, sizeof other);
    dlr_journal_destination("https://example.com/trac", "kdk_test", other);
    assert_memory_not_equal(other, rig.journal.destination, sizeof other);
    dlr_journal_destination("https://example.com/track", "dk_test", other);
    assert_memory_equal(other, rig.journal.destination, sizeof other);
}

static void a_segment_with_nothing_pending_leaves_no_file(void **state)
{
    (void)state;
    retire(make(1000));
    assert_null(find(".seg"));
}

static void a_segment_with_something_pending_leaves_what_was_used(void **state)
{
    struct dlr_segment *segment = make(100000);

    (void)state;
    segment->end = 300;
    segment->unsettled = 1;
    retire(segment);
    assert_int_equal(stat_of(find(".seg")).st_size,
                     DLR_SEGMENT_HEAD_BYTES + 300);
}

static void where_no_file_can_be_made_segments_are_memory(void **state)
{
    struct dlr_segment *segment;

    (void)state;
    limit_files(4096);
    segment = make(100000);
    limit_files(RLIM_INFINITY);
    assert_true(segment->generation == 0);
    assert_null(segment->owner);
    assert_null(find(".seg")); /* what was begun is removed */
    memset(segment->base, 'x', segment->cap);
    assert_int_equal(atomic_load(&rig.journal.error_count), 1);
    assert_int_equal(dlr_journal_take_error(&rig.journal), EFBIG);
    assert_int_equal(dlr_journal_take_error(&rig.journal), 0);
    retire(segment);
    assert_true(rig.journal.memory_bytes == 0);
}

static void segments_are_files_again_when_they_can_be(void **state)
{
    struct dlr_segment *segment;

    (void)state;
    limit_files(4096);
    retire(make(100000));
    limit_files(RLIM_INFINITY);
    segment = make(100000);
    assert_true(segment->generation != 0);
    retire(segment);
}

static void trouble_is_told_again_only_after_a_file_could_be_made(void **state)
{
    (void)state;
    limit_files(4096);
    retire(make(100000));
    assert_int_equal(dlr_journal_take_error(&rig.journal), EFBIG);
    retire(make(100000));
    assert_int_equal(dlr_journal_take_error(&rig.journal), 0);
    limit_files(RLIM_INFINITY);
    retire(make(100000));
    assert_int_equal(dlr_journal_take_error(&rig.journal), 0);
    limit_files(4096);
    retire(make(100000));
    limit_files(RLIM_INFINITY);
    assert_int_equal(dlr_journal_take_error(&rig.journal), EFBIG);
    assert_int_equal(atomic_load(&rig.journal.error_count), 3);
}

static void memory_in_place_of_files_has_a_ceiling_of_its_own(void **state)
{
    struct dlr_segment *first;
    struct dlr_segment *second = NULL;

    (void)state;
    limit_files(4096);
    first = make(800000);
    assert_int_equal(rig.maker.make(&rig.journal, 800000, false, 0, &second),
                     DATALYR_QUEUE_FULL);
    assert_null(second);
    retire(first);
    second = make(800000);
    limit_files(RLIM_INFINITY);
    retire(second);
}

static void a_removed_directory_leaves_memory(void **state)
{
    struct dlr_segment *before = make(1000);
    struct dlr_segment *after;

    (void)state;
    assert_int_equal(
        nftw(rig.path, test_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    after = make(1000);
    assert_true(after->generation == 0);
    memset(before->base, 'x', before->cap); /* no file, and no signal */
    before->unsettled = 1;
    retire(before);
    retire(after);
}

/* ---- a queue whose files can no longer be made */

#define EVENT_BYTES 1000u

static datalyr_status append_event(struct dlr_queue *queue)
{
    static char event[EVENT_BYTES];
    bool wakes;

    memset(event, ' ', sizeof event);
    event[0] = '{';
    event[sizeof event - 1] = '}';
    return dlr_queue_append(queue, dlr_text_n(event, sizeof event), NULL,
                            &wakes);
}

/* Fills the memory that stands in for files, and returns what the first event
 * beyond it is told. */
static datalyr_status fill_memory(struct dlr_queue *queue)
{
    datalyr_status status = DATALYR_OK;

    for (unsigned i = 0;
         i < 20000 && status == DATALYR_OK &&
         queue->ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW] == 0;
         i++) {
        status = append_event(queue);
    }
    return status;
}

/* A full disk: this program's own posix_fallocate() stands before the system's.
 * 0: it has room. */
static uint64_t disk_bytes;

static uint64_t count_bytes(void)
{
    DIR *dir = opendir(rig.path);
    struct dirent *entry;
    uint64_t bytes = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        struct stat info;

        if (fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 &&
            S_ISREG(info.st_mode)) {
            bytes += (uint64_t)info.st_size;
        }
    }
    (void)closedir(dir);
    return bytes;
}

int posix_fallocate(int fd, off_t offset, off_t len)
{
    if (disk_bytes > 0 && count_bytes() + (uint64_t)len > disk_bytes) {
        return ENOSPC;
    }
    return syscall(SYS_fallocate, fd, 0, offset, len) == 0 ? 0 : errno;
}

static void open_queue(struct dlr_queue *queue, datalyr_overflow overflow)
{
    struct dlr_queue_config config = queue_rig_config();

    config.max_events = UINT64_MAX;
    config.max_bytes = (uint64_t)32 << 20;
    config.max_age_ms = INT64_MAX;
    config.overflow = overflow;
    config.keeps_dropped = false;
    config.block_timeout_ms = 1;
    rig.journal.overflow = overflow;
    assert_int_equal(dlr_queue_init(queue, &config, &rig.maker), 0);
    for (unsigned i = 0; i < 4000; i++) {
        assert_int_equal(append_event(queue), DATALYR_OK);
    }
}

static void
no_event_on_the_disk_is_evicted_for_one_that_cannot_go_there(void **state)
{
    struct dlr_queue queue;
    uint64_t before;

    (void)state;
    open_queue(&queue, DATALYR_DROP_OLDEST);
    assert_int_equal(
        nftw(rig.path, test_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(fill_memory(&queue), DATALYR_NOMEM);
    assert_true(queue.ledger.pending > 4000); /* those in memory too */
    assert_int_equal(queue.ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW], 0);
    assert_int_equal(queue.ledger.refused[DATALYR_REFUSED_QUEUE_FULL], 1);
    before = queue.ledger.pending;
    assert_int_equal(append_event(&queue), DATALYR_NOMEM);
    assert_int_equal(queue.ledger.pending, before);
    dlr_queue_clear(&queue);
}

static void
who_waits_for_room_waits_also_where_no_file_can_be_made(void **state)
{
    struct dlr_queue queue;

    (void)state;
    open_queue(&queue, DATALYR_BLOCK);
    assert_int_equal(
        nftw(rig.path, test_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(fill_memory(&queue), DATALYR_QUEUE_FULL);
    dlr_queue_clear(&queue);
}

static void on_a_full_disk_the_oldest_make_room(void **state)
{
    struct dlr_queue queue;

    (void)state;
    open_queue(&queue, DATALYR_DROP_OLDEST);
    disk_bytes = count_bytes();
    assert_int_equal(fill_memory(&queue), DATALYR_OK);
    disk_bytes = 0;
    assert_in_range(queue.ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW], 1, 4000);
    dlr_queue_clear(&queue);
}

static void clients_of_one_directory_have_files_of_their_own(void **state)
{
    struct dlr_journal other;
    struct dlr_segment_maker maker = dlr_journal_maker(&other);
    struct dlr_segment *mine = make(1000);
    struct dlr_segment *theirs = NULL;

    (void)state;
    assert_int_equal(open_journal(&other, 0), 0);
    assert_string_not_equal(other.owner, rig.journal.owner);
    assert_int_equal(maker.make(&other, 1000, false, 0, &theirs), DATALYR_OK);
    assert_true(theirs->generation != 0);
    maker.retire(&other, theirs);
    dlr_journal_close(&other, true);
    assert_non_null(find(".seg"));
    retire(mine);
}

static void the_lock_file_stays_while_something_is_left(void **state)
{
    struct dlr_journal other;

    (void)state;
    assert_int_equal(open_journal(&other, 0), 0);
    dlr_journal_close(&rig.journal, true);
    dlr_journal_close(&other, false);
    assert_non_null(strstr(find(".lock"), other.owner));
    assert_int_equal(open_journal(&rig.journal, 0), 0);
}

/* Events of three bytes each. */
static int bury(const char *json)
{
    struct queue_rig *queue = queue_rig_open(queue_rig_config());
    struct dlr_slice slice;
    int error;

    for (; *json != '\0'; json += 3) {
        char event[4] = {json[0], json[1], json[2], '\0'};

        assert_int_equal(queue_rig_append(queue, event), DATALYR_OK);
    }
    assert_true(dlr_queue_take(&queue->queue, 10, SIZE_MAX, &slice));
    error = dlr_journal_bury(&rig.journal, dlr_slice_walk(&slice));
    dlr_queue_drop(&queue->queue, &slice, DATALYR_DROP_REJECTED_BY_SERVER);
    queue_rig_close(queue);
    return error;
}

static const char *read_buried(char *text, size_t cap)
{
    FILE *file = fopen(find(".dead-letter.ndjson"), "r");

    assert_non_null(file);
    text[fread(text, 1, cap - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void buried_events_stand_one_a_line(void **state)
{
    char text[64] = "";
    (void)state;
    assert_int_equal(bury("{1}"), 0);
    assert_int_equal(bury("{2}"), 0);
    assert_string_equal(read_buried(text, sizeof text), "{1}\n{2}\n");
}

static void burying_says_why_it_cannot(void **state)
{
    (void)state;
    limit_files(2);
    assert_int_equal(bury("{1}"), EFBIG);
    limit_files(RLIM_INFINITY);
    assert_null(find(".dead-letter.ndjson")); /* none that is empty */
    assert_int_equal(atomic_load(&rig.journal.error_count), 1);
}

static void a_full_disk_leaves_no_half_a_line_among_the_buried(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(bury("{1}"), 0);
    limit_files(6); /* room for two bytes of it */
    assert_int_equal(bury("{2}"), EFBIG);
    limit_files(7); /* for all but its end */
    assert_int_equal(bury("{2}"), EFBIG);
    limit_files(RLIM_INFINITY);
    assert_string_equal(read_buried(text, sizeof text), "{1}\n");
    assert_int_equal(bury("{3}"), 0);
    assert_string_equal(read_buried(text, sizeof text), "{1}\n{3}\n");
    assert_int_equal(atomic_load(&rig.journal.error_count), 2);
}

static void
what_is_buried_together_is_written_together_or_not_at_all(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(bury("{1}"), 0);
    limit_files(9); /* room for the second, not for the third */
    assert_int_equal(bury("{2}{3}"), EFBIG);
    limit_files(RLIM_INFINITY);
    assert_string_equal(read_buried(text, sizeof text), "{1}\n");
    assert_int_equal(bury("{2}{3}"), 0);
    assert_string_equal(read_buried(text, sizeof text), "{1}\n{2}\n{3}\n");
}

static void a_forked_child_forgets_without_touching_files(void **state)
{
    struct dlr_segment *segment = make(1000);
    const char *path = find(".seg");
    struct dlr_segment *copy = calloc(1, sizeof *copy);

    (void)state;
    assert_non_null(copy);
    rig.maker.forget(&rig.journal, copy);
    assert_non_null(path);
    assert_non_null(find(".seg"));
    retire(segment);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_directory_is_made_for_its_owner_alone),
        TEST(a_directory_that_others_may_write_to_is_refused),
        TEST(a_segment_is_a_file_with_its_blocks_and_a_head),
        TEST(segments_differ_in_their_generation),
        TEST(the_key_stands_in_no_file_and_changes_the_destination),
        TEST(a_segment_with_nothing_pending_leaves_no_file),
        TEST(a_segment_with_something_pending_leaves_what_was_used),
        TEST(where_no_file_can_be_made_segments_are_memory),
        TEST(segments_are_files_again_when_they_can_be),
        TEST(trouble_is_told_again_only_after_a_file_could_be_made),
        TEST(memory_in_place_of_files_has_a_ceiling_of_its_own),
        TEST(a_removed_directory_leaves_memory),
        TEST(no_event_on_the_disk_is_evicted_for_one_that_cannot_go_there),
        TEST(who_waits_for_room_waits_also_where_no_file_can_be_made),
        TEST(on_a_full_disk_the_oldest_make_room),
        TEST(clients_of_one_directory_have_files_of_their_own),
        TEST(the_lock_file_stays_while_something_is_left),
        TEST(buried_events_stand_one_a_line),
        TEST(burying_says_why_it_cannot),
        TEST(a_full_disk_leaves_no_half_a_line_among_the_buried),
        TEST(what_is_buried_together_is_written_together_or_not_at_all),
        TEST(a_forked_child_forgets_without_touching_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
