/* SPDX-License-Identifier: MIT */
/*
 * Sync: what a power cut may take. Brings the log's files to the disk, for one
 * caller or for many at once.
 */
#ifndef DLR_QUEUE_SYNC_H
#define DLR_QUEUE_SYNC_H

#include "queue/queue.h"

struct dlr_sync_call;

/* All-zero but for the lock and condition is "nothing synced yet". */
struct dlr_sync {
    struct dlr_mutex lock;
    struct dlr_cond done;   /* a round ended */
    struct dlr_cond joined; /* all that were expected are there */
    /* Guarded by `lock`. */
    bool is_running;
    bool is_suspect;   /* the last round failed */
    uint64_t asked;    /* calls so far */
    uint64_t covered;  /* of them those that the running round answers */
    uint64_t finished; /* of them those that were answered */
    uint64_t expected; /* callers who are likely to come to the next round */
    int64_t took_ns;   /* the last round */
    struct dlr_sync_call *calls; /* not answered yet */
};

int dlr_sync_init(struct dlr_sync *sync);
void dlr_sync_clear(struct dlr_sync *sync);

/* Returns when everything appended before the call is on the disk; callers
 * that come while a sync runs share the next one. 0 or an errno value, which is
 * that of the round that covered this call. */
int dlr_sync_wait(struct dlr_sync *sync, struct dlr_queue *queue);

#endif
