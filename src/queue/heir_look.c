/* SPDX-License-Identifier: MIT */
/*
 * Heir, looking: finds the journals of dead owners and counts what is in them.
 *
 * DESIGN
 * Each file is read once to count what is pending, one in memory at a time, and
 * once more to send it: a million events are in the ledger within a second or
 * two, in constant memory, while `track` goes on in the process's own log.
 *
 * The library's thread has other things to do than that: own events to send, a
 * close to end in time. So a look goes in steps of a few milliseconds, one each
 * time something is taken, and ends between two files when it is stopped. What
 * was not counted by then is still the dead owner's, and nobody's loss. It also
 * rests while many owners' events wait to be sent: each holds a descriptor.
 */
#include "queue/heir_state.h"

#include "base/mem.h"
#include "os/file.h"

#include <string.h>

/* What opening a file takes of a step, as if in bytes. */
#define FILE_COST (DLR_HEIR_STEP_BYTES / DLR_HEIR_STEP_FILES)

static struct dlr_tally count_records(const struct dlr_estate_bytes *bytes)
{
    struct dlr_scan scan = dlr_estate_scan(bytes);
    struct dlr_tally tally = {0};
    struct dlr_found found;

    while (dlr_scan_next(&scan, &found)) {
        tally.pending += found.head.state == DLR_RECORD_PENDING ? 1 : 0;
    }
    tally.damaged_runs = scan.damaged_runs;
    tally.damaged_bytes = scan.damaged_bytes;
    if (bytes->verdict == DLR_HEAD_DAMAGED) {
        tally.damaged_runs = 1;
        tally.damaged_bytes = bytes->len;
    }
    return tally;
}

void dlr_heir_enter(struct dlr_queue *queue, const struct dlr_tally *tally)
{
    dlr_mutex_lock(&queue->lock);
    queue->ledger.recovered += tally->pending + tally->damaged_runs;
    queue->ledger.pending += tally->pending;
    queue->adopted += tally->pending;
    queue->ledger.dropped[DATALYR_DROP_JOURNAL_CORRUPT] += tally->damaged_runs;
    queue->ledger.journal_corrupt_bytes += tally->damaged_bytes;
    if (queue->config.keeps_dropped) {
        queue->ledger.dropped_unreported += tally->damaged_runs;
        queue->unreported[DATALYR_DROP_JOURNAL_CORRUPT] += tally->damaged_runs;
    }
    dlr_mutex_unlock(&queue->lock);
}

/* Ends a file with nothing to send in it. What is damaged in one is kept, by
 * its new name: that needs no room on a full disk. */
void dlr_heir_clear_away(int dir, const char *name, bool is_damaged)
{
    if (is_damaged) {
        (void)dlr_estate_set_aside(dir, name);
    } else {
        (void)dlr_file_remove(dir, name);
    }
}

/* Counts one file; removes it when there is nothing in it to send. Returns what
 * it read. */
static size_t count_file(struct dlr_heir *heir,
                         struct dlr_inheritance *inheritance,
                         struct dlr_estate_file *file)
{
    int dir = heir->journal->dir;
    struct dlr_estate_bytes bytes;
    struct dlr_tally tally;
    size_t len;

    if (dlr_estate_read(dir, file->name, &bytes) != 0) {
        return 0; /* unreadable now; a later look tries again */
    }
    len = bytes.len;
    if (bytes.verdict != DLR_HEAD_FOREIGN) {
        tally = count_records(&bytes);
        file->pending = tally.pending;
        file->is_damaged = tally.damaged_bytes > 0;
        dlr_heir_enter(heir->queue, &tally);
        if (tally.pending > 0) {
            inheritance->open_files += 1;
        } else {
            dlr_heir_clear_away(dir, file->name, file->is_damaged);
        }
    }
    dlr_estate_release(&bytes);
    return len;
}

/* True if the first whole head of the estate names our destination; an estate
 * without any is nobody's, and ours to clear away. */
static bool is_for_us(const struct dlr_heir *heir,
                      const struct dlr_estate *estate)
{
    for (size_t i = 0; i < estate->file_count; i++) {
        struct dlr_segment_head head;
        enum dlr_head_verdict verdict = dlr_estate_read_head(
            heir->journal->dir, estate->files[i].name, &head);

        if (verdict == DLR_HEAD_GOOD) {
            return memcmp(head.destination, heir->journal->destination,
                          DLR_DESTINATION_BYTES) == 0;
        }
        if (verdict == DLR_HEAD_FOREIGN) {
            return false;
        }
    }
    return true;
}

/* At the end of its files an inheritance is like those before it, and may end
 * whenever nothing of it is left. */
static void go_on_if_counted(struct dlr_heir *heir,
                             struct dlr_inheritance *counting)
{
    bool is_counted = counting->counted == counting->estate.file_count;

    heir->counting = is_counted ? NULL : counting;
    dlr_heir_end_if_done(heir, counting);
}

/* Takes the lock of the next owner, if it is dead and its events are for us. */
static void take_over_next(struct dlr_heir *heir)
{
    struct dlr_inheritance *inheritance = dlr_calloc(1, sizeof *inheritance);
    struct dlr_estate_entry entry;

    if (!dlr_estate_list_next(&heir->owners, &entry) || inheritance == NULL ||
        strcmp(entry.owner, heir->journal->owner) == 0 ||
        dlr_estate_open_listed(heir->journal->dir, &entry,
                               &inheritance->estate) != 0) {
        dlr_free(inheritance); /* it lives, or somebody else is its heir */
        return;
    }
    inheritance->next = heir->first;
    heir->first = inheritance;
    heir->owner_count += 1;
    if (!is_for_us(heir, &inheritance->estate)) {
        inheritance->counted = inheritance->estate.file_count;
    }
    go_on_if_counted(heir, inheritance);
}

static size_t count_next(struct dlr_heir *heir)
{
    struct dlr_inheritance *counting = heir->counting;
    size_t len =
        count_file(heir, counting, &counting->estate.files[counting->counted]);

    counting->counted += 1;
    go_on_if_counted(heir, counting);
    return FILE_COST + len;
}

bool dlr_heir_can_look_on(const struct dlr_heir *heir)
{
    return heir->counting != NULL || (dlr_estate_list_has_more(&heir->owners) &&
                                      heir->owner_count < DLR_HEIR_OWNERS_MAX);
}

void dlr_heir_look_on(struct dlr_heir *heir)
{
    size_t spent = 0;

    while (spent < DLR_HEIR_STEP_BYTES && dlr_heir_can_look_on(heir) &&
           !atomic_load(&heir->is_stopped)) {
        if (heir->counting != NULL) {
            spent += count_next(heir);
        } else {
            take_over_next(heir);
            spent += FILE_COST;
        }
    }
    if (!dlr_estate_list_has_more(&heir->owners)) {
        dlr_estate_list_clear(&heir->owners);
    }
}

void dlr_heir_look(struct dlr_heir *heir)
{
    heir->is_waiting = false;
    if (!dlr_estate_list_has_more(&heir->owners)) {
        (void)dlr_estate_list(heir->journal->dir, &heir->owners);
    }
    dlr_heir_look_on(heir);
}
