/* SPDX-License-Identifier: MIT */
/*
 * Files: opened without following links, checked for ownership, read and
 * written whole. Functions return 0 or an errno value; a descriptor left in
 * `*fd` is -1 on failure. Names are relative to a directory descriptor
 * (DLR_FILE_CWD for the working directory), so that a renamed parent cannot
 * redirect us between two calls.
 */
#ifndef DLR_OS_FILE_H
#define DLR_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLR_FILE_CWD (-100) /* AT_FDCWD, pinned in file.c */

enum dlr_file_mode {
    DLR_FILE_READ,      /* must exist */
    DLR_FILE_WRITE,     /* reading and writing, must exist */
    DLR_FILE_CREATE,    /* reading and writing, made (0600) if missing */
    DLR_FILE_EXCLUSIVE, /* reading and writing, must not exist yet */
};

/* What is worth knowing about an open file. */
struct dlr_file_info {
    uint64_t size_bytes;
    uint64_t device;
    uint64_t inode;
    uint64_t link_count;
    uint32_t owner_id;
    uint32_t permissions; /* 0600 and so on */
    int64_t modified_ms;
    bool is_regular;
    bool is_directory;
};

/* Opens with O_NOFOLLOW and O_CLOEXEC. */
int dlr_file_open(int dir, const char *name, enum dlr_file_mode mode, int *fd);

/* Does nothing on -1, which it leaves. */
void dlr_file_close(int *fd);

int dlr_file_stat(int fd, struct dlr_file_info *info);

/* EPERM unless it is a regular file with one link that belongs to us and that
 * nobody else may write: a journal file planted by others must not be used. */
int dlr_file_check_own(int fd);

/* A lock on the whole file that dies with the open file description, and is
 * seen by other descriptors of this process too. EWOULDBLOCK if it is taken. */
int dlr_file_try_lock(int fd);
void dlr_file_unlock(int fd);

/* Reads up to `len` bytes at `offset`; fewer only at the end of the file. */
int dlr_file_read_at(int fd, uint64_t offset, void *bytes, size_t len,
                     size_t *done);

/* Writes all of it, or says why not. */
int dlr_file_write_at(int fd, uint64_t offset, const void *bytes, size_t len);

/* Writes `len` zeros from the beginning on. The pages of a file come into
 * memory this way many at a time: 4 MiB in a quarter of the time that the first
 * touch of each page in a mapping takes together. */
int dlr_file_fill(int fd, size_t len);

/* Gives the file real blocks up to `size_bytes` and that length at least, so
 * that a full disk shows here and not as SIGBUS in a mapping. */
int dlr_file_allocate(int fd, uint64_t size_bytes);
int dlr_file_truncate(int fd, uint64_t size_bytes);

/* Data (and the length) to the disk. */
int dlr_file_sync(int fd);

int dlr_file_rename(int dir, const char *old_name, const char *new_name);
int dlr_file_remove(int dir, const char *name);

/* Opens a directory, made with mode 0700 (its parents are not made) if it is
 * missing. EPERM unless it belongs to us and nobody else may write to it. */
int dlr_dir_open(const char *path, int *fd);

/* Opens a directory for reading, without making or judging it. */
int dlr_dir_open_existing(const char *path, int *fd);

/* Names made, changed or removed in it, to the disk. */
int dlr_dir_sync(int dir);

/* Calls `each` for the name of each entry but "." and "..", in no order, until
 * it returns false. */
int dlr_dir_list(int dir, bool (*each)(void *self, const char *name),
                 void *self);

/* Bytes an ordinary user may still write to the file system behind it. */
int dlr_dir_free_bytes(int dir, uint64_t *bytes);

#endif
