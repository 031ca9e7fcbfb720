/* SPDX-License-Identifier: MIT */
#include "os/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"
#include "support/folder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

static int make_file(const char *name, uint64_t size_bytes)
{
    int fd = -1;

    assert_int_equal(dlr_file_open(DLR_FILE_CWD,
                                   test_folder_path(&folder, name),
                                   DLR_FILE_CREATE, &fd),
                     0);
    assert_int_equal(dlr_file_allocate(fd, size_bytes), 0);
    return fd;
}

/* How many pages of a mapping are in memory. */
static size_t count_present(void *address, size_t len)
{
    unsigned char pages[64];
    size_t count = len / dlr_map_page_bytes();
    size_t present = 0;

    assert_true(count <= sizeof pages);
    assert_int_equal(mincore(address, len, pages), 0);
    for (size_t i = 0; i < count; i++) {
        present += pages[i] & 1;
    }
    return present;
}

static void anonymous_memory_is_zeroed_and_writable(void **state)
{
    size_t len = 3 * dlr_map_page_bytes();
    void *address;
    char *bytes;

    (void)state;
    assert_int_equal(dlr_map_anonymous(len, &address), 0);
    bytes = address;
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], 0);
        bytes[i] = 1;
    }
    dlr_map_discard(address, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], 0);
    }
    dlr_map_unmap(address, len);
    dlr_map_unmap(NULL, len);
}

static void populating_brings_all_pages_in(void **state)
{
    size_t len = 16 * dlr_map_page_bytes();
    void *address;

    (void)state;
    assert_int_equal(dlr_map_anonymous(len, &address), 0);
    assert_int_equal(count_present(address, len), 0);
    assert_int_equal(dlr_map_populate(address, len), 0);
    if (count_present(address, len) == 0) {
        dlr_map_unmap(address, len);
        (void)printf("# skipped: this kernel cannot populate (Linux 5.14)\n");
        skip();
    }
    assert_int_equal(count_present(address, len), 16);
    dlr_map_unmap(address, len);
}

static void populating_beyond_the_end_of_a_file_is_an_error(void **state)
{
    size_t page = dlr_map_page_bytes();
    int fd = make_file("short", page);
    void *address;
    int error;

    (void)state;
    assert_int_equal(dlr_map_file(fd, 0, 2 * page, &address), 0);
    error = dlr_map_populate(address, 2 * page);
    assert_int_equal(dlr_map_populate(address, page), 0);
    dlr_map_unmap(address, 2 * page);
    dlr_file_close(&fd);
    if (error == 0) {
        (void)printf("# skipped: this kernel cannot populate (Linux 5.14)\n");
        skip();
    }
    /* Touching that page would have raised SIGBUS. */
    assert_int_equal(error, EFAULT);
}

static void bytes_written_to_a_mapping_are_in_the_file(void **state)
{
    size_t page = dlr_map_page_bytes();
    int fd = make_file("shared", 2 * page);
    char bytes[6] = "";
    size_t done;
    void *address;

    (void)state;
    assert_int_equal(dlr_map_file(fd, page, page, &address), 0);
    memcpy((char *)address + 10, "event", 5);
    assert_int_equal(dlr_file_read_at(fd, page + 10, bytes, 5, &done), 0);
    assert_string_equal(bytes, "event");
    assert_int_equal(dlr_map_sync(address, page, false), 0);
    assert_int_equal(dlr_map_sync(address, page, true), 0);
    dlr_map_unmap(address, page);
    assert_int_equal(dlr_map_file_readonly(fd, page, page, &address), 0);
    assert_memory_equal((char *)address + 10, "event", 5);
    dlr_map_unmap(address, page);
    dlr_file_close(&fd);
}

/* What law 6's "survives kill -9" rests on. */
static void bytes_of_a_killed_process_are_in_the_file(void **state)
{
    size_t page = dlr_map_page_bytes();
    int fd = make_file("killed", page);
    char bytes[9] = "";
    int status = 0;
    size_t done;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        void *address;

        if (dlr_map_file(fd, 0, page, &address) == 0) {
            memcpy(address, "survives", 8);
            (void)raise(SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(dlr_file_read_at(fd, 0, bytes, 8, &done), 0);
    assert_string_equal(bytes, "survives");
    dlr_file_close(&fd);
}

static void mapping_kept_from_children_is_not_there(void **state)
{
    size_t page = dlr_map_page_bytes();
    int status = 0;
    void *address;
    pid_t child;

    (void)state;
    assert_int_equal(dlr_map_anonymous(page, &address), 0);
    memcpy(address, "mine", 4);
    dlr_map_keep_from_children(address, page);
    child = fork();
    if (child == 0) {
        unsigned char present;

        _exit(mincore(address, page, &present) == 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_equal(address, "mine", 4);
    dlr_map_unmap(address, page);
}

static void impossible_mappings_are_errors(void **state)
{
    void *address = &address;

    (void)state;
    assert_int_equal(dlr_map_anonymous(0, &address), EINVAL);
    assert_null(address);
    assert_int_equal(dlr_map_anonymous(SIZE_MAX / 2, &address), ENOMEM);
    assert_null(address);
    assert_int_equal(dlr_map_file(-1, 0, 4096, &address), EBADF);
    assert_null(address);
    assert_int_equal(dlr_map_file_readonly(-1, 0, 4096, &address), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anonymous_memory_is_zeroed_and_writable),
        cmocka_unit_test(populating_brings_all_pages_in),
        cmocka_unit_test(populating_beyond_the_end_of_a_file_is_an_error),
        cmocka_unit_test(bytes_written_to_a_mapping_are_in_the_file),
        cmocka_unit_test(bytes_of_a_killed_process_are_in_the_file),
        cmocka_unit_test(mapping_kept_from_children_is_not_there),
        cmocka_unit_test(impossible_mappings_are_errors),
    };

    return cmocka_run_group_tests_name("map", tests, set_up, tear_down);
}
