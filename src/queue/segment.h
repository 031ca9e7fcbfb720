/* SPDX-License-Identifier: MIT */
/*
 * Segment: a run of records in one piece of memory, which may be a file's.
 * Order and policy are the business of queue/queue.h.
 */
#ifndef DLR_QUEUE_SEGMENT_H
#define DLR_QUEUE_SEGMENT_H

#include "queue/record.h"

#include <datalyr.h>

struct dlr_segment {
    struct dlr_segment *next;
    struct dlr_segment *previous;
    uint64_t ordinal;    /* grows along the log */
    char *base;          /* of the records */
    uint32_t cap;        /* bytes that may be used */
    uint32_t end;        /* bytes used */
    uint32_t head;       /* everything before it is done */
    uint32_t unsettled;  /* records that are pending */
    uint32_t dead;       /* records dropped and not reported yet */
    uint32_t pins;       /* slices that reach into it */
    int64_t created_ms;  /* by the monotonic clock; records count from it */
    uint64_t generation; /* part of the checksums; 0: memory, no checksums */
    size_t held_bytes;   /* what it costs, overhead included */
    void *mapping;
    void *owner; /* the maker's own, such as a file */
    void (*retire)(struct dlr_segment *segment); /* foreign ones only */
    uint32_t synced; /* bytes that a power cut cannot take */
    bool is_foreign; /* a dead process's: read from its file, not mapped */
    bool is_cold;    /* its pages were given back */
};

/* Where segments come from and where they go: memory now, files with a
 * journal. `make` gives room for at least `min_bytes`; `now_ms` is monotonic.
 * `populate` brings the pages of a file in, which only the library's thread
 * asks for.
 * `renew` makes one with nothing pending in it as new, but for its warm pages;
 * false if that cannot be. It may take as long as a disk does where the maker
 * has files.
 * `retire` releases it; a file with nothing pending in it is removed, another
 * stays. `forget` releases a parent's segment in a forked child. */
struct dlr_segment_maker {
    datalyr_status (*make)(void *self, size_t min_bytes, bool populate,
                           int64_t now_ms, struct dlr_segment **out);
    bool (*renew)(void *self, struct dlr_segment *segment, int64_t now_ms);
    void (*retire)(void *self, struct dlr_segment *segment);
    void (*forget)(void *self, struct dlr_segment *segment);
    void *self;
    bool has_files; /* records need checksums */
};

/* Segments in anonymous memory, which a forked child does not inherit. */
extern const struct dlr_segment_maker dlr_memory_segments;

/* Forgets the records; what is behind them in memory stays. */
void dlr_segment_rewind(struct dlr_segment *segment);

/* The bytes that a new segment for `min_bytes` would hold. */
size_t dlr_segment_bytes_for(size_t min_bytes);

#endif
