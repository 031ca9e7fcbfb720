/* SPDX-License-Identifier: MIT */
/*
 * Heir state: what an heir consists of, for queue/heir.c, which sends, and
 * queue/heir_look.c, which finds and counts. The library's thread uses it
 * alone, but for what is marked.
 */
#ifndef DLR_QUEUE_HEIR_STATE_H
#define DLR_QUEUE_HEIR_STATE_H

#include "queue/heir.h"

#include <stdatomic.h>

/* One dead owner whose lock we hold. */
struct dlr_inheritance {
    struct dlr_estate estate;
    size_t counted;    /* files that were looked through, from the first */
    size_t next_file;  /* to be loaded, never beyond `counted` */
    size_t open_files; /* with something to send, and not done */
    struct dlr_inheritance *next;
};

struct dlr_foreign_file;

struct dlr_heir {
    struct dlr_journal *journal;
    struct dlr_queue *queue;
    int64_t max_age_ms;
    atomic_bool is_stopped; /* any thread */
    struct dlr_inheritance *first;
    unsigned owner_count; /* of them */
    struct dlr_foreign_file *loaded;
    size_t loaded_bytes;
    struct dlr_segment *segment; /* what is being taken from */
    uint32_t offset;
    uint32_t left;   /* pending records behind `offset` */
    bool is_waiting; /* for memory or descriptors, until the next look */

    /* The look under way. */
    struct dlr_estate_list owners;
    struct dlr_inheritance *counting; /* its files are being looked through */
};

/* What was found in a file, for the ledger. */
struct dlr_tally {
    uint64_t pending;
    uint64_t damaged_runs;
    uint64_t damaged_bytes;
};

/* heir_look.c */
bool dlr_heir_can_look_on(const struct dlr_heir *heir);
void dlr_heir_look_on(struct dlr_heir *heir);
void dlr_heir_enter(struct dlr_queue *queue, const struct dlr_tally *tally);
void dlr_heir_clear_away(int dir, const char *name, bool is_damaged);

/* heir.c: ends an inheritance unless something is left of it. */
void dlr_heir_end_if_done(struct dlr_heir *heir,
                          struct dlr_inheritance *inheritance);

#endif
