/* SPDX-License-Identifier: MIT */
/*
 * Map: memory straight from the system, private or backed by a file. Lengths
 * are rounded up to whole pages. Functions return 0 or an errno value; `*out`
 * is NULL on failure.
 */
#ifndef DLR_OS_MAP_H
#define DLR_OS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t dlr_map_page_bytes(void);

/* Zeroed memory that a forked child shares copy-on-write. */
int dlr_map_anonymous(size_t len, void **out);

/* `len` bytes of an open file from `offset` (a multiple of the page size), for
 * reading and writing; writes reach the file also if the process is killed. The
 * file must be that long already, or touching the rest raises SIGBUS. */
int dlr_map_file(int fd, uint64_t offset, size_t len, void **out);

/* The same for reading only. */
int dlr_map_file_readonly(int fd, uint64_t offset, size_t len, void **out);

/* Brings the pages in, writable, so that the first touch costs nothing. An
 * error says why not (ENOSPC, EIO, ENOMEM …) where touching them would have
 * raised SIGBUS; systems without that call touch nothing and say 0. */
int dlr_map_populate(void *address, size_t len);

/* Starts or (`wait`) completes writing a file mapping to its file. */
int dlr_map_sync(void *address, size_t len, bool wait);

/* Leaves a mapping out of forked children: they get no copy of what is not
 * theirs, and the parent pays for none. Where the kernel cannot, they get it. */
void dlr_map_keep_from_children(void *address, size_t len);

/* Gives pages back to the system. Those of a file read as before afterwards,
 * anonymous ones as zeros. */
void dlr_map_discard(void *address, size_t len);

/* Does nothing on NULL. */
void dlr_map_unmap(void *address, size_t len);

#endif
