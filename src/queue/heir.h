/* SPDX-License-Identifier: MIT */
/*
 * Heir: takes over what dead processes left in the journal directory, if it
 * goes to the same destination, and feeds it to the sender file by file. For
 * the library's thread alone, but for what is marked.
 */
#ifndef DLR_QUEUE_HEIR_H
#define DLR_QUEUE_HEIR_H

#include "queue/estate.h"
#include "queue/slice.h"

/* How often a running sender looks for journals of dead owners. */
#define DLR_HEIR_LOOK_MS 30000

/* Looking goes in steps: each reads so many bytes, or so many small files, and
 * at most one file more. */
#define DLR_HEIR_STEP_BYTES ((size_t)4 << 20)
#define DLR_HEIR_STEP_FILES 64u

/* Owners whose events wait to be sent at the same time: each holds a descriptor
 * of the program's. */
#define DLR_HEIR_OWNERS_MAX 64u

struct dlr_heir; /* owned: dlr_heir_free() */

/* Borrows both. `max_age_ms` INT64_MAX: nothing expires. NULL when out of
 * memory. */
struct dlr_heir *dlr_heir_new(struct dlr_journal *journal,
                              struct dlr_queue *queue, int64_t max_age_ms);

/* Gives up what is not sent: the next process takes it over. */
void dlr_heir_free(struct dlr_heir *heir);

/* In a forked child, at once: the locks are the parent's. */
void dlr_heir_leave_to_parent(struct dlr_heir *heir);

/* Looks for dead owners, and counts their events into the ledger as recovered:
 * the first step of it, the others come with dlr_heir_take(). */
void dlr_heir_look(struct dlr_heir *heir);

/* Nothing more is counted or taken: the client closes. Any thread; a step under
 * way ends at its next file. */
void dlr_heir_stop(struct dlr_heir *heir);

/* Takes the next recovered records, loading the next file when the last is
 * through; false if there are none this time. */
bool dlr_heir_take(struct dlr_heir *heir, uint32_t max_events, size_t max_bytes,
                   struct dlr_slice *out);

/* True if there is something to take, or to look through. */
bool dlr_heir_has_more(const struct dlr_heir *heir);

/* Marks the live records of a slice as settled in their file, so that they are
 * not sent again should this process die. Does nothing for our own records. */
void dlr_heir_mark(struct dlr_walk walk);

#endif
