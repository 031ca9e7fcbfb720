/* SPDX-License-Identifier: MIT */
/*
 * Estate: reads journals of other owners.
 *
 * DESIGN
 * The lock says whether an owner lives: it dies with the process, whatever
 * killed it, also when process numbers are used again. Files are read with
 * pread and never mapped: somebody who truncates one gets a short read from us
 * and no SIGBUS. A file that is not a plain file of ours is not looked at.
 */
#include "queue/estate.h"

#include "base/mem.h"
#include "os/file.h"
#include "os/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger than any segment that this library makes; a file beyond is not one. */
#define FILE_MAX_BYTES ((uint64_t)64 << 20)

int dlr_estate_open_dir(const char *path, int *dir)
{
    return dlr_dir_open_existing(path, dir);
}

void dlr_estate_close_dir(int *dir)
{
    dlr_file_close(dir);
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_digit = (text[i] >= '0' && text[i] <= '9') ||
                        (text[i] >= 'a' && text[i] <= 'f');

        if (!is_digit) {
            return false;
        }
    }
    return true;
}

/* True for a name that belongs to an owner; `rest` is what follows. */
static bool split_name(const char *name, char owner[DLR_OWNER_CAP],
                       const char **rest)
{
    if (strlen(name) <= DLR_OWNER_LEN || !is_hex(name, DLR_OWNER_LEN)) {
        return false;
    }
    memcpy(owner, name, DLR_OWNER_LEN);
    owner[DLR_OWNER_LEN] = '\0';
    *rest = name + DLR_OWNER_LEN;
    return true;
}

static bool is_segment_rest(const char *rest)
{
    return rest[0] == '-' && strlen(rest) == 13 && is_hex(rest + 1, 8) &&
           strcmp(rest + 9, ".seg") == 0;
}

struct names {
    char (*names)[DLR_JOURNAL_NAME_CAP];
    size_t count;
    size_t cap;
    const char *owner; /* NULL: of all owners, else this one's segments */
    bool is_failed;
};

static void add_name(struct names *names, const char *name)
{
    if (names->count == names->cap) {
        size_t cap = names->cap == 0 ? 16 : names->cap * 2;
        void *grown = dlr_realloc(names->names, cap * sizeof *names->names);

        if (grown == NULL) {
            names->is_failed = true;
            return;
        }
        names->names = grown;
        names->cap = cap;
    }
    (void)snprintf(names->names[names->count++], DLR_JOURNAL_NAME_CAP, "%s",
                   name);
}

static bool collect(void *self, const char *name)
{
    struct names *names = self;
    char owner[DLR_OWNER_CAP];
    const char *rest;

    if (!split_name(name, owner, &rest)) {
        return true;
    }
    if (names->owner == NULL) {
        if (is_segment_rest(rest) || strcmp(rest, ".lock") == 0) {
            add_name(names, name);
        }
    } else if (strcmp(owner, names->owner) == 0 && is_segment_rest(rest)) {
        add_name(names, name);
    }
    return !names->is_failed;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int list_names(int dir, const char *owner, struct names *names)
{
    int error;

    memset(names, 0, sizeof *names);
    names->owner = owner;
    error = dlr_dir_list(dir, collect, names);
    if (error == 0 && names->is_failed) {
        error = ENOMEM;
    }
    if (error == 0 && names->count > 0) {
        qsort(names->names, names->count, sizeof *names->names, compare_names);
    }
    return error;
}

int dlr_estate_list(int dir, struct dlr_estate_list *list)
{
    struct names names;
    int error = list_names(dir, NULL, &names);

    memset(list, 0, sizeof *list);
    if (error != 0) {
        dlr_free(names.names);
        return error;
    }
    list->names = names.names; /* handed over */
    list->count = names.count;
    return 0;
}

void dlr_estate_list_clear(struct dlr_estate_list *list)
{
    dlr_free(list->names);
    memset(list, 0, sizeof *list);
}

/* The names are sorted: the segments of an owner, then its lock. */
bool dlr_estate_list_next(struct dlr_estate_list *list,
                          struct dlr_estate_entry *entry)
{
    const char *rest;

    if (!dlr_estate_list_has_more(list)) {
        return false;
    }
    entry->names =
        (const char(*)[DLR_JOURNAL_NAME_CAP])list->names + list->next;
    entry->count = 0;
    (void)split_name(entry->names[0], entry->owner, &rest);
    while (list->next < list->count &&
           memcmp(list->names[list->next], entry->owner, DLR_OWNER_LEN) == 0) {
        entry->count +=
            is_segment_rest(list->names[list->next] + DLR_OWNER_LEN) ? 1 : 0;
        list->next += 1;
    }
    return true;
}

int dlr_estate_peek_listed(const struct dlr_estate_entry *entry,
                           struct dlr_estate *estate)
{
    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
    memcpy(estate->owner, entry->owner, sizeof estate->owner);
    if (entry->count == 0) {
        return 0;
    }
    estate->files = dlr_calloc(entry->count, sizeof *estate->files);
    if (estate->files == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < entry->count; i++) {
        memcpy(estate->files[i].name, entry->names[i], DLR_JOURNAL_NAME_CAP);
    }
    estate->file_count = entry->count;
    return 0;
}

int dlr_estate_peek(int dir, const char *owner, struct dlr_estate *estate)
{
    struct dlr_estate_entry entry = {0};
    struct names names;
    int error = list_names(dir, owner, &names);

    (void)snprintf(entry.owner, sizeof entry.owner, "%s", owner);
    if (error == 0) {
        entry.names = (const char(*)[DLR_JOURNAL_NAME_CAP])names.names;
        entry.count = names.count;
    }
    if (dlr_estate_peek_listed(&entry, estate) != 0) {
        error = ENOMEM;
    }
    dlr_free(names.names);
    return error;
}

/* The lock of a dead owner. */
static int take_lock(int dir, const char *owner, int *fd)
{
    char name[DLR_JOURNAL_NAME_CAP];
    struct dlr_file_info info = {0};
    int error;

    (void)snprintf(name, sizeof name, "%s.lock", owner);
    /* Made anew where it is missing: segments may have outlived it. */
    error = dlr_file_open(dir, name, DLR_FILE_CREATE, fd);
    if (error == 0) {
        error = dlr_file_try_lock(*fd);
    }
    if (error == 0) {
        error = dlr_file_stat(*fd, &info);
    }
    if (error == 0 && info.link_count == 0) {
        error = EWOULDBLOCK; /* its heir removed it a moment ago */
    }
    if (error != 0) {
        dlr_file_close(fd);
    }
    return error;
}

/* Keeps the lock of an estate whose files are known, or could not be. */
static int keep_lock(int fd, int error, struct dlr_estate *estate)
{
    if (error == 0) {
        estate->lock_file = fd;
    } else {
        dlr_file_close(&fd);
    }
    return error;
}

int dlr_estate_open(int dir, const char *owner, struct dlr_estate *estate)
{
    int fd = -1;
    int error = take_lock(dir, owner, &fd);

    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
    return error != 0
               ? error
               : keep_lock(fd, dlr_estate_peek(dir, owner, estate), estate);
}

int dlr_estate_open_listed(int dir, const struct dlr_estate_entry *entry,
                           struct dlr_estate *estate)
{
    int fd = -1;
    int error = take_lock(dir, entry->owner, &fd);

    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
    return error != 0
               ? error
               : keep_lock(fd, dlr_estate_peek_listed(entry, estate), estate);
}

int dlr_estate_remove(int dir, const struct dlr_estate *estate,
                      const char *name)
{
    return estate->lock_file < 0 ? EPERM : dlr_file_remove(dir, name);
}

static bool has_files(int dir, const struct dlr_estate *estate)
{
    bool is_there = false;

    for (size_t i = 0; i < estate->file_count && !is_there; i++) {
        int fd = -1;

        is_there = dlr_file_open(dir, estate->files[i].name, DLR_FILE_READ,
                                 &fd) != ENOENT;
        dlr_file_close(&fd);
    }
    return is_there;
}

void dlr_estate_close(int dir, struct dlr_estate *estate)
{
    char name[DLR_JOURNAL_NAME_CAP];

    if (estate->lock_file >= 0) {
        if (!has_files(dir, estate)) {
            (void)snprintf(name, sizeof name, "%s.lock", estate->owner);
            (void)dlr_file_remove(dir, name);
        }
        dlr_file_close(&estate->lock_file);
    }
    dlr_free(estate->files);
    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
}

enum dlr_head_verdict dlr_estate_read_head(int dir, const char *name,
                                           struct dlr_segment_head *head)
{
    char bytes[DLR_SEGMENT_HEAD_BYTES];
    size_t len = 0;
    int fd = -1;
    int error = dlr_file_open(dir, name, DLR_FILE_READ, &fd);

    if (error == 0) {
        error = dlr_file_read_at(fd, 0, bytes, sizeof bytes, &len);
    }
    dlr_file_close(&fd);
    return error == 0 ? dlr_segment_head_read(bytes, len, head)
                      : DLR_HEAD_DAMAGED;
}

int dlr_estate_read(int dir, const char *name, struct dlr_estate_bytes *out)
{
    struct dlr_file_info info = {0};
    void *mapping = NULL;
    int fd = -1;
    int error = dlr_file_open(dir, name, DLR_FILE_READ, &fd);

    memset(out, 0, sizeof *out);
    if (error == 0) {
        error = dlr_file_check_own(fd);
    }
    if (error == 0) {
        error = dlr_file_stat(fd, &info);
    }
    if (error == 0 && info.size_bytes > FILE_MAX_BYTES) {
        error = EFBIG;
    }
    if (error == 0 && info.size_bytes > 0) {
        error = dlr_map_anonymous((size_t)info.size_bytes, &mapping);
    }
    if (error == 0 && info.size_bytes > 0) {
        error = dlr_file_read_at(fd, 0, mapping, (size_t)info.size_bytes,
                                 &out->len);
    }
    dlr_file_close(&fd);
    if (error != 0) {
        dlr_map_unmap(mapping, (size_t)info.size_bytes);
        return error;
    }
    out->mapping = mapping;
    out->mapped_bytes = (size_t)info.size_bytes;
    out->verdict = out->len == 0
                       ? DLR_HEAD_EMPTY
                       : dlr_segment_head_read(mapping, out->len, &out->head);
    return 0;
}

void dlr_estate_release(struct dlr_estate_bytes *bytes)
{
    if (bytes->mapping != NULL) {
        dlr_map_unmap(bytes->mapping, bytes->mapped_bytes);
    }
    memset(bytes, 0, sizeof *bytes);
}

struct dlr_scan dlr_estate_scan(const struct dlr_estate_bytes *bytes)
{
    struct dlr_scan scan = {0};

    if (bytes->verdict == DLR_HEAD_GOOD) {
        scan.base = bytes->mapping + DLR_SEGMENT_HEAD_BYTES;
        scan.len = bytes->len - DLR_SEGMENT_HEAD_BYTES;
        scan.generation = bytes->head.generation;
    }
    return scan;
}

int dlr_estate_set_aside(int dir, const char *name)
{
    char aside[DLR_JOURNAL_NAME_CAP + 16];

    (void)snprintf(aside, sizeof aside, "%s.damaged", name);
    return dlr_file_rename(dir, name, aside);
}
