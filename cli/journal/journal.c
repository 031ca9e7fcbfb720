/* SPDX-License-Identifier: MIT */
/*
 * Journal: reads a journal directory without changing it. Whether an owner
 * lives is asked of its lock, which is let go at once.
 */
#include "journal/journal.h"

#include "say.h"

#include <errno.h>
#include <string.h>

int cli_journal_open_dir(const struct cli_args *args, int *dir)
{
    const char *path = args->arguments[1];
    int error = dlr_estate_open_dir(path, dir);

    if (error == 0) {
        return CLI_EXIT_OK;
    }
    return cli_fail_try(CLI_EXIT_LOCAL, "ls -ld DIRECTORY",
                        "the journal directory %s cannot be read: %s", path,
                        strerror(error));
}

/* A living owner uses its files again: bytes that were read meanwhile are of
 * the old and of the new one, and all that was in the old one is settled. */
static bool was_renewed(int dir, const char *name,
                        const struct dlr_estate_bytes *bytes)
{
    struct dlr_segment_head now;

    return bytes->verdict == DLR_HEAD_GOOD &&
           (dlr_estate_read_head(dir, name, &now) != DLR_HEAD_GOOD ||
            now.generation != bytes->head.generation);
}

/* False if the file is gone: delivered, taken over, or renewed. */
static bool read_file(int dir, const char *name, struct dlr_estate_bytes *bytes)
{
    if (dlr_estate_read(dir, name, bytes) != 0) {
        return false;
    }
    if (was_renewed(dir, name, bytes)) {
        dlr_estate_release(bytes);
        return false;
    }
    return true;
}

static void add_file(int dir, const char *name, struct cli_journal *journal)
{
    struct dlr_estate_bytes bytes;
    struct dlr_scan scan;
    struct dlr_found found;

    if (!read_file(dir, name, &bytes)) {
        return;
    }
    journal->files += 1;
    journal->bytes += bytes.len;
    if (bytes.verdict == DLR_HEAD_GOOD) {
        memcpy(journal->destination, bytes.head.destination,
               DLR_DESTINATION_BYTES);
    } else if (bytes.verdict == DLR_HEAD_FOREIGN) {
        journal->is_readable = false;
    }
    scan = dlr_estate_scan(&bytes);
    while (dlr_scan_next(&scan, &found)) {
        int64_t at_ms = bytes.head.created_ms + found.head.time_ms;

        if (found.head.state == DLR_RECORD_PENDING) {
            journal->pending += 1;
            if (journal->oldest_ms == 0 || at_ms < journal->oldest_ms) {
                journal->oldest_ms = at_ms;
            }
        }
    }
    journal->damaged_bytes += scan.damaged_bytes;
    dlr_estate_release(&bytes);
}

static bool is_alive(int dir, const struct dlr_estate_entry *entry)
{
    struct dlr_estate estate;

    if (dlr_estate_open_listed(dir, entry, &estate) != 0) {
        return true;
    }
    dlr_estate_close(dir, &estate);
    return false;
}

static bool look_at(int dir, const struct dlr_estate_entry *entry,
                    struct cli_journal *journal)
{
    struct dlr_estate estate;

    memset(journal, 0, sizeof *journal);
    journal->is_readable = true;
    journal->is_alive = is_alive(dir, entry);
    if (dlr_estate_peek_listed(entry, &estate) != 0) {
        return false;
    }
    memcpy(journal->owner, estate.owner, sizeof journal->owner);
    for (size_t i = 0; i < estate.file_count; i++) {
        add_file(dir, estate.files[i].name, journal);
    }
    dlr_estate_close(dir, &estate);
    return true;
}

int cli_journal_each(int dir,
                     bool (*each)(void *self,
                                  const struct cli_journal *journal),
                     void *self)
{
    struct dlr_estate_list list;
    struct dlr_estate_entry entry;
    struct cli_journal journal;
    int error = dlr_estate_list(dir, &list);
    bool goes_on = true;

    while (goes_on && dlr_estate_list_next(&list, &entry)) {
        goes_on = !look_at(dir, &entry, &journal) || each(self, &journal);
    }
    dlr_estate_list_clear(&list);
    return error == 0 ? CLI_EXIT_OK
                      : cli_fail(CLI_EXIT_LOCAL,
                                 "the journal directory cannot be read: %s",
                                 strerror(error));
}

static bool walk_file(int dir, const char *name, cli_journal_event each,
                      void *self)
{
    struct dlr_estate_bytes bytes;
    struct dlr_scan scan;
    struct dlr_found found;
    bool goes_on = true;

    if (!read_file(dir, name, &bytes)) {
        return true;
    }
    scan = dlr_estate_scan(&bytes);
    while (goes_on && dlr_scan_next(&scan, &found)) {
        if (found.head.state == DLR_RECORD_PENDING) {
            goes_on = each(self, found.json,
                           bytes.head.created_ms + found.head.time_ms);
        }
    }
    dlr_estate_release(&bytes);
    return goes_on;
}

int cli_journal_walk(int dir, const char *owner, cli_journal_event each,
                     void *self)
{
    struct dlr_estate estate;
    bool goes_on = true;
    int error = dlr_estate_peek(dir, owner, &estate);

    for (size_t i = 0; error == 0 && goes_on && i < estate.file_count; i++) {
        goes_on = walk_file(dir, estate.files[i].name, each, self);
    }
    if (error == 0) {
        dlr_estate_close(dir, &estate);
    }
    return error == 0 ? CLI_EXIT_OK
                      : cli_fail(CLI_EXIT_LOCAL,
                                 "the journal directory cannot be read: %s",
                                 strerror(error));
}
