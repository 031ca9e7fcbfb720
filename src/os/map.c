/* SPDX-License-Identifier: MIT */
/*
 * Map: mmap() and madvise().
 *
 * DESIGN
 * Touching a page of a file mapping that has no block behind it raises SIGBUS
 * when the disk is full, in the middle of somebody's track(). So files get
 * their blocks first (dlr_file_allocate), and pages are brought in by
 * MADV_POPULATE_WRITE, which returns an error where touching would raise.
 */
#include "os/map.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* Linux 5.14; not in the headers of older systems. */
#ifndef MADV_POPULATE_WRITE
#    define MADV_POPULATE_WRITE 23
#endif

size_t dlr_map_page_bytes(void)
{
    long size = sysconf(_SC_PAGESIZE);

    return size > 0 ? (size_t)size : 4096;
}

static int map(int fd, uint64_t offset, size_t len, int protection, void **out)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *address;

    *out = NULL;
    if (len == 0) {
        return EINVAL;
    }
    address = mmap(NULL, len, protection, flags, fd, (off_t)offset);
    if (address == MAP_FAILED) {
        return errno;
    }
    *out = address;
    return 0;
}

int dlr_map_anonymous(size_t len, void **out)
{
    return map(-1, 0, len, PROT_READ | PROT_WRITE, out);
}

int dlr_map_file(int fd, uint64_t offset, size_t len, void **out)
{
    *out = NULL;
    return fd < 0 ? EBADF : map(fd, offset, len, PROT_READ | PROT_WRITE, out);
}

int dlr_map_file_readonly(int fd, uint64_t offset, size_t len, void **out)
{
    *out = NULL;
    return fd < 0 ? EBADF : map(fd, offset, len, PROT_READ, out);
}

int dlr_map_populate(void *address, size_t len)
{
    int error;

    do {
        error = madvise(address, len, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
    } while (error == EINTR || error == EAGAIN);
    /* EINVAL is what a kernel says that does not know the advice. */
    return error == EINVAL ? 0 : error;
}

int dlr_map_sync(void *address, size_t len, bool wait)
{
    return msync(address, len, wait ? MS_SYNC : MS_ASYNC) == 0 ? 0 : errno;
}

void dlr_map_keep_from_children(void *address, size_t len)
{
    (void)madvise(address, len, MADV_DONTFORK);
}

void dlr_map_discard(void *address, size_t len)
{
    /* Failure costs memory, nothing else. */
    (void)madvise(address, len, MADV_DONTNEED);
}

void dlr_map_unmap(void *address, size_t len)
{
    if (address != NULL) {
        (void)munmap(address, len);
    }
}
