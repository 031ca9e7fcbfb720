/* SPDX-License-Identifier: MIT */
/*
 * Estate: what a dead owner left in a journal directory. Opening one takes its
 * lock, so that exactly one process inherits it. Used by the library, which
 * sends what it finds, and by tools, which list and export it.
 */
#ifndef DLR_QUEUE_ESTATE_H
#define DLR_QUEUE_ESTATE_H

#include "queue/journal.h"

struct dlr_estate_file {
    char name[DLR_JOURNAL_NAME_CAP];
    uint64_t pending;
    bool is_damaged;
};

struct dlr_estate {
    int lock_file; /* -1: not ours */
    char owner[DLR_OWNER_CAP];
    struct dlr_estate_file *files; /* in order of their numbers */
    size_t file_count;
};

/* The directory, for tools that have nothing but its name. It must exist. 0 or
 * an errno value. */
int dlr_estate_open_dir(const char *path, int *dir);
void dlr_estate_close_dir(int *dir);

/* One look at a directory: what belongs to owners in it, owner after owner.
 * All-zero is empty. */
struct dlr_estate_list {
    char (*names)[DLR_JOURNAL_NAME_CAP];
    size_t count;
    size_t next; /* where the next owner begins */
};

/* An owner and its segments when the list was made; lent by the list. */
struct dlr_estate_entry {
    char owner[DLR_OWNER_CAP];
    const char (*names)[DLR_JOURNAL_NAME_CAP];
    size_t count;
};

/* 0 or an errno value, then with an empty list. */
int dlr_estate_list(int dir, struct dlr_estate_list *list);
void dlr_estate_list_clear(struct dlr_estate_list *list);

/* The next owner; false behind the last. */
bool dlr_estate_list_next(struct dlr_estate_list *list,
                          struct dlr_estate_entry *entry);

static inline bool dlr_estate_list_has_more(const struct dlr_estate_list *list)
{
    return list->next < list->count;
}

/* Takes the lock of an owner and lists its files. EWOULDBLOCK: it lives. */
int dlr_estate_open(int dir, const char *owner, struct dlr_estate *estate);

/* The same without the lock, for a look at one that may live. */
int dlr_estate_peek(int dir, const char *owner, struct dlr_estate *estate);

/* Both with the files of a list, for who goes through many owners: looking at
 * the directory for each of them would take the square of their number. What
 * was made since the list is left to the next one. */
int dlr_estate_open_listed(int dir, const struct dlr_estate_entry *entry,
                           struct dlr_estate *estate);
int dlr_estate_peek_listed(const struct dlr_estate_entry *entry,
                           struct dlr_estate *estate);

/* Removes a file of an estate whose lock we hold. 0 or an errno value. */
int dlr_estate_remove(int dir, const struct dlr_estate *estate,
                      const char *name);

/* Gives it up; removes the lock file when none of its files is left. */
void dlr_estate_close(int dir, struct dlr_estate *estate);

/* Reads the head of one file; DLR_HEAD_DAMAGED too when it cannot be read. */
enum dlr_head_verdict dlr_estate_read_head(int dir, const char *name,
                                           struct dlr_segment_head *head);

/* The bytes of one file, read (never mapped) into anonymous memory. */
struct dlr_estate_bytes {
    char *mapping;
    size_t len;
    size_t mapped_bytes;
    struct dlr_segment_head head;
    enum dlr_head_verdict verdict;
};

int dlr_estate_read(int dir, const char *name, struct dlr_estate_bytes *out);
void dlr_estate_release(struct dlr_estate_bytes *bytes);

/* A walk over its records; over nothing unless the head is good. */
struct dlr_scan dlr_estate_scan(const struct dlr_estate_bytes *bytes);

/* Keeps a damaged file as `<name>.damaged`, for people and tools, when the good
 * records in it are through. 0 or an errno value. */
int dlr_estate_set_aside(int dir, const char *name);

#endif
