/* SPDX-License-Identifier: MIT */
/*
 * Segment: those in anonymous memory. A forked child does not get the pages:
 * the events stay the parent's, and the parent pays for no copies.
 *
 * Pages are always brought in at once, also on the thread of a caller who comes
 * faster than the library's thread makes segments: touched one by one, each
 * seventh event would pay for a page, and all of them together twice as much.
 */
#include "queue/segment.h"

#include "base/mem.h"
#include "os/map.h"

size_t dlr_segment_bytes_for(size_t min_bytes)
{
    size_t page = dlr_map_page_bytes();

    return (min_bytes + page - 1) / page * page;
}

static datalyr_status make(void *self, size_t min_bytes, bool populate,
                           int64_t now_ms, struct dlr_segment **out)
{
    size_t bytes = dlr_segment_bytes_for(min_bytes);
    struct dlr_segment *segment = dlr_calloc(1, sizeof *segment);

    (void)self;
    (void)populate;
    *out = NULL;
    if (segment == NULL) {
        return DATALYR_NOMEM;
    }
    if (dlr_map_anonymous(bytes, &segment->mapping) != 0) {
        dlr_free(segment);
        return DATALYR_NOMEM;
    }
    dlr_map_keep_from_children(segment->mapping, bytes);
    /* Only speed is lost where it fails. */
    (void)dlr_map_populate(segment->mapping, bytes);
    segment->base = segment->mapping;
    segment->cap = (uint32_t)bytes;
    segment->held_bytes = bytes;
    segment->created_ms = now_ms;
    *out = segment;
    return DATALYR_OK;
}

void dlr_segment_rewind(struct dlr_segment *segment)
{
    segment->end = 0;
    segment->head = 0;
    segment->unsettled = 0;
    segment->dead = 0;
    segment->synced = 0;
}

/* Its clock starts with its first record. */
static bool renew(void *self, struct dlr_segment *segment, int64_t now_ms)
{
    (void)self;
    (void)now_ms;
    dlr_segment_rewind(segment);
    return true;
}

static void retire(void *self, struct dlr_segment *segment)
{
    (void)self;
    dlr_map_unmap(segment->mapping, segment->held_bytes);
    dlr_free(segment);
}

/* The child has the head of the segment, but never got its pages. */
static void forget(void *self, struct dlr_segment *segment)
{
    (void)self;
    dlr_free(segment);
}

const struct dlr_segment_maker dlr_memory_segments = {
    make, renew, retire, forget, NULL, false,
};
