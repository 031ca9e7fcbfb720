/* SPDX-License-Identifier: MIT */
/* A queue in memory whose clock stands still until a test moves it. */
#ifndef DATALYR_TESTS_SUPPORT_QUEUE_RIG_H
#define DATALYR_TESTS_SUPPORT_QUEUE_RIG_H

#include "queue/fence.h"
#include "queue/log.h"
#include "queue/queue.h"
#include "queue/report.h"
#include "queue/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct queue_rig {
    struct dlr_queue queue;
    int64_t now_ms;
    char *filler; /* text of any length to record */
    size_t filler_len;
};

static inline int64_t queue_rig_now(void *self)
{
    struct queue_rig *rig = self;

    return rig->now_ms;
}

/* What most tests want: plenty of room, drops kept for reporting. */
static inline struct dlr_queue_config queue_rig_config(void)
{
    struct dlr_queue_config config = {
        .max_events = 1000,
        .max_bytes = (uint64_t)8 << 20,
        .max_event_bytes = 1u << 20,
        .overflow = DATALYR_DROP_OLDEST,
        .block_timeout_ms = 20000,
        .flush_at = 20,
        .flush_interval_ms = 10000,
        .keeps_dropped = true,
    };

    return config;
}

static inline struct queue_rig *queue_rig_open(struct dlr_queue_config config)
{
    struct queue_rig *rig = calloc(1, sizeof *rig);

    assert_non_null(rig);
    rig->now_ms = 1000000;
    rig->filler_len = (size_t)1 << 20;
    rig->filler = malloc(rig->filler_len);
    assert_non_null(rig->filler);
    memset(rig->filler, 'x', rig->filler_len);
    config.clock.monotonic_ms = queue_rig_now;
    config.clock.self = rig;
    assert_int_equal(dlr_queue_init(&rig->queue, &config, &dlr_memory_segments),
                     0);
    return rig;
}

static inline void queue_rig_close(struct queue_rig *rig)
{
    dlr_queue_clear(&rig->queue);
    free(rig->filler);
    free(rig);
}

static inline datalyr_status queue_rig_append(struct queue_rig *rig,
                                              const char *text)
{
    bool wakes;

    return dlr_queue_append(&rig->queue, dlr_text_of(text), NULL, &wakes);
}

/* Records an event of `len` bytes. */
static inline datalyr_status queue_rig_append_len(struct queue_rig *rig,
                                                  size_t len)
{
    bool wakes;

    assert_true(len <= rig->filler_len);
    return dlr_queue_append(&rig->queue, dlr_text_n(rig->filler, len), NULL,
                            &wakes);
}

static inline datalyr_ledger queue_rig_ledger(struct queue_rig *rig)
{
    datalyr_ledger ledger;

    dlr_queue_read_ledger(&rig->queue, rig->now_ms, &ledger);
    return ledger;
}

/* Law 1. */
static inline void assert_conserved(const datalyr_ledger *ledger)
{
    assert_int_equal(ledger->calls,
                     ledger->accepted + datalyr_ledger_refused(ledger));
    assert_int_equal(ledger->accepted + ledger->recovered,
                     ledger->delivered + datalyr_ledger_dropped(ledger) +
                         ledger->pending);
}

/* How many segments are in the log, spares not counted. */
static inline unsigned queue_rig_segments(const struct queue_rig *rig)
{
    unsigned count = 0;

    for (const struct dlr_segment *segment = rig->queue.first; segment != NULL;
         segment = segment->next) {
        count++;
    }
    return count;
}

/* The texts of a slice, one after the other with commas. */
static inline const char *queue_rig_texts(const struct dlr_slice *slice,
                                          char *out, size_t cap)
{
    struct dlr_walk walk = dlr_slice_walk(slice);
    struct dlr_position at;
    struct dlr_text json;
    size_t len = 0;

    out[0] = '\0';
    while (dlr_walk_next(&walk, &at, &json) && len + json.len + 2 < cap) {
        if (len > 0) {
            out[len++] = ',';
        }
        memcpy(out + len, json.ptr, json.len);
        len += json.len;
        out[len] = '\0';
    }
    return out;
}

#endif
