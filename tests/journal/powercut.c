/* SPDX-License-Identifier: MIT */
/*
 * Powercut: a library to be preloaded that keeps beside each journal file what
 * a disk would hold after the power went: the bytes that were synced, and only
 * names whose directory was synced. The test kills the process and recovers
 * from there.
 *
 *     LD_PRELOAD=libpowercut.so POWERCUT_DIR=/where/the/disk/is program
 *
 * Each completed sync adds a byte to POWERCUT_DIR/../syncs, so that a test can
 * wait for one instead of sleeping.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Seen by the program in place of the C library's. */
#define REPLACES __attribute__((visibility("default")))

#define MAPPINGS_MAX 4096

struct mapping {
    char *base;
    size_t len;
    char name[NAME_MAX + 1];
    int disk;      /* the file that stands for the disk's blocks */
    bool has_name; /* its directory entry was synced */
};

static struct mapping mappings[MAPPINGS_MAX];
static size_t mapping_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *disk_dir(void)
{
    return getenv("POWERCUT_DIR");
}

static void disk_path(char out[PATH_MAX], const char *name, bool has_name)
{
    snprintf(out, PATH_MAX, "%s/%s%s", disk_dir(), has_name ? "" : "unnamed-",
             name);
}

static void note_mapping(void *base, size_t len, int fd)
{
    char link[64];
    char path[PATH_MAX];
    char disk[PATH_MAX];
    ssize_t path_len;
    struct mapping *mapping;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    path_len = readlink(link, path, sizeof path - 1);
    if (path_len <= 0 || disk_dir() == NULL) {
        return;
    }
    path[path_len] = '\0';
    if (strstr(path, ".seg") == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (mapping_count < MAPPINGS_MAX) {
        mapping = &mappings[mapping_count++];
        mapping->base = base;
        mapping->len = len;
        snprintf(mapping->name, sizeof mapping->name, "%s",
                 strrchr(path, '/') + 1);
        disk_path(disk, mapping->name, false);
        mapping->disk = open(disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (ftruncate(mapping->disk, (off_t)len) != 0) {
            _exit(99);
        }
    }
    pthread_mutex_unlock(&lock);
}

REPLACES void *mmap(void *address, size_t len, int protection, int flags,
                    int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);
    void *base;

    *(void **)&real = dlsym(RTLD_NEXT, "mmap");
    base = real(address, len, protection, flags, fd, offset);
    if (base != MAP_FAILED && fd >= 0 && (flags & MAP_SHARED) != 0 &&
        offset == 0) {
        note_mapping(base, len, fd);
    }
    return base;
}

static void count_sync(void)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/../syncs", disk_dir());
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        if (write(fd, ".", 1) != 1) {
            _exit(99);
        }
        close(fd);
    }
}

REPLACES int msync(void *address, size_t len, int flags)
{
    int (*real)(void *, size_t, int);
    int result;

    *(void **)&real = dlsym(RTLD_NEXT, "msync");
    result = real(address, len, flags);
    if (result != 0 || (flags & MS_SYNC) == 0 || disk_dir() == NULL) {
        return result;
    }
    pthread_mutex_lock(&lock);
    for (size_t i = mapping_count; i > 0; i--) {
        struct mapping *mapping = &mappings[i - 1];
        char *from = address;

        if (from >= mapping->base && from < mapping->base + mapping->len) {
            if (pwrite(mapping->disk, from, len,
                       (off_t)(from - mapping->base)) != (ssize_t)len) {
                _exit(99);
            }
            break;
        }
    }
    count_sync();
    pthread_mutex_unlock(&lock);
    return 0;
}

/* A directory that is synced keeps its names. */
REPLACES int fsync(int fd)
{
    int (*real)(int);
    char from[PATH_MAX];
    char to[PATH_MAX];

    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < mapping_count && disk_dir() != NULL; i++) {
        if (!mappings[i].has_name) {
            disk_path(from, mappings[i].name, false);
            disk_path(to, mappings[i].name, true);
            mappings[i].has_name = rename(from, to) == 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return real(fd);
}
