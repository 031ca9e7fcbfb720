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
    const char *owner; /* NULL: collect owners, else this one's segments */
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
            add_name(names, owner);
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

int dlr_estate_list_owners(int dir, struct dlr_estate_owners *owners)
{
    struct names names;
    int error = list_names(dir, NULL, &names);

    memset(owners, 0, sizeof *owners);
    if (error != 0) {
        dlr_free(names.names);
        return error;
    }
    owners->names = names.names; /* handed over */
    owners->name_count = names.count;
    for (size_t i = 0; i < names.count; i++) {
        if (i == 0 || strcmp(names.names[i], names.names[i - 1]) != 0) {
            memmove(owners->names[owners->count++], names.names[i],
                    sizeof names.names[i]);
        }
    }
    return 0;
}

void dlr_estate_owners_clear(struct dlr_estate_owners *owners)
{
    dlr_free(owners->names);
    memset(owners, 0, sizeof *owners);
}

int dlr_estate_peek(int dir, const char *owner, struct dlr_estate *estate)
{
    struct names names;
    int error = list_names(dir, owner, &names);

    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
    (void)snprintf(estate->owner, sizeof estate->owner, "%s", owner);
    if (error == 0 && names.count > 0) {
        estate->files = dlr_calloc(names.count, sizeof *estate->files);
        error = estate->files == NULL ? ENOMEM : 0;
    }
    for (size_t i = 0; error == 0 && i < names.count; i++) {
        memcpy(estate->files[i].name, names.names[i], DLR_JOURNAL_NAME_CAP);
        estate->file_count += 1;
    }
    dlr_free(names.names);
    return error;
}

int dlr_estate_open(int dir, const char *owner, struct dlr_estate *estate)
{
    char name[DLR_JOURNAL_NAME_CAP];
    struct dlr_file_info info = {0};
    int fd = -1;
    int error;

    memset(estate, 0, sizeof *estate);
    estate->lock_file = -1;
    (void)snprintf(name, sizeof name, "%s.lock", owner);
    /* Made anew where it is missing: segments may have outlived it. */
    error = dlr_file_open(dir, name, DLR_FILE_CREATE, &fd);
    if (error == 0) {
        error = dlr_file_try_lock(fd);
    }
    if (error == 0) {
        error = dlr_file_stat(fd, &info);
    }
    if (error == 0 && info.link_count == 0) {
        error = EWOULDBLOCK; /* its heir removed it a moment ago */
    }
    if (error == 0) {
        error = dlr_estate_peek(dir, owner, estate);
    }
    if (error == 0) {
        estate->lock_file = fd;
    } else {
        dlr_file_close(&fd);
    }
    return error;
}

int dlr_estate_remove(int dir, const struct dlr_estate *estate,
                      const char *name)
{
    return estate->lock_file < 0 ? EPERM : dlr_file_remove(dir, name);
}

void dlr_estate_close(int dir, struct dlr_estate *estate)
{
    char name[DLR_JOURNAL_NAME_CAP];
    struct names names;

    if (estate->lock_file >= 0) {
        if (list_names(dir, estate->owner, &names) == 0 && names.count == 0) {
            (void)snprintf(name, sizeof name, "%s.lock", estate->owner);
            (void)dlr_file_remove(dir, name);
        }
        dlr_free(names.names);
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
