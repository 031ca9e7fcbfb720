/* SPDX-License-Identifier: MIT */
/* The functions of os/file.h that begin with dlr_dir_. */
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct test_folder folder;

static int set_up(void **state)
{
    (void)state;
    return test_folder_make(&folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(&folder);
    return 0;
}

static void missing_directory_is_made_private(void **state)
{
    struct dlr_file_info info;
    int dir = -1;

    (void)state;
    assert_int_equal(dlr_dir_open(test_folder_path(&folder, "new"), &dir), 0);
    assert_int_equal(dlr_file_stat(dir, &info), 0);
    assert_true(info.is_directory);
    assert_int_equal(info.permissions, 0700);
    dlr_file_close(&dir);
    assert_int_equal(dlr_dir_open(test_folder_path(&folder, "new"), &dir), 0);
    dlr_file_close(&dir);
}

static void directory_that_others_may_write_to_is_refused(void **state)
{
    char path[512];
    int dir = -1;

    (void)state;
    (void)snprintf(path, sizeof path, "%s", test_folder_path(&folder, "open"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0770), 0);
    assert_int_equal(dlr_dir_open(path, &dir), EPERM);
    assert_int_equal(dir, -1);
    assert_int_equal(chmod(path, 0707), 0);
    assert_int_equal(dlr_dir_open(path, &dir), EPERM);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(dlr_dir_open(path, &dir), 0);
    dlr_file_close(&dir);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_int_equal(dlr_dir_open(path, &dir), EPERM);
        assert_int_equal(dlr_dir_open_existing(path, &dir), 0);
        dlr_file_close(&dir);
    }
}

static void what_is_no_directory_is_refused(void **state)
{
    int fd = -1;

    (void)state;
    assert_int_equal(
        dlr_dir_open(test_folder_path(&folder, "missing/inner"), &fd), ENOENT);
    assert_int_equal(
        dlr_dir_open_existing(test_folder_path(&folder, "missing"), &fd),
        ENOENT);
    assert_int_equal(dlr_file_open(DLR_FILE_CWD,
                                   test_folder_path(&folder, "file"),
                                   DLR_FILE_CREATE, &fd),
                     0);
    dlr_file_close(&fd);
    assert_int_equal(dlr_dir_open(test_folder_path(&folder, "file"), &fd),
                     ENOTDIR);
    assert_int_equal(fd, -1);
}

struct names {
    unsigned seen;
    int count;
    int limit;
};

/* Names are "0" to "9". */
static bool note(void *self, const char *name)
{
    struct names *names = self;

    assert_int_equal(strlen(name), 1);
    names->seen |= 1U << (name[0] - '0');
    names->count++;
    return names->count != names->limit;
}

static void each_entry_is_listed_once(void **state)
{
    struct names names = {0};
    int dir = -1;

    (void)state;
    assert_int_equal(dlr_dir_open(test_folder_path(&folder, "list"), &dir), 0);
    for (char name[2] = "0"; name[0] <= '9'; name[0]++) {
        int fd = -1;

        assert_int_equal(dlr_file_open(dir, name, DLR_FILE_CREATE, &fd), 0);
        dlr_file_close(&fd);
    }
    assert_int_equal(dlr_dir_sync(dir), 0);
    for (int round = 0; round < 2; round++) { /* it begins anew each time */
        names = (struct names){0};
        assert_int_equal(dlr_dir_list(dir, note, &names), 0);
        assert_int_equal(names.count, 10);
        assert_int_equal(names.seen, 0x3ff);
    }
    names = (struct names){.limit = 3};
    assert_int_equal(dlr_dir_list(dir, note, &names), 0);
    assert_int_equal(names.count, 3);
    dlr_file_close(&dir);
    assert_int_equal(dlr_dir_list(dir, note, &names), EBADF);
}

static void free_space_is_told_in_bytes(void **state)
{
    uint64_t bytes = 0;
    int dir = -1;

    (void)state;
    assert_int_equal(dlr_dir_open_existing(folder.path, &dir), 0);
    assert_int_equal(dlr_dir_free_bytes(dir, &bytes), 0);
    assert_true(bytes > 0);
    dlr_file_close(&dir);
    assert_int_equal(dlr_dir_free_bytes(-1, &bytes), EBADF);
    assert_int_equal(bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_directory_is_made_private),
        cmocka_unit_test(directory_that_others_may_write_to_is_refused),
        cmocka_unit_test(what_is_no_directory_is_refused),
        cmocka_unit_test(each_entry_is_listed_once),
        cmocka_unit_test(free_space_is_told_in_bytes),
    };

    return cmocka_run_group_tests_name("dir", tests, set_up, tear_down);
}
