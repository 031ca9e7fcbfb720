/* SPDX-License-Identifier: MIT */
/*
 * Heir: sends what a look (queue/heir_look.c) found and counted.
 *
 * DESIGN
 * A loaded file becomes a segment outside of the log's list: its pending
 * records are moved together in anonymous memory, and where each stood in the
 * file is kept in the head's checksum field, which memory has no use for. When
 * nothing in it is pending any more, the file is removed; with the last file of
 * an owner goes its lock.
 */
#include "queue/heir_state.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/map.h"
#include "queue/log.h"

#include <errno.h>
#include <string.h>

/* Before this moment of 2020 no such file was made. */
#define EARLIEST_MS INT64_C(1577836800000)

/* The part of the memory for events that those of dead owners may take, beside
 * one file. */
#define LOADED_SHARE 2

/* What a loaded segment knows of its file. */
struct dlr_foreign_file {
    struct dlr_heir *heir;
    struct dlr_inheritance *inheritance;
    struct dlr_segment *segment;
    struct dlr_foreign_file *next; /* among the loaded */
    struct dlr_foreign_file *previous;
    char name[DLR_JOURNAL_NAME_CAP];
    bool is_damaged;
};

struct dlr_heir *dlr_heir_new(struct dlr_journal *journal,
                              struct dlr_queue *queue, int64_t max_age_ms)
{
    struct dlr_heir *heir = dlr_calloc(1, sizeof *heir);

    if (heir != NULL) {
        heir->journal = journal;
        heir->queue = queue;
        heir->max_age_ms = max_age_ms;
    }
    return heir;
}

static void end_inheritance(struct dlr_heir *heir,
                            struct dlr_inheritance *inheritance)
{
    struct dlr_inheritance **place = &heir->first;

    while (*place != inheritance) {
        place = &(*place)->next;
    }
    *place = inheritance->next;
    heir->owner_count -= 1;
    dlr_estate_close(heir->journal->dir, &inheritance->estate);
    dlr_free(inheritance);
}

void dlr_heir_end_if_done(struct dlr_heir *heir,
                          struct dlr_inheritance *inheritance)
{
    if (inheritance->open_files == 0 &&
        inheritance->counted == inheritance->estate.file_count) {
        end_inheritance(heir, inheritance);
    }
}

static void link_loaded(struct dlr_heir *heir, struct dlr_foreign_file *file)
{
    file->next = heir->loaded;
    if (file->next != NULL) {
        file->next->previous = file;
    }
    heir->loaded = file;
}

static void free_loaded(struct dlr_foreign_file *file)
{
    struct dlr_segment *segment = file->segment;

    if (file->previous != NULL) {
        file->previous->next = file->next;
    } else {
        file->heir->loaded = file->next;
    }
    if (file->next != NULL) {
        file->next->previous = file->previous;
    }
    file->heir->loaded_bytes -= segment->held_bytes;
    dlr_map_unmap(segment->mapping, segment->held_bytes);
    dlr_free(file);
    dlr_free(segment);
}

void dlr_heir_free(struct dlr_heir *heir)
{
    if (heir == NULL) {
        return;
    }
    while (heir->loaded != NULL) {
        free_loaded(heir->loaded);
    }
    dlr_estate_list_clear(&heir->owners);
    while (heir->first != NULL) {
        end_inheritance(heir, heir->first);
    }
    dlr_free(heir);
}

void dlr_heir_stop(struct dlr_heir *heir)
{
    atomic_store(&heir->is_stopped, true);
}

void dlr_heir_leave_to_parent(struct dlr_heir *heir)
{
    for (struct dlr_inheritance *each = heir->first; each != NULL;
         each = each->next) {
        dlr_file_close(&each->estate.lock_file);
    }
}

/* ---- sending */

static void retire_foreign(struct dlr_segment *segment)
{
    struct dlr_foreign_file *file = segment->owner;
    struct dlr_heir *heir = file->heir;

    dlr_heir_clear_away(heir->journal->dir, file->name, file->is_damaged);
    file->inheritance->open_files -= 1;
    dlr_heir_end_if_done(heir, file->inheritance);
    free_loaded(file);
}

/* Moves the pending records together at the beginning; each remembers its
 * place in the file instead of its checksum. */
static void gather_pending(struct dlr_segment *segment,
                           const struct dlr_estate_bytes *bytes)
{
    struct dlr_scan scan = dlr_estate_scan(bytes);
    struct dlr_found found;

    if (bytes->verdict != DLR_HEAD_GOOD) {
        return; /* it was whole when it was counted */
    }
    segment->base = bytes->mapping + DLR_SEGMENT_HEAD_BYTES;
    segment->cap = (uint32_t)scan.len;
    while (dlr_scan_next(&scan, &found)) {
        uint32_t span = dlr_record_span(found.head.len);
        char *to = segment->base + segment->end;

        if (found.head.state != DLR_RECORD_PENDING) {
            continue;
        }
        /* Never forwards, so what is still to be scanned stays whole. */
        memmove(to, segment->base + found.offset,
                DLR_RECORD_HEAD_BYTES + found.head.len);
        dlr_record_relabel(to, (uint32_t)found.offset, found.head.state);
        segment->end += span;
        segment->unsettled += 1;
    }
}

/* How old a segment is. The wall clock of then or of now may be wrong by years,
 * and events must not be dropped for that: they are as young as any clock says.
 * A wall clock that was never set says nothing, nor does one that went back. */
static int64_t age_of(const struct dlr_heir *heir,
                      const struct dlr_segment_head *head)
{
    const struct dlr_clock *clock = &heir->queue->config.clock;
    int64_t wall_ms = dlr_clock_wall_ms(clock);
    int64_t age_ms = 0;

    if (head->created_ms >= EARLIEST_MS && head->created_ms < wall_ms) {
        age_ms = wall_ms - head->created_ms;
    }
    if (head->boot_mark != 0 && head->boot_mark == heir->journal->boot_mark) {
        int64_t now_ms = dlr_clock_now_ms(clock);
        int64_t since_ms = head->booted_ms < 0 || head->booted_ms > now_ms
                               ? 0
                               : now_ms - head->booted_ms;

        age_ms = since_ms < age_ms ? since_ms : age_ms;
    }
    return age_ms;
}

static struct dlr_segment *make_segment(struct dlr_heir *heir,
                                        struct dlr_inheritance *inheritance,
                                        const struct dlr_estate_file *entry,
                                        struct dlr_estate_bytes *bytes)
{
    struct dlr_segment *segment = dlr_calloc(1, sizeof *segment);
    struct dlr_foreign_file *file = dlr_calloc(1, sizeof *file);
    int64_t age_ms = age_of(heir, &bytes->head);

    if (segment == NULL || file == NULL) {
        dlr_free(segment);
        dlr_free(file);
        return NULL;
    }
    file->heir = heir;
    file->inheritance = inheritance;
    file->segment = segment;
    link_loaded(heir, file);
    memcpy(file->name, entry->name, sizeof file->name);
    file->is_damaged = entry->is_damaged;
    segment->owner = file;
    segment->retire = retire_foreign;
    segment->is_foreign = true;
    segment->ordinal = UINT64_MAX;
    segment->created_ms = dlr_clock_now_ms(&heir->queue->config.clock) - age_ms;
    segment->mapping = bytes->mapping;
    segment->held_bytes = dlr_segment_bytes_for(bytes->mapped_bytes);
    heir->loaded_bytes += segment->held_bytes;
    gather_pending(segment, bytes);
    bytes->mapping = NULL; /* handed over */
    return segment;
}

/* The next file that has something to send. */
static struct dlr_inheritance *find_file(const struct dlr_heir *heir)
{
    for (struct dlr_inheritance *each = heir->first; each != NULL;
         each = each->next) {
        while (each->next_file < each->counted) {
            if (each->estate.files[each->next_file].pending > 0) {
                return each;
            }
            each->next_file += 1;
        }
    }
    return NULL;
}

/* What was counted and cannot be read any more is lost, and said so. */
static void write_off(struct dlr_queue *queue, uint64_t count)
{
    dlr_mutex_lock(&queue->lock);
    queue->ledger.pending -= count;
    queue->adopted -= count;
    queue->ledger.dropped[DATALYR_DROP_JOURNAL_CORRUPT] += count;
    if (queue->config.keeps_dropped) {
        queue->ledger.dropped_unreported += count;
        queue->unreported[DATALYR_DROP_JOURNAL_CORRUPT] += count;
    }
    dlr_mutex_unlock(&queue->lock);
}

/* Holds what a file was counted with against what is in it now. */
static void correct_count(struct dlr_queue *queue, uint64_t counted,
                          uint64_t found)
{
    struct dlr_tally more = {0};

    if (found < counted) {
        write_off(queue, counted - found);
    } else if (found > counted) {
        more.pending = found - counted;
        dlr_heir_enter(queue, &more);
    }
}

/* What may be different at the next look. */
static bool is_passing(int error)
{
    return error == ENOMEM || error == EMFILE || error == ENFILE;
}

/* Where the server takes nothing, what was loaded waits in memory. It stands
 * in the files too, so little of that is enough. */
static bool may_load(const struct dlr_heir *heir)
{
    uint64_t limit = heir->queue->config.memory_bytes / LOADED_SHARE;

    return !heir->is_waiting &&
           (heir->loaded == NULL || heir->loaded_bytes < limit);
}

static bool load_next(struct dlr_heir *heir)
{
    struct dlr_inheritance *inheritance = find_file(heir);
    struct dlr_estate_bytes bytes;
    struct dlr_estate_file *file;
    int error;

    if (inheritance == NULL || !may_load(heir)) {
        return false;
    }
    file = &inheritance->estate.files[inheritance->next_file++];
    error = dlr_estate_read(heir->journal->dir, file->name, &bytes);
    if (is_passing(error)) {
        inheritance->next_file -= 1;
        heir->is_waiting = true;
        return false;
    }
    if (error != 0) {
        write_off(heir->queue, file->pending);
        inheritance->open_files -= 1;
        dlr_heir_end_if_done(heir, inheritance);
        return false;
    }
    heir->segment = make_segment(heir, inheritance, file, &bytes);
    dlr_estate_release(&bytes);
    if (heir->segment == NULL) {
        inheritance->next_file -= 1;
        heir->is_waiting = true;
        return false;
    }
    heir->offset = 0;
    heir->left = heir->segment->unsettled;
    correct_count(heir->queue, file->pending, heir->left);
    dlr_mutex_lock(&heir->queue->lock);
    dlr_log_link_foreign(heir->queue, heir->segment);
    dlr_log_pin(heir->segment); /* until all of it is taken */
    dlr_mutex_unlock(&heir->queue->lock);
    return true;
}

bool dlr_heir_has_more(const struct dlr_heir *heir)
{
    return heir != NULL && !atomic_load(&heir->is_stopped) &&
           (heir->left > 0 || dlr_heir_can_look_on(heir) ||
            (may_load(heir) && find_file(heir) != NULL));
}

/* Moves one record from the file to the slice, or drops it for its age. */
static void take_one(struct dlr_heir *heir, struct dlr_slice *slice,
                     int64_t now_ms)
{
    struct dlr_queue *queue = heir->queue;
    struct dlr_position at = {heir->segment, heir->offset};
    struct dlr_record_head head = dlr_record_read(dlr_log_at(at));
    int64_t age_ms = now_ms - (at.segment->created_ms + head.time_ms);

    heir->offset += dlr_record_span(head.len);
    heir->left -= 1;
    if (age_ms > heir->max_age_ms) {
        dlr_log_settle(queue, at,
                       dlr_log_count_drop(queue, DATALYR_DROP_JOURNAL_EXPIRED));
        return;
    }
    if (slice->live == 0) {
        slice->first = at;
        slice->last_segment = at.segment;
        dlr_log_pin(at.segment);
    }
    slice->live += 1;
    slice->span += 1;
    slice->bytes += head.len + 1;
    queue->in_flight_events += 1;
}

static bool has_room(const struct dlr_heir *heir, const struct dlr_slice *slice,
                     uint32_t max_events, size_t max_bytes)
{
    struct dlr_position at = {heir->segment, heir->offset};

    return slice->live == 0 ||
           (slice->live < max_events &&
            slice->bytes + dlr_record_read(dlr_log_at(at)).len + 1 <=
                max_bytes);
}

/* With the lock held: up to DLR_LOG_STEP records; false when the slice is
 * complete, which it is at the end of a file. */
static bool take_some(struct dlr_heir *heir, uint32_t max_events,
                      size_t max_bytes, struct dlr_slice *slice)
{
    int64_t now_ms = dlr_clock_now_ms(&heir->queue->config.clock);

    for (uint32_t i = 0; i < DLR_LOG_STEP; i++) {
        if (heir->left == 0) {
            return slice->live == 0;
        }
        if (!has_room(heir, slice, max_events, max_bytes)) {
            return false;
        }
        take_one(heir, slice, now_ms);
    }
    return heir->left > 0 || slice->live == 0;
}

bool dlr_heir_take(struct dlr_heir *heir, uint32_t max_events, size_t max_bytes,
                   struct dlr_slice *out)
{
    bool has_more = true;

    memset(out, 0, sizeof *out);
    if (atomic_load(&heir->is_stopped)) {
        return false;
    }
    dlr_heir_look_on(heir);
    while (has_more && (heir->left > 0 || load_next(heir))) {
        dlr_mutex_lock(&heir->queue->lock);
        has_more = take_some(heir, max_events, max_bytes, out);
        if (heir->left == 0) {
            struct dlr_segment *segment = heir->segment;

            heir->segment = NULL;
            dlr_log_unpin(heir->queue, segment);
        }
        dlr_mutex_unlock(&heir->queue->lock);
    }
    return out->live > 0;
}

void dlr_heir_mark(struct dlr_walk walk)
{
    const struct dlr_foreign_file *file;
    struct dlr_position at;
    struct dlr_text json;
    int fd = -1;

    if (walk.at.segment == NULL || !walk.at.segment->is_foreign) {
        return;
    }
    file = walk.at.segment->owner;
    if (dlr_file_open(file->heir->journal->dir, file->name, DLR_FILE_WRITE,
                      &fd) != 0) {
        return; /* sent again by an heir, under the same event id */
    }
    while (dlr_walk_next(&walk, &at, &json)) {
        uint64_t place = DLR_SEGMENT_HEAD_BYTES +
                         (uint64_t)dlr_record_read(dlr_log_at(at)).crc;
        char head[DLR_RECORD_HEAD_BYTES];
        size_t done = 0;

        if (dlr_file_read_at(fd, place, head, sizeof head, &done) == 0 &&
            done == sizeof head) {
            dlr_record_mark(head, DLR_RECORD_DONE);
            (void)dlr_file_write_at(fd, place, head, sizeof head);
        }
    }
    dlr_file_close(&fd);
}
