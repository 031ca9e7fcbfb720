/* SPDX-License-Identifier: MIT */
/*
 * Ledger: what this server saw and what it stored, counted so that a test can
 * hold it against the client's own ledger. Why something was or was not stored
 * is answer.c's business.
 */
#ifndef DLF_LEDGER_H
#define DLF_LEDGER_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dlf_counts {
    uint64_t requests;       /* read to their end */
    uint64_t events;         /* in them, each time they came */
    uint64_t stored;         /* ids, each once */
    uint64_t duplicates;     /* stored before */
    uint64_t rejected;       /* named in an answer */
    uint64_t answered_2xx;   /* requests answered so, to the last byte */
    uint64_t answered_other; /* to the last byte */
    uint64_t unanswered;     /* closed, reset, cut or left by the client */
    uint64_t malformed;      /* bodies that hold no event */
    uint64_t batches;        /* requests with a list of events */
    uint64_t gzipped;        /* requests with Content-Encoding: gzip */
    uint64_t body_bytes;     /* as they came over the wire */
    uint64_t connections;    /* accepted */
    uint64_t open;           /* connections now */
    uint64_t in_progress;    /* requests now: read and not answered */
    uint64_t max_concurrent; /* the most there were of these */
    uint64_t held;           /* requests now waiting for the admin API */
};

/* One event id. */
struct dlf_entry {
    size_t id_at; /* in `ids` */
    size_t id_len;
    uint64_t hash;
    uint64_t seen_count;
    uint64_t stored_count;
    uint64_t rejected_count;
    uint64_t request; /* the number of the first request that had it */
    int64_t at_ms;    /* of that, since the start of the ledger */
};

/* One request, in the order they came. */
struct dlf_visit {
    int64_t at_ms; /* since the start of the ledger */
    uint32_t event_count;
    uint32_t body_bytes;
    uint16_t status; /* 0: not answered */
    bool is_batch;
    bool is_gzipped;
};

struct dlf_ledger {
    struct dlf_counts counts;
    bool is_mixed; /* stored ids did not come in ascending order */
    size_t last_stored;
    int64_t start_ms; /* monotonic */
    struct dlr_hash_key key;
    struct dlr_buf ids;
    struct dlf_entry *entries;
    size_t entry_count;
    size_t entry_cap;
    uint32_t *slots; /* entry index + 1, by hash */
    size_t slot_count;
    struct dlf_visit *visits;
    size_t visit_count;
    size_t visit_cap;
};

/* Empties a ledger; connections that are open stay counted. */
void dlf_ledger_reset(struct dlf_ledger *ledger, int64_t now_ms);
void dlf_ledger_clear(struct dlf_ledger *ledger);

/* Hash of an id, the same in each run. */
uint64_t dlf_ledger_hash(const struct dlf_ledger *ledger, struct dlr_text id);

/* The entry of an id, made if it is new. NULL when out of memory. Lent until
 * the next call. */
struct dlf_entry *dlf_ledger_entry(struct dlf_ledger *ledger,
                                   struct dlr_text id, int64_t now_ms);

/* Counts the event as stored. False: it had been before. */
bool dlf_ledger_store(struct dlf_ledger *ledger, struct dlf_entry *entry);

/* A new visit; its number is visit_count - 1 after it. NULL: no memory. */
struct dlf_visit *dlf_ledger_visit(struct dlf_ledger *ledger, int64_t now_ms);

/* The counts as one JSON object, one id or one visit a line. */
void dlf_ledger_put_counts(const struct dlf_ledger *ledger,
                           struct dlr_buf *out);
void dlf_ledger_put_events(const struct dlf_ledger *ledger,
                           struct dlr_buf *out);
void dlf_ledger_put_visits(const struct dlf_ledger *ledger,
                           struct dlr_buf *out);

/* The count with that name in the JSON, or NULL. */
const uint64_t *dlf_ledger_count(const struct dlf_ledger *ledger,
                                 struct dlr_text name);

#endif /* DLF_LEDGER_H */
