/* SPDX-License-Identifier: MIT */
/*
 * Forget keys: the users and visitors of forgotten rows, and what has to be
 * subtracted for them: from the summary of a partition, and from the sums.
 */
#ifndef DLD_STORE_SQLITE_FORGET_KEYS_H
#define DLD_STORE_SQLITE_FORGET_KEYS_H

#include "store/sqlite/parts.h"
#include "store/sqlite/summary.h"

/* A user or a visitor, or (with key 0) the events of a workspace. */
struct dld_forget_key {
    enum dld_key kind; /* DLD_KEY_NONE: events */
    uint64_t key;
    uint32_t workspace;
    uint64_t rows;
    bool is_left; /* a row with it was found where one was looked for */
};

struct dld_forget_keys {
    struct dld_forget_key *keys;
    size_t count;
    size_t capacity;
};

/* Notes one row. False: out of memory. */
bool dld_forget_note(struct dld_forget_keys *keys, uint32_t workspace,
                     uint64_t user, uint64_t visitor);
/* Notes all that a file tells of its users or visitors. */
bool dld_forget_note_summary(struct dld_forget_keys *keys, enum dld_key kind,
                             const struct dld_summary *summary);
/* Makes one entry of equal ones. */
void dld_forget_sort(struct dld_forget_keys *keys);
bool dld_forget_add(struct dld_forget_keys *keys,
                    const struct dld_forget_keys *more);
void dld_forget_clear(struct dld_forget_keys *keys);

/* Marks those that have a row in a sealed file, or in a partition. */
datalyr_status dld_forget_look(struct dld_reader *reader,
                               struct dld_forget_keys *keys,
                               datalyr_error *error);
datalyr_status dld_forget_look_in(struct dld_partition *partition,
                                  struct dld_forget_keys *keys,
                                  datalyr_error *error);
/* The same for many sorted ones: walks over what the partition tells. */
datalyr_status dld_forget_look_in_summary(struct dld_partition *partition,
                                          struct dld_forget_keys *keys,
                                          datalyr_error *error);

/* Takes them out of the summary of a file, as far as none is left in it. */
datalyr_status dld_forget_summarise(struct dld_database *database,
                                    const struct dld_forget_keys *keys,
                                    datalyr_error *error);

/* Takes the rows out of the numbers of events, and those that are left nowhere
 * out of the numbers of users and visitors. */
void dld_forget_count(struct dld_sqlite *store,
                      const struct dld_forget_keys *keys);
void dld_forget_people(struct dld_sqlite *store,
                       const struct dld_forget_keys *keys);

#endif
