/* SPDX-License-Identifier: MIT */
/*
 * Directories: made private, checked, listed.
 *
 * DESIGN
 * What matters about the directory of a journal is who may write to it: whoever
 * can, can make us send events of his. So it must be ours and closed to
 * others, and we judge the open descriptor, not the name, which somebody could
 * move between the look and the use. A link to it is fine: operators move data
 * to larger disks that way, and the same judgement falls on what it leads to.
 */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

static int open_dir(int dir, const char *path, int *fd)
{
    do {
        *fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (*fd < 0 && errno == EINTR);
    return *fd < 0 ? errno : 0;
}

int dlr_dir_open_existing(const char *path, int *fd)
{
    return open_dir(DLR_FILE_CWD, path, fd);
}

int dlr_dir_open(const char *path, int *fd)
{
    struct dlr_file_info info;
    int error;

    *fd = -1;
    if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST) {
        return errno;
    }
    error = open_dir(DLR_FILE_CWD, path, fd);
    if (error == 0) {
        error = dlr_file_stat(*fd, &info);
    }
    if (error == 0 && (info.owner_id != (uint32_t)geteuid() ||
                       (info.permissions & (S_IWGRP | S_IWOTH)) != 0)) {
        error = EPERM;
    }
    if (error != 0) {
        dlr_file_close(fd);
    }
    return error;
}

int dlr_dir_sync(int dir)
{
    return fsync(dir) == 0 ? 0 : errno;
}

static bool is_real_name(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int dlr_dir_list(int dir, bool (*each)(void *self, const char *name),
                 void *self)
{
    struct dirent *entry;
    DIR *stream;
    int fd;
    int error;

    /* Opened anew: the stream takes the descriptor and moves its offset. */
    error = open_dir(dir, ".", &fd);
    if (error != 0) {
        return error;
    }
    stream = fdopendir(fd);
    if (stream == NULL) {
        error = errno;
        dlr_file_close(&fd);
        return error;
    }
    do {
        errno = 0;
        entry = readdir(stream);
        error = entry == NULL ? errno : 0;
    } while (entry != NULL &&
             (!is_real_name(entry->d_name) || each(self, entry->d_name)));
    (void)closedir(stream);
    return error;
}

int dlr_dir_free_bytes(int dir, uint64_t *bytes)
{
    struct statvfs info;

    *bytes = 0;
    if (fstatvfs(dir, &info) != 0) {
        return errno;
    }
    *bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_frsize;
    return 0;
}
