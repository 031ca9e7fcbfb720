/* SPDX-License-Identifier: MIT */
/*
 * Bury: the dead-letter file, where events are kept that no server will take.
 *
 * DESIGN
 * What is refused together is written together or not at all: an event that
 * could not be written stays in the journal, and none stands in the file twice
 * for that.
 */
#include "os/file.h"
#include "queue/journal.h"

#include <stdio.h>

static int add_lines(int fd, struct dlr_walk walk, uint64_t place)
{
    struct dlr_position at;
    struct dlr_text json;
    int error = 0;

    while (error == 0 && dlr_walk_next(&walk, &at, &json)) {
        error = dlr_file_write_at(fd, place, json.ptr, json.len);
        if (error == 0) {
            error = dlr_file_write_at(fd, place + json.len, "\n", 1);
        }
        place += json.len + 1;
    }
    return error;
}

/* What replaces a synced record is as safe as that was. */
static int sync_if_promised(const struct dlr_journal *journal, int fd)
{
    int error = 0;

    if (journal->sync == DATALYR_SYNC_ALWAYS) {
        error = dlr_file_sync(fd);
        error = error != 0 ? error : dlr_dir_sync(journal->dir);
    }
    return error;
}

/* Adds all of it, or leaves the file as it was. */
static int add(const struct dlr_journal *journal, const char *name, int fd,
               struct dlr_walk walk)
{
    struct dlr_file_info info = {0};
    int error = dlr_file_stat(fd, &info);

    if (error != 0) {
        return error;
    }
    error = add_lines(fd, walk, info.size_bytes);
    if (error == 0) {
        error = sync_if_promised(journal, fd);
    }
    if (error != 0) {
        (void)dlr_file_truncate(fd, info.size_bytes);
    }
    if (error != 0 && info.size_bytes == 0) {
        (void)dlr_file_remove(journal->dir, name);
    }
    return error;
}

int dlr_journal_bury(struct dlr_journal *journal, struct dlr_walk walk)
{
    char name[DLR_JOURNAL_NAME_CAP];
    int fd = -1;
    int error;

    (void)snprintf(name, sizeof name, "%s.dead-letter.ndjson", journal->owner);
    error = dlr_file_open(journal->dir, name, DLR_FILE_CREATE, &fd);
    if (error == 0) {
        error = add(journal, name, fd, walk);
    }
    dlr_file_close(&fd);
    if (error != 0) {
        atomic_fetch_add(&journal->error_count, 1);
    }
    return error;
}
