/* SPDX-License-Identifier: MIT */
/*
 * Illdisk: a library to be preloaded that makes the files below a folder fail,
 * while the program runs and for as long as a test wants: no root, no mount,
 * and errors that a healthy disk never gives.
 *
 *     LD_PRELOAD=libilldisk.so ILLDISK_DIR=/the/folder ILLDISK_ORDER=/a/file
 *
 * The order is read at each call: "write 28" lets writes fail with that errno
 * (28 is a full disk, 5 a broken one, 30 one that became read-only), "sync 5"
 * lets syncs fail after the bytes were written, "seal 28" lets writes fail on
 * the thread that seals partitions, and no file means health.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

/* Seen by the program in place of the C library's. */
#define REPLACES __attribute__((visibility("default")))

static bool is_below(int fd)
{
    const char *folder = getenv("ILLDISK_DIR");
    char link[64];
    char path[PATH_MAX];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    if (len <= 0 || folder == NULL) {
        return false;
    }
    path[len] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0;
}

/* Is it ordered to fail? Then errno says how. */
static bool should_fail(const char *what, int fd)
{
    const char *order = getenv("ILLDISK_ORDER");
    FILE *file = order == NULL ? NULL : fopen(order, "re");
    char name[16] = "";
    int code = 0;
    bool answer;

    if (file == NULL) {
        return false;
    }
    answer = fscanf(file, "%15s %d", name, &code) == 2 &&
             strcmp(name, what) == 0 && is_below(fd);
    fclose(file);
    if (answer) {
        errno = code;
    }
    return answer;
}

static bool is_sealer(void)
{
    char name[17] = "";

    return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "dld-seal") == 0;
}

static bool should_fail_to_write(int fd)
{
    return should_fail("write", fd) || (is_sealer() && should_fail("seal", fd));
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

REPLACES ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t);

    *(void **)&real = next("pwrite64");
    return should_fail_to_write(fd) ? -1 : real(fd, bytes, len, at);
}

REPLACES ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite64(fd, bytes, len, at);
}

REPLACES ssize_t write(int fd, const void *bytes, size_t len)
{
    ssize_t (*real)(int, const void *, size_t);

    *(void **)&real = next("write");
    return should_fail_to_write(fd) ? -1 : real(fd, bytes, len);
}

REPLACES int ftruncate64(int fd, off64_t len)
{
    int (*real)(int, off64_t);

    *(void **)&real = next("ftruncate64");
    return should_fail_to_write(fd) ? -1 : real(fd, len);
}

REPLACES int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

REPLACES int fsync(int fd)
{
    int (*real)(int);

    *(void **)&real = next("fsync");
    return should_fail("sync", fd) ? -1 : real(fd);
}

REPLACES int fdatasync(int fd)
{
    int (*real)(int);

    *(void **)&real = next("fdatasync");
    return should_fail("sync", fd) ? -1 : real(fd);
}
