/* SPDX-License-Identifier: MIT */
#include "queue/estate.h"

#include "support/segment_file.h"

#include "os/file.h"
#include "support/folder.h"

#include <errno.h>
#include <unistd.h>

#define OWNER   "0123456789abcdef0123456789abcdef"
#define ANOTHER "fedcba9876543210fedcba9876543210"

static struct test_folder folder;
static int dir = -1;

static int set_up(void **state)
{
    (void)state;
    return test_folder_make(&folder) &&
                   dlr_estate_open_dir(folder.path, &dir) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    dlr_estate_close_dir(&dir);
    test_folder_remove(&folder);
    return 0;
}

static void put(const char *name, const void *bytes, size_t len)
{
    int fd = -1;

    assert_int_equal(dlr_file_open(dir, name, DLR_FILE_CREATE, &fd), 0);
    assert_int_equal(dlr_file_write_at(fd, 0, bytes, len), 0);
    dlr_file_close(&fd);
}

static bool is_there(const char *name)
{
    return access(test_folder_path(&folder, name), F_OK) == 0;
}

static void owners_are_those_with_a_lock_or_segments(void **state)
{
    struct dlr_estate_list list;
    struct dlr_estate_entry entry;

    (void)state;
    put(OWNER ".lock", "", 0);
    put(OWNER "-00000002.seg", "", 0);
    put(OWNER "-00000001.seg", "", 0);
    put(ANOTHER ".lock", "", 0);
    put("00000000000000000000000000000000.dead-letter.ndjson", "", 0);
    put("11111111111111111111111111111111-00000001.seg.damaged", "", 0);
    put("22222222222222222222222222222222-0000001.seg", "", 0);
    put("3333333333333333333333333333333X.lock", "", 0);
    put("notes.txt", "", 0);
    assert_int_equal(dlr_estate_list(dir, &list), 0);
    assert_true(dlr_estate_list_next(&list, &entry));
    assert_string_equal(entry.owner, OWNER);
    assert_int_equal(entry.count, 2);
    assert_string_equal(entry.names[0], OWNER "-00000001.seg");
    assert_string_equal(entry.names[1], OWNER "-00000002.seg");
    assert_true(dlr_estate_list_next(&list, &entry));
    assert_string_equal(entry.owner, ANOTHER);
    assert_int_equal(entry.count, 0);
    assert_false(dlr_estate_list_next(&list, &entry));
    dlr_estate_list_clear(&list);
    assert_false(dlr_estate_list_has_more(&list));
}

static void files_of_an_estate_come_in_the_order_of_their_numbers(void **state)
{
    struct dlr_estate estate;
    char name[DLR_JOURNAL_NAME_CAP];

    (void)state;
    for (unsigned i = 40; i > 0; i--) {
        (void)snprintf(name, sizeof name, OWNER "-%08x.seg", i);
        put(name, "", 0);
    }
    put(ANOTHER "-00000001.seg", "", 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &estate), 0);
    assert_int_equal(estate.file_count, 40);
    assert_string_equal(estate.files[0].name, OWNER "-00000001.seg");
    assert_string_equal(estate.files[39].name, OWNER "-00000028.seg");
    dlr_estate_close(dir, &estate);
}

static void a_living_owner_has_no_heir(void **state)
{
    struct dlr_estate estate;
    int fd = -1;

    (void)state;
    assert_int_equal(dlr_file_open(dir, OWNER ".lock", DLR_FILE_CREATE, &fd),
                     0);
    assert_int_equal(dlr_file_try_lock(fd), 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &estate), EWOULDBLOCK);
    assert_int_equal(estate.lock_file, -1);
    assert_int_equal(dlr_estate_peek(dir, OWNER, &estate), 0);
    assert_int_equal(dlr_estate_remove(dir, &estate, OWNER ".lock"), EPERM);
    dlr_estate_close(dir, &estate);
    assert_true(is_there(OWNER ".lock"));
    dlr_file_close(&fd);
}

static void a_dead_owner_has_one_heir(void **state)
{
    struct dlr_estate first;
    struct dlr_estate second;

    (void)state;
    put(OWNER ".lock", "1\n", 2);
    put(OWNER "-00000001.seg", "", 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &first), 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &second), EWOULDBLOCK);
    dlr_estate_close(dir, &first);
    assert_true(is_there(OWNER ".lock")); /* something is left */
    assert_int_equal(dlr_estate_open(dir, OWNER, &second), 0);
    assert_int_equal(dlr_estate_remove(dir, &second, OWNER "-00000001.seg"), 0);
    dlr_estate_close(dir, &second);
    assert_false(is_there(OWNER ".lock"));
}

static void segments_that_outlived_their_lock_file_are_taken(void **state)
{
    struct dlr_estate estate;

    (void)state;
    put(OWNER "-00000001.seg", "", 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &estate), 0);
    assert_int_equal(estate.file_count, 1);
    dlr_estate_close(dir, &estate);
}

static void a_link_in_place_of_a_lock_file_is_not_followed(void **state)
{
    struct dlr_estate estate;

    (void)state;
    put("elsewhere", "", 0);
    assert_int_equal(
        symlink("elsewhere", test_folder_path(&folder, OWNER ".lock")), 0);
    assert_int_equal(dlr_estate_open(dir, OWNER, &estate), ELOOP);
}

static int read_file(struct dlr_estate_bytes *bytes)
{
    return dlr_estate_read(dir, OWNER "-00000001.seg", bytes);
}

static void a_good_file_is_read_with_its_records(void **state)
{
    static struct segment_file file;
    struct dlr_estate_bytes bytes;
    struct dlr_segment_head head;
    struct dlr_scan scan;
    struct dlr_found found;

    (void)state;
    segment_file_begin(&file, NULL);
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    put(OWNER "-00000001.seg", file.bytes, file.len);
    assert_int_equal(dlr_estate_read_head(dir, OWNER "-00000001.seg", &head),
                     DLR_HEAD_GOOD);
    assert_int_equal(read_file(&bytes), 0);
    assert_int_equal(bytes.verdict, DLR_HEAD_GOOD);
    scan = dlr_estate_scan(&bytes);
    assert_true(dlr_scan_next(&scan, &found));
    assert_memory_equal(found.json.ptr, "{1}", 3);
    assert_false(dlr_scan_next(&scan, &found));
    dlr_estate_release(&bytes);
}

static void a_file_without_a_good_head_has_no_records(void **state)
{
    struct dlr_estate_bytes bytes;
    struct dlr_scan scan;
    struct dlr_found found;

    (void)state;
    put(OWNER "-00000001.seg", "nonsense", 8);
    assert_int_equal(read_file(&bytes), 0);
    assert_int_equal(bytes.verdict, DLR_HEAD_DAMAGED);
    scan = dlr_estate_scan(&bytes);
    assert_false(dlr_scan_next(&scan, &found));
    dlr_estate_release(&bytes);
}

static void an_empty_file_is_no_damage(void **state)
{
    struct dlr_estate_bytes bytes;

    (void)state;
    put(OWNER "-00000001.seg", "", 0);
    assert_int_equal(read_file(&bytes), 0);
    assert_int_equal(bytes.verdict, DLR_HEAD_EMPTY);
    dlr_estate_release(&bytes);
}

static void links_and_second_names_are_not_read(void **state)
{
    struct dlr_estate_bytes bytes;
    char path[512];

    (void)state;
    put("elsewhere", "x", 1);
    (void)snprintf(path, sizeof path, "%s",
                   test_folder_path(&folder, OWNER "-00000001.seg"));
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(read_file(&bytes), ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(test_folder_path(&folder, "elsewhere"), path), 0);
    assert_int_equal(read_file(&bytes), EPERM);
}

static void files_that_others_could_have_written_are_not_read(void **state)
{
    struct dlr_estate_bytes bytes;
    const char *path;

    (void)state;
    put(OWNER "-00000001.seg", "x", 1);
    path = test_folder_path(&folder, OWNER "-00000001.seg");
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(read_file(&bytes), EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() != 0) {
        return; /* only root can give files away */
    }
    assert_int_equal(chown(path, 4711, 4711), 0);
    assert_int_equal(read_file(&bytes), EPERM);
}

static void pipes_and_folders_are_not_read(void **state)
{
    struct dlr_estate_bytes bytes;
    struct dlr_segment_head head;
    char path[512];

    (void)state;
    (void)snprintf(path, sizeof path, "%s",
                   test_folder_path(&folder, OWNER "-00000001.seg"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_file(&bytes), EPERM);
    assert_int_equal(dlr_estate_read_head(dir, OWNER "-00000001.seg", &head),
                     DLR_HEAD_DAMAGED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_file(&bytes), EPERM);
}

static void a_file_larger_than_any_segment_is_not_read(void **state)
{
    struct dlr_estate_bytes bytes;

    (void)state;
    put(OWNER "-00000001.seg", "x", 1);
    assert_int_equal(
        truncate(test_folder_path(&folder, OWNER "-00000001.seg"), 65 << 20),
        0);
    assert_int_equal(read_file(&bytes), EFBIG);
}

static void what_is_set_aside_keeps_its_bytes(void **state)
{
    char text[16] = "";
    FILE *file;

    (void)state;
    put(OWNER "-00000001.seg", "nonsense", 8);
    assert_int_equal(dlr_estate_set_aside(dir, OWNER "-00000001.seg"), 0);
    assert_false(is_there(OWNER "-00000001.seg"));
    file = fopen(test_folder_path(&folder, OWNER "-00000001.seg.damaged"), "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 8);
    assert_string_equal(text, "nonsense");
    fclose(file);
    assert_int_equal(dlr_estate_set_aside(dir, OWNER "-00000001.seg"), ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(owners_are_those_with_a_lock_or_segments),
        TEST(files_of_an_estate_come_in_the_order_of_their_numbers),
        TEST(a_living_owner_has_no_heir),
        TEST(a_dead_owner_has_one_heir),
        TEST(segments_that_outlived_their_lock_file_are_taken),
        TEST(a_link_in_place_of_a_lock_file_is_not_followed),
        TEST(a_good_file_is_read_with_its_records),
        TEST(a_file_without_a_good_head_has_no_records),
        TEST(an_empty_file_is_no_damage),
        TEST(links_and_second_names_are_not_read),
        TEST(files_that_others_could_have_written_are_not_read),
        TEST(pipes_and_folders_are_not_read),
        TEST(a_file_larger_than_any_segment_is_not_read),
        TEST(what_is_set_aside_keeps_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
