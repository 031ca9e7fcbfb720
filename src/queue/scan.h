/* SPDX-License-Identifier: MIT */
/*
 * Scan: finds the records in the bytes of a segment that another process left
 * behind, whole or damaged. Files and locks are left to queue/journal.h.
 */
#ifndef DLR_QUEUE_SCAN_H
#define DLR_QUEUE_SCAN_H

#include "queue/record.h"

#define DLR_SEGMENT_HEAD_BYTES 128u
#define DLR_DESTINATION_BYTES  16u
#define DLR_JOURNAL_VERSION    1u

/* What stands at the beginning of a segment's file. */
struct dlr_segment_head {
    uint64_t generation;
    int64_t created_ms; /* wall clock */
    uint32_t boot_mark; /* dlr_process_boot_mark(); 0: not known */
    int64_t booted_ms;  /* the same moment by the monotonic clock */
    uint8_t destination[DLR_DESTINATION_BYTES]; /* hash of host and key */
};

enum dlr_head_verdict {
    DLR_HEAD_GOOD,
    DLR_HEAD_EMPTY,   /* nothing written yet, or being renewed */
    DLR_HEAD_FOREIGN, /* another version or byte order: not ours to touch */
    DLR_HEAD_DAMAGED
};

/* Writes the head. At whatever moment a kill comes, the file reads as empty or
 * with its whole head. */
void dlr_segment_head_write(char *at, const struct dlr_segment_head *head);

/* Makes the file read as empty, before its records are overwritten. */
void dlr_segment_head_void(char *at);

enum dlr_head_verdict dlr_segment_head_read(const char *at, size_t len,
                                            struct dlr_segment_head *head);

/* Walks over the records behind the head. All-zero but for the first three. */
struct dlr_scan {
    const char *base; /* behind the segment's head */
    size_t len;
    uint64_t generation;
    size_t offset; /* of what comes next */
    uint64_t damaged_bytes;
    uint64_t damaged_runs; /* each at least one record */
};

struct dlr_found {
    size_t offset;
    struct dlr_record_head head; /* state: PENDING, DONE or DEAD plus reason */
    struct dlr_text json;
};

/* The next whole record, skipping what is damaged; false at the end. */
bool dlr_scan_next(struct dlr_scan *scan, struct dlr_found *found);

#endif
