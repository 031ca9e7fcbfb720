/* SPDX-License-Identifier: MIT */
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test_folder folder;
static int dir = -1;

static int set_up(void **state)
{
    (void)state;
    if (!test_folder_make(&folder)) {
        return -1;
    }
    return dlr_dir_open_existing(folder.path, &dir);
}

static int tear_down(void **state)
{
    (void)state;
    dlr_file_close(&dir);
    test_folder_remove(&folder);
    return 0;
}

static int open_file(const char *name, enum dlr_file_mode mode)
{
    int fd = -1;

    assert_int_equal(dlr_file_open(dir, name, mode, &fd), 0);
    assert_true(fd >= 0);
    return fd;
}

static void mode_decides_whether_a_file_must_exist(void **state)
{
    int fd = 7;

    (void)state;
    assert_int_equal(dlr_file_open(dir, "new", DLR_FILE_READ, &fd), ENOENT);
    assert_int_equal(fd, -1);
    assert_int_equal(dlr_file_open(dir, "new", DLR_FILE_WRITE, &fd), ENOENT);
    fd = open_file("new", DLR_FILE_EXCLUSIVE);
    dlr_file_close(&fd);
    assert_int_equal(fd, -1);
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_open(dir, "new", DLR_FILE_EXCLUSIVE, &fd),
                     EEXIST);
    fd = open_file("new", DLR_FILE_CREATE);
    dlr_file_close(&fd);
    fd = open_file("new", DLR_FILE_READ);
    assert_int_equal(dlr_file_write_at(fd, 0, "x", 1), EBADF);
    dlr_file_close(&fd);
}

static void new_file_is_private_and_closed_on_exec(void **state)
{
    struct dlr_file_info info;
    int fd = open_file("private", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(dlr_file_stat(fd, &info), 0);
    assert_int_equal(info.permissions, 0600);
    assert_int_equal(info.owner_id, geteuid());
    assert_int_equal(info.link_count, 1);
    assert_int_equal(info.size_bytes, 0);
    assert_true(info.is_regular);
    assert_false(info.is_directory);
    assert_true(info.modified_ms > INT64_C(1600000000000));
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(dlr_file_check_own(fd), 0);
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_stat(-1, &info), EBADF);
}

static void links_are_not_followed(void **state)
{
    int fd = open_file("target", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(symlinkat("target", dir, "link"), 0);
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_open(dir, "link", DLR_FILE_READ, &fd), ELOOP);
    assert_int_equal(dlr_file_open(dir, "link", DLR_FILE_CREATE, &fd), ELOOP);
}

static void foreign_looking_files_are_not_ours(void **state)
{
    int fd = open_file("twice", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(linkat(dir, "twice", dir, "second", 0), 0);
    assert_int_equal(dlr_file_check_own(fd), EPERM);
    assert_int_equal(dlr_file_remove(dir, "second"), 0);
    assert_int_equal(dlr_file_check_own(fd), 0);
    assert_int_equal(fchmod(fd, 0620), 0);
    assert_int_equal(dlr_file_check_own(fd), EPERM);
    assert_int_equal(fchmod(fd, 0602), 0);
    assert_int_equal(dlr_file_check_own(fd), EPERM);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(dlr_file_check_own(fd), 0);
    if (geteuid() == 0) {
        assert_int_equal(fchown(fd, 12345, (gid_t)-1), 0);
        assert_int_equal(dlr_file_check_own(fd), EPERM);
    }
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_check_own(dir), EPERM);
}

/* Opening a FIFO for reading would wait for a writer for ever. */
static void planted_fifo_does_not_hold_us_up(void **state)
{
    int fd = -1;

    (void)state;
    assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
    assert_int_equal(dlr_file_open(dir, "fifo", DLR_FILE_READ, &fd), 0);
    assert_int_equal(dlr_file_check_own(fd), EPERM);
    dlr_file_close(&fd);
}

static void lock_excludes_other_descriptors_until_closed(void **state)
{
    int first = open_file("locked", DLR_FILE_CREATE);
    int second = open_file("locked", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(dlr_file_try_lock(first), 0);
    assert_int_equal(dlr_file_try_lock(first), 0);
    assert_int_equal(dlr_file_try_lock(second), EWOULDBLOCK);
    dlr_file_unlock(first);
    assert_int_equal(dlr_file_try_lock(second), 0);
    assert_int_equal(dlr_file_try_lock(first), EWOULDBLOCK);
    dlr_file_close(&second);
    assert_int_equal(dlr_file_try_lock(first), 0);
    dlr_file_close(&first);
}

static void lock_of_a_killed_process_is_free(void **state)
{
    int fd = open_file("orphan", DLR_FILE_CREATE);
    int ends[2];
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        int own = -1;

        if (dlr_file_open(dir, "orphan", DLR_FILE_WRITE, &own) == 0 &&
            dlr_file_try_lock(own) == 0 && write(ends[1], "x", 1) == 1) {
            (void)pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(dlr_file_try_lock(fd), EWOULDBLOCK);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(dlr_file_try_lock(fd), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    dlr_file_close(&fd);
}

static void bytes_are_read_where_they_were_written(void **state)
{
    char bytes[16] = "";
    size_t done = 99;
    int fd = open_file("data", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(dlr_file_write_at(fd, 5, "hello", 5), 0);
    assert_int_equal(dlr_file_read_at(fd, 5, bytes, 5, &done), 0);
    assert_int_equal(done, 5);
    assert_string_equal(bytes, "hello");
    assert_int_equal(dlr_file_read_at(fd, 7, bytes, sizeof bytes, &done), 0);
    assert_int_equal(done, 3);
    assert_int_equal(dlr_file_read_at(fd, 100, bytes, 1, &done), 0);
    assert_int_equal(done, 0);
    assert_int_equal(dlr_file_read_at(dir, 0, bytes, 1, &done), EISDIR);
    assert_int_equal(dlr_file_sync(fd), 0);
    assert_int_equal(dlr_file_truncate(fd, 6), 0);
    assert_int_equal(dlr_file_read_at(fd, 0, bytes, sizeof bytes, &done), 0);
    assert_int_equal(done, 6);
    dlr_file_close(&fd);
}

static void allocated_file_has_blocks_and_keeps_its_bytes(void **state)
{
    int fd = open_file("blocks", DLR_FILE_CREATE);
    struct stat info;
    char bytes[4] = "";
    size_t done;

    (void)state;
    assert_int_equal(dlr_file_write_at(fd, 0, "keep", 4), 0);
    assert_int_equal(dlr_file_allocate(fd, 1 << 20), 0);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 1 << 20);
    assert_true(info.st_blocks * 512 >= 1 << 20);
    assert_int_equal(dlr_file_read_at(fd, 0, bytes, 4, &done), 0);
    assert_memory_equal(bytes, "keep", 4);
    /* Smaller than it is already: nothing is cut. */
    assert_int_equal(dlr_file_allocate(fd, 4096), 0);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, 1 << 20);
    dlr_file_close(&fd);
}

static void filled_file_is_zeros_as_far_as_asked(void **state)
{
    enum { LEN = (600 << 10) + 5 };
    static char bytes[LEN + 1];
    int fd = open_file("zeros", DLR_FILE_CREATE);
    size_t done = 0;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(dlr_file_write_at(fd, 0, bytes, sizeof bytes), 0);
    assert_int_equal(dlr_file_fill(fd, LEN), 0);
    assert_int_equal(dlr_file_read_at(fd, 0, bytes, sizeof bytes, &done), 0);
    assert_int_equal(done, LEN + 1);
    for (size_t i = 0; i < LEN; i++) {
        assert_int_equal(bytes[i], 0);
    }
    assert_int_equal(bytes[LEN], 'x');
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_fill(fd, 1), EBADF);
}

static void limit_of_file_size_is_an_error_and_no_signal(void **state)
{
    int fd = open_file("limited", DLR_FILE_CREATE);
    int status = 0;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        struct rlimit limit = {1000, 1000};
        bool is_good = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                       dlr_file_allocate(fd, 4096) == EFBIG &&
                       dlr_file_truncate(fd, 4096) == EFBIG &&
                       dlr_file_write_at(fd, 999, "ab", 2) == EFBIG &&
                       dlr_file_write_at(fd, 998, "ab", 2) == 0;

        _exit(is_good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    dlr_file_close(&fd);
    assert_int_equal(status, 0);
}

static void offsets_beyond_what_files_have_are_refused(void **state)
{
    int fd = open_file("far", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(dlr_file_write_at(fd, INT64_MAX, "x", 1), EFBIG);
    assert_int_equal(dlr_file_write_at(fd, UINT64_MAX, "x", 1), EFBIG);
    assert_int_equal(dlr_file_allocate(fd, UINT64_MAX), EFBIG);
    assert_int_equal(dlr_file_truncate(fd, UINT64_MAX), EFBIG);
    dlr_file_close(&fd);
}

static void renaming_replaces_and_removing_removes(void **state)
{
    char bytes[3] = "";
    size_t done;
    int fd = open_file("old", DLR_FILE_CREATE);

    (void)state;
    assert_int_equal(dlr_file_write_at(fd, 0, "old", 3), 0);
    dlr_file_close(&fd);
    fd = open_file("other", DLR_FILE_CREATE);
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_rename(dir, "old", "other"), 0);
    assert_int_equal(dlr_file_open(dir, "old", DLR_FILE_READ, &fd), ENOENT);
    fd = open_file("other", DLR_FILE_READ);
    assert_int_equal(dlr_file_read_at(fd, 0, bytes, 3, &done), 0);
    assert_memory_equal(bytes, "old", 3);
    dlr_file_close(&fd);
    assert_int_equal(dlr_file_remove(dir, "other"), 0);
    assert_int_equal(dlr_file_remove(dir, "other"), ENOENT);
    assert_int_equal(dlr_file_rename(dir, "other", "old"), ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_decides_whether_a_file_must_exist),
        cmocka_unit_test(new_file_is_private_and_closed_on_exec),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(foreign_looking_files_are_not_ours),
        cmocka_unit_test(planted_fifo_does_not_hold_us_up),
        cmocka_unit_test(lock_excludes_other_descriptors_until_closed),
        cmocka_unit_test(lock_of_a_killed_process_is_free),
        cmocka_unit_test(bytes_are_read_where_they_were_written),
        cmocka_unit_test(allocated_file_has_blocks_and_keeps_its_bytes),
        cmocka_unit_test(filled_file_is_zeros_as_far_as_asked),
        cmocka_unit_test(limit_of_file_size_is_an_error_and_no_signal),
        cmocka_unit_test(offsets_beyond_what_files_have_are_refused),
        cmocka_unit_test(renaming_replaces_and_removing_removes),
    };

    return cmocka_run_group_tests_name("file", tests, set_up, tear_down);
}
