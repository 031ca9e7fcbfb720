/* SPDX-License-Identifier: MIT */
/*
 * Files: the system's calls, made whole and careful.
 *
 * DESIGN
 * Interrupted calls are repeated, short reads and writes completed. Nothing is
 * opened through a symbolic link, and a FIFO that somebody planted under our
 * name does not hold us up (O_NONBLOCK means nothing for regular files).
 *
 * Growing a file past the limit of the process (ulimit -f) raises SIGXFSZ,
 * which ends it. We look at the limit first and say EFBIG.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

_Static_assert(DLR_FILE_CWD == AT_FDCWD, "the header does not include fcntl.h");

#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)

static int open_flags(enum dlr_file_mode mode)
{
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

    switch (mode) {
    case DLR_FILE_READ:
        return flags | O_RDONLY;
    case DLR_FILE_WRITE:
        return flags | O_RDWR;
    case DLR_FILE_CREATE:
        return flags | O_RDWR | O_CREAT;
    case DLR_FILE_EXCLUSIVE:
        return flags | O_RDWR | O_CREAT | O_EXCL;
    }
    return flags;
}

static int open_whole(int dir, const char *name, int flags, int *fd)
{
    do {
        *fd = openat(dir, name, flags, S_IRUSR | S_IWUSR);
    } while (*fd < 0 && errno == EINTR);
    return *fd < 0 ? errno : 0;
}

int dlr_file_open(int dir, const char *name, enum dlr_file_mode mode, int *fd)
{
    return open_whole(dir, name, open_flags(mode), fd);
}

void dlr_file_close(int *fd)
{
    if (*fd >= 0) {
        /* Linux frees the descriptor whatever close() says, and what counts was
         * synced before. */
        (void)close(*fd);
        *fd = -1;
    }
}

int dlr_file_stat(int fd, struct dlr_file_info *info)
{
    struct stat found;

    *info = (struct dlr_file_info){0};
    if (fstat(fd, &found) != 0) {
        return errno;
    }
    *info = (struct dlr_file_info){
        .size_bytes = (uint64_t)found.st_size,
        .device = (uint64_t)found.st_dev,
        .inode = (uint64_t)found.st_ino,
        .link_count = (uint64_t)found.st_nlink,
        .owner_id = (uint32_t)found.st_uid,
        .permissions = (uint32_t)(found.st_mode & 07777),
        .modified_ms = (int64_t)found.st_mtim.tv_sec * 1000 +
                       found.st_mtim.tv_nsec / 1000000,
        .is_regular = S_ISREG(found.st_mode),
        .is_directory = S_ISDIR(found.st_mode),
    };
    return 0;
}

static bool is_ours(const struct dlr_file_info *info)
{
    return info->owner_id == (uint32_t)geteuid() &&
           (info->permissions & WRITABLE_BY_OTHERS) == 0;
}

int dlr_file_check_own(int fd)
{
    struct dlr_file_info info;
    int error = dlr_file_stat(fd, &info);

    if (error != 0) {
        return error;
    }
    return info.is_regular && info.link_count == 1 && is_ours(&info) ? 0
                                                                     : EPERM;
}

int dlr_file_try_lock(int fd)
{
    int error;

    do {
        error = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    } while (error == EINTR);
    return error;
}

void dlr_file_unlock(int fd)
{
    /* Fails for a descriptor that is none only. */
    (void)flock(fd, LOCK_UN);
}

int dlr_file_read_at(int fd, uint64_t offset, void *bytes, size_t len,
                     size_t *done)
{
    char *at = bytes;

    *done = 0;
    while (*done < len) {
        ssize_t count =
            pread(fd, at + *done, len - *done, (off_t)(offset + *done));

        if (count == 0) {
            return 0;
        }
        if (count > 0) {
            *done += (size_t)count;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* EFBIG if a file may not become that long. */
static int check_limit(uint64_t size_bytes)
{
    struct rlimit limit;

    if (size_bytes > INT64_MAX) {
        return EFBIG;
    }
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && size_bytes > limit.rlim_cur) {
        return EFBIG;
    }
    return 0;
}

int dlr_file_write_at(int fd, uint64_t offset, const void *bytes, size_t len)
{
    const char *at = bytes;
    int error = len > INT64_MAX - 1 || offset > INT64_MAX - len
                    ? EFBIG
                    : check_limit(offset + len);

    while (error == 0 && len > 0) {
        ssize_t count = pwrite(fd, at, len, (off_t)offset);

        if (count > 0) {
            at += count;
            offset += (uint64_t)count;
            len -= (size_t)count;
        } else if (count == 0) {
            error = EIO; /* promises never to happen, and must not loop */
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    return error;
}

int dlr_file_fill(int fd, size_t len)
{
    /* Large, for large pages; never written to, so it takes no memory. */
    static char zeros[256 << 10];
    size_t done = 0;
    int error = 0;

    while (error == 0 && done < len) {
        size_t count = len - done < sizeof zeros ? len - done : sizeof zeros;

        error = dlr_file_write_at(fd, done, zeros, count);
        done += count;
    }
    return error;
}

int dlr_file_allocate(int fd, uint64_t size_bytes)
{
    int error = check_limit(size_bytes);

    while (error == 0) {
        error = posix_fallocate(fd, 0, (off_t)size_bytes);
        if (error != EINTR) {
            return error;
        }
        error = 0;
    }
    return error;
}

int dlr_file_truncate(int fd, uint64_t size_bytes)
{
    int error = check_limit(size_bytes);

    while (error == 0) {
        if (ftruncate(fd, (off_t)size_bytes) == 0) {
            return 0;
        }
        error = errno == EINTR ? 0 : errno;
    }
    return error;
}

int dlr_file_sync(int fd)
{
    return fdatasync(fd) == 0 ? 0 : errno;
}

int dlr_file_rename(int dir, const char *old_name, const char *new_name)
{
    return renameat(dir, old_name, dir, new_name) == 0 ? 0 : errno;
}

int dlr_file_remove(int dir, const char *name)
{
    return unlinkat(dir, name, 0) == 0 ? 0 : errno;
}
