/* SPDX-License-Identifier: MIT */
/*
 * Journal: segments that are files, so that accepted events outlive their
 * process. This module owns the files of one client in `journal_dir`; those of
 * dead owners are the business of queue/heir.h.
 *
 *     <owner>.lock         held while the owner lives
 *     <owner>-<number>.seg segments, in order
 *     <owner>.dead-letter.ndjson  events that the server refused for good
 *     <owner>-<number>.damaged  what recovery set aside
 */
#ifndef DLR_QUEUE_JOURNAL_H
#define DLR_QUEUE_JOURNAL_H

#include "os/thread.h"
#include "queue/scan.h"
#include "queue/segment.h"
#include "queue/slice.h"

#include <datalyr.h>
#include <stdatomic.h>

#define DLR_OWNER_LEN 32u
#define DLR_OWNER_CAP 33u

/* "<owner>-00000001.seg" and a NUL. */
#define DLR_JOURNAL_NAME_CAP 64u

struct dlr_journal {
    int dir;       /* -1: not open */
    int lock_file; /* -1: none */
    char owner[DLR_OWNER_CAP];
    uint8_t destination[DLR_DESTINATION_BYTES];
    datalyr_sync_mode sync;
    datalyr_overflow overflow;
    uint64_t memory_max; /* bytes of segments that had to fall back to memory */
    uint32_t boot_mark;

    struct dlr_mutex lock;
    /* Guarded by `lock`. */
    uint32_t next_number;
    uint64_t memory_bytes;
    int last_error; /* errno of the failure to be told, 0 since it was */
    bool is_ill;    /* failed, and no file could be made since */

    _Atomic uint64_t error_count; /* files and syncs that failed */
};

struct dlr_journal_config {
    const char *path;
    const char *host;
    const char *api_key;
    datalyr_sync_mode sync;
    datalyr_overflow overflow;
    uint64_t memory_max;
};

/* Opens the directory (made with mode 0700) and takes an owner name and its
 * lock. 0 or an errno value; EPERM when the directory is not ours alone. When
 * only the lock cannot be made (full disk, read-only), that is no failure: it
 * is tried again with each segment, and until then segments are memory. */
int dlr_journal_open(struct dlr_journal *journal,
                     const struct dlr_journal_config *config);

/* Gives up the lock: what is pending in our files may be taken over. The lock
 * file goes when `is_empty`. */
void dlr_journal_close(struct dlr_journal *journal, bool is_empty);

/* In a forked child, at once: the lock must be the parent's alone. */
void dlr_journal_leave_to_parent(struct dlr_journal *journal);

/* The maker of segments for the queue. Borrows the journal. */
struct dlr_segment_maker dlr_journal_maker(struct dlr_journal *journal);

/* Counts a failure of the disk. The first is to be told by the library's
 * thread, and the next one only after a file could be made in between. */
void dlr_journal_note_error(struct dlr_journal *journal, int error);

/* Takes the last failure, to be told once; 0 if there is none. */
int dlr_journal_take_error(struct dlr_journal *journal);

/* Appends events to our dead-letter file, all or none, which has whole lines
 * only. 0 or an errno value, which is counted and left to the caller to tell.
 * For the library's thread. */
int dlr_journal_bury(struct dlr_journal *journal, struct dlr_walk walk);

/* The hash that stands for host and key in the heads of segments. */
void dlr_journal_destination(const char *host, const char *api_key,
                             uint8_t out[DLR_DESTINATION_BYTES]);

#endif
