/* SPDX-License-Identifier: MIT */
/*
 * Journal: segments as mapped files.
 *
 * DESIGN
 * A store into a shared mapping is in the page cache when the instruction is
 * done; a process killed afterwards loses nothing of it. So recording an event
 * costs what it costs in memory. Blocks are allocated and pages brought in
 * before a segment is used, so that a full disk is an error here and not a
 * SIGBUS in the middle of somebody's call.
 *
 * Every client has files of its own, under a lock that dies with it: processes
 * that share a directory never wait for each other.
 *
 * Where no file can be made (full disk, quota, limits, errors), segments are
 * memory for as long as that lasts: events go on being accepted, survive less,
 * and somebody is told.
 */
#include "queue/journal.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ids.h"
#include "os/map.h"
#include "os/process.h"
#include "os/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Attempts to find an owner name that nobody has; one is enough but for a
 * process that takes over our lock file between making and locking it. */
#define OWNER_ATTEMPTS 8

void dlr_journal_destination(const char *host, const char *api_key,
                             uint8_t out[DLR_DESTINATION_BYTES])
{
    struct dlr_sha256 hash;
    uint8_t digest[DLR_SHA256_BYTES];

    dlr_sha256_init(&hash);
    dlr_sha256_add(&hash, "datalyr journal", 16);
    dlr_sha256_add(&hash, host, strlen(host) + 1);
    dlr_sha256_add(&hash, api_key, strlen(api_key) + 1);
    dlr_sha256_finish(&hash, digest);
    memcpy(out, digest, DLR_DESTINATION_BYTES);
}

static bool make_owner(char out[DLR_OWNER_CAP])
{
    char id[DLR_UUID_CAP];
    size_t len = 0;

    if (!dlr_ids_make_v7(dlr_clock_realtime_ms(), id)) {
        return false;
    }
    for (size_t i = 0; i < DLR_UUID_LEN; i++) {
        if (id[i] != '-') {
            out[len++] = id[i];
        }
    }
    out[len] = '\0';
    return true;
}

/* Makes and locks `<owner>.lock`. EAGAIN: somebody was faster, try again. */
static int take_owner(struct dlr_journal *journal)
{
    char name[DLR_JOURNAL_NAME_CAP];
    char line[64];
    struct dlr_file_info info;
    int len;
    int error;

    if (!make_owner(journal->owner)) {
        return EIO;
    }
    (void)snprintf(name, sizeof name, "%s.lock", journal->owner);
    error = dlr_file_open(journal->dir, name, DLR_FILE_EXCLUSIVE,
                          &journal->lock_file);
    if (error == 0) {
        error = dlr_file_try_lock(journal->lock_file);
    }
    if (error == 0) {
        error = dlr_file_stat(journal->lock_file, &info);
    }
    if (error == 0 && info.link_count == 0) {
        error = EAGAIN;
    }
    if (error == 0) {
        len = snprintf(line, sizeof line, "%" PRId64 "\n", dlr_process_id());
        /* For people who look; nothing depends on it. */
        (void)dlr_file_write_at(journal->lock_file, 0, line, (size_t)len);
        return 0;
    }
    dlr_file_close(&journal->lock_file);
    return error == EWOULDBLOCK || error == EEXIST ? EAGAIN : error;
}

void dlr_journal_note_error(struct dlr_journal *journal, int error)
{
    atomic_fetch_add(&journal->error_count, 1);
    dlr_mutex_lock(&journal->lock);
    if (!journal->is_ill) {
        journal->is_ill = true;
        journal->last_error = error;
    }
    dlr_mutex_unlock(&journal->lock);
}

/* A name and its lock, unless we have them. */
static int ensure_owner(struct dlr_journal *journal)
{
    int error = EAGAIN;

    dlr_mutex_lock(&journal->lock);
    if (journal->lock_file >= 0) {
        error = 0;
    }
    for (int i = 0; i < OWNER_ATTEMPTS && error == EAGAIN; i++) {
        error = take_owner(journal);
    }
    dlr_mutex_unlock(&journal->lock);
    return error;
}

int dlr_journal_open(struct dlr_journal *journal,
                     const struct dlr_journal_config *config)
{
    int error;

    memset(journal, 0, sizeof *journal);
    journal->lock_file = -1;
    journal->sync = config->sync;
    journal->overflow = config->overflow;
    journal->memory_max = config->memory_max;
    journal->boot_mark = dlr_process_boot_mark();
    dlr_journal_destination(config->host, config->api_key,
                            journal->destination);
    error = dlr_dir_open(config->path, &journal->dir);
    if (error == 0) {
        error = dlr_mutex_init(&journal->lock);
    }
    if (error != 0) {
        dlr_file_close(&journal->dir);
        return error;
    }
    error = ensure_owner(journal);
    if (error != 0) {
        dlr_journal_note_error(journal, error);
    }
    return 0;
}

void dlr_journal_close(struct dlr_journal *journal, bool is_empty)
{
    char name[DLR_JOURNAL_NAME_CAP];

    if (journal->lock_file >= 0 && is_empty) {
        (void)snprintf(name, sizeof name, "%s.lock", journal->owner);
        (void)dlr_file_remove(journal->dir, name);
    }
    dlr_file_close(&journal->lock_file);
    dlr_file_close(&journal->dir);
    dlr_mutex_clear(&journal->lock);
}

void dlr_journal_leave_to_parent(struct dlr_journal *journal)
{
    dlr_file_close(&journal->lock_file);
    dlr_file_close(&journal->dir);
}

static void name_segment(const struct dlr_journal *journal, uint32_t number,
                         char out[DLR_JOURNAL_NAME_CAP])
{
    (void)snprintf(out, DLR_JOURNAL_NAME_CAP, "%s-%08" PRIx32 ".seg",
                   journal->owner, number);
}

/* What a segment remembers of its file. */
struct file_place {
    uint32_t number;
};

/* Makes the file with its blocks and maps it. */
static int map_new_file(struct dlr_journal *journal, const char *name,
                        size_t bytes, bool populate, void **mapping)
{
    int fd = -1;
    int error = dlr_file_open(journal->dir, name, DLR_FILE_EXCLUSIVE, &fd);
    bool is_made = error == 0;

    if (error == 0) {
        error = dlr_file_allocate(fd, bytes);
    }
    if (error == 0 && populate) {
        error = dlr_file_fill(fd, bytes);
    }
    if (error == 0) {
        error = dlr_map_file(fd, 0, bytes, mapping);
    }
    if (error == 0 && journal->sync != DATALYR_SYNC_NONE) {
        error = dlr_dir_sync(journal->dir);
    }
    dlr_file_close(&fd);
    if (error != 0 && is_made) {
        dlr_map_unmap(*mapping, *mapping == NULL ? 0 : bytes);
        *mapping = NULL;
        (void)dlr_file_remove(journal->dir, name);
    }
    return error;
}

static void set_up(struct dlr_segment *segment,
                   const struct dlr_journal *journal, size_t bytes,
                   int64_t now_ms)
{
    struct dlr_segment_head head = {
        .generation = dlr_random_uint64() | 1u,
        .created_ms = dlr_clock_realtime_ms(),
        .boot_mark = journal->boot_mark,
        .booted_ms = now_ms,
    };

    memcpy(head.destination, journal->destination, DLR_DESTINATION_BYTES);
    dlr_segment_head_write(segment->mapping, &head);
    segment->base = (char *)segment->mapping + DLR_SEGMENT_HEAD_BYTES;
    segment->cap = (uint32_t)(bytes - DLR_SEGMENT_HEAD_BYTES);
    segment->held_bytes = bytes;
    segment->generation = head.generation;
    segment->created_ms = now_ms;
}

/* Gives the file the next number: names stand in the order of the log. */
static int rename_segment(struct dlr_journal *journal, struct file_place *place)
{
    char name[DLR_JOURNAL_NAME_CAP];
    char next[DLR_JOURNAL_NAME_CAP];
    uint32_t number;
    int error;

    dlr_mutex_lock(&journal->lock);
    number = ++journal->next_number;
    dlr_mutex_unlock(&journal->lock);
    name_segment(journal, place->number, name);
    name_segment(journal, number, next);
    error = dlr_file_rename(journal->dir, name, next);
    if (error == 0) {
        place->number = number;
    }
    return error;
}

/* From the first store to the last the file counts as empty, so that a process
 * killed meanwhile leaves neither old records nor halves of them. Pages whose
 * blocks are gone (a disk that failed, a file that somebody cut) are an error
 * before that, and no SIGBUS.
 *
 * After a power cut it would count as empty only if each step were on the disk
 * before the next, which takes longer than making a file: where the cut matters
 * files are not renewed. */
static bool renew(void *self, struct dlr_segment *segment, int64_t now_ms)
{
    struct dlr_journal *journal = self;
    int error;

    if (segment->generation == 0 /* memory, for want of a file */ ||
        journal->sync != DATALYR_SYNC_NONE) {
        return false;
    }
    error = dlr_map_populate(segment->mapping, segment->held_bytes);
    if (error == 0) {
        dlr_segment_head_void(segment->mapping);
        memset(segment->base, 0, segment->end);
        error = rename_segment(journal, segment->owner);
    }
    if (error != 0) {
        atomic_fetch_add(&journal->error_count, 1);
        return false;
    }
    set_up(segment, journal, segment->held_bytes, now_ms);
    dlr_segment_rewind(segment);
    return true;
}

static void note_recovery(struct dlr_journal *journal)
{
    dlr_mutex_lock(&journal->lock);
    journal->is_ill = false;
    dlr_mutex_unlock(&journal->lock);
}

/* There is neither a file nor memory for a segment. On a full disk the oldest
 * events make room for one. Where no file can be made for another reason they
 * would all go and make none: the new event is refused instead. */
static datalyr_status without_room(const struct dlr_journal *journal, int error)
{
    bool can_make_room = error == ENOSPC || error == EDQUOT;

    return journal->overflow == DATALYR_DROP_OLDEST && !can_make_room
               ? DATALYR_NOMEM
               : DATALYR_QUEUE_FULL;
}

/* A segment in memory in place of the file that could not be made. */
static datalyr_status fall_back(struct dlr_journal *journal, size_t min_bytes,
                                int64_t now_ms, int error,
                                struct dlr_segment **out)
{
    bool has_room;

    dlr_journal_note_error(journal, error);
    dlr_mutex_lock(&journal->lock);
    has_room = journal->memory_bytes + min_bytes <= journal->memory_max;
    dlr_mutex_unlock(&journal->lock);
    if (!has_room) {
        return without_room(journal, error);
    }
    if (dlr_memory_segments.make(NULL, min_bytes, false, now_ms, out) !=
        DATALYR_OK) {
        return DATALYR_NOMEM;
    }
    dlr_mutex_lock(&journal->lock);
    journal->memory_bytes += (*out)->held_bytes;
    dlr_mutex_unlock(&journal->lock);
    return DATALYR_OK;
}

static datalyr_status make(void *self, size_t min_bytes, bool populate,
                           int64_t now_ms, struct dlr_segment **out)
{
    struct dlr_journal *journal = self;
    size_t bytes = dlr_segment_bytes_for(min_bytes + DLR_SEGMENT_HEAD_BYTES);
    struct dlr_segment *segment = dlr_calloc(1, sizeof *segment);
    struct file_place *place = dlr_calloc(1, sizeof *place);
    char name[DLR_JOURNAL_NAME_CAP];
    int error = ENOMEM;

    *out = NULL;
    if (segment != NULL && place != NULL) {
        error = ensure_owner(journal);
    }
    if (error == 0) {
        dlr_mutex_lock(&journal->lock);
        place->number = ++journal->next_number;
        dlr_mutex_unlock(&journal->lock);
        name_segment(journal, place->number, name);
        error = map_new_file(journal, name, bytes, populate, &segment->mapping);
    }
    if (error == 0 && populate) {
        error = dlr_map_populate(segment->mapping, bytes);
        if (error != 0) {
            dlr_map_unmap(segment->mapping, bytes);
            (void)dlr_file_remove(journal->dir, name);
        }
    }
    if (error != 0) {
        dlr_free(place);
        dlr_free(segment);
        return fall_back(journal, min_bytes, now_ms, error, out);
    }
    note_recovery(journal);
    dlr_map_keep_from_children(segment->mapping, bytes);
    segment->owner = place;
    set_up(segment, journal, bytes, now_ms);
    *out = segment;
    return DATALYR_OK;
}

/* Cuts off what was never used, so that many small processes leave many small
 * files. */
static void trim(struct dlr_journal *journal, const char *name,
                 const struct dlr_segment *segment)
{
    int fd = -1;

    if (dlr_file_open(journal->dir, name, DLR_FILE_WRITE, &fd) == 0) {
        (void)dlr_file_truncate(fd, DLR_SEGMENT_HEAD_BYTES + segment->end);
        dlr_file_close(&fd);
    }
}

static void retire(void *self, struct dlr_segment *segment)
{
    struct dlr_journal *journal = self;
    struct file_place *place = segment->owner;
    char name[DLR_JOURNAL_NAME_CAP];

    if (place == NULL) {
        dlr_mutex_lock(&journal->lock);
        journal->memory_bytes -= segment->held_bytes;
        dlr_mutex_unlock(&journal->lock);
        dlr_memory_segments.retire(NULL, segment);
        return;
    }
    name_segment(journal, place->number, name);
    dlr_map_unmap(segment->mapping, segment->held_bytes);
    if (segment->unsettled == 0) {
        (void)dlr_file_remove(journal->dir, name);
    } else {
        trim(journal, name, segment);
    }
    dlr_free(place);
    dlr_free(segment);
}

static void forget(void *self, struct dlr_segment *segment)
{
    (void)self;
    dlr_free(segment->owner);
    dlr_free(segment);
}

struct dlr_segment_maker dlr_journal_maker(struct dlr_journal *journal)
{
    struct dlr_segment_maker maker = {
        make, renew, retire, forget, journal, true,
    };

    return maker;
}

int dlr_journal_take_error(struct dlr_journal *journal)
{
    int error;

    dlr_mutex_lock(&journal->lock);
    error = journal->last_error;
    journal->last_error = 0;
    dlr_mutex_unlock(&journal->lock);
    return error;
}
