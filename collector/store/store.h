/* SPDX-License-Identifier: MIT */
/*
 * Store: rows to disk and back, as a table of functions, so that an engine is
 * another folder beside sqlite/. What a row means is left to ingest/ and
 * identity/: the store knows keys, times and the event's own text.
 *
 * THREADS
 * put(), commit(), rollback(), reset(), drop_before() and forget() belong to
 * one thread, the writer. Everything else may be called from any thread.
 */
#ifndef DLD_STORE_STORE_H
#define DLD_STORE_STORE_H

#include "base/text.h"

#include <datalyr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Facts about how an event came in, kept with it. */
enum dld_row_flag {
    DLD_ROW_KEYED = 1,      /* with a write key: its alias may merge users */
    DLD_ROW_ID_DERIVED = 2, /* the sender gave no event id */
};

/* One event on its way in or out. Texts are borrowed. On the way out only
 * `seq`, the numbers, `id` (if it is not part of `doc`) and `doc` are set. */
struct dld_row {
    uint64_t seq; /* place in the order of arrival, given by put() */
    uint32_t workspace;
    uint32_t flags;
    int64_t time_ms;     /* when it happened, as the sender says */
    int64_t received_ms; /* when it came in */
    uint64_t content_hash;
    struct dlr_text id;
    struct dlr_text name;
    struct dlr_text user;      /* empty: none */
    struct dlr_text anonymous; /* empty: none */
    struct dlr_text link;      /* previous id of an alias, id of a group */
    struct dlr_text doc;       /* the event, compact JSON as received */
};

enum dld_verdict {
    DLD_STORED,
    DLD_DUPLICATE,
    DLD_CONFLICT, /* the id is there with other content; the first stays */
};

/* What a scan goes by. The value is compared as a hash: the visitor checks the
 * text if a stranger's row would do harm. */
enum dld_key {
    DLD_KEY_NONE,
    DLD_KEY_ID,
    DLD_KEY_USER,
    DLD_KEY_ANONYMOUS,
    DLD_KEY_NAME,
    DLD_KEY_LINK,
};

#define DLD_TIME_MIN INT64_MIN
#define DLD_TIME_MAX INT64_MAX

struct dld_scan {
    uint32_t workspace; /* 0: all, for work that is no workspace's */
    enum dld_key key;
    struct dlr_text value;
    int64_t since_ms; /* inclusive; both are on time_ms */
    int64_t until_ms; /* exclusive */
    uint64_t after;   /* seq, exclusive */
    uint64_t before;  /* seq, exclusive; 0 is no limit */
    bool descending;  /* by seq; ascending otherwise */
};

/* Sees each row; false ends the scan. */
typedef bool (*dld_visit)(void *self, const struct dld_row *row);

struct dld_store_stats {
    uint64_t events;
    uint64_t visitors; /* distinct anonymous ids */
    uint64_t users;    /* distinct user ids */
    uint64_t duplicates;
    uint64_t id_conflicts;
    uint64_t rejected;
    uint64_t last_seq;
};

struct dld_store {
    void *self;

    /* Reads what is needed to write; before the first put(), by the writer.
     * Until it is done the calls below that read wait; after it failed they
     * fail, until it is called again and succeeds. */
    datalyr_status (*recover)(void *self, datalyr_error *error);

    /* Puts the row into the open transaction unless its id is known. */
    datalyr_status (*put)(void *self, struct dld_row *row,
                          enum dld_verdict *verdict, datalyr_error *error);
    /* Makes all rows since the last commit durable, then visible. */
    datalyr_status (*commit)(void *self, datalyr_error *error);
    void (*rollback)(void *self);
    /* Add to the counters of a workspace that no row tells of. Conflicts are
     * among the duplicates. Any thread. */
    void (*count_rejected)(void *self, uint32_t workspace, uint64_t count);
    void (*count_verdicts)(void *self, uint32_t workspace, uint64_t duplicates,
                           uint64_t conflicts);

    datalyr_status (*scan)(void *self, const struct dld_scan *scan,
                           dld_visit visit, void *visitor,
                           datalyr_error *error);
    /* False only if no event of this anonymous id lacks a user. */
    bool (*may_have_unowned)(void *self, uint32_t workspace,
                             struct dlr_text anonymous);
    /* False: the store cannot be read, and the numbers are zero. */
    bool (*stats)(void *self, uint32_t workspace, struct dld_store_stats *out);

    /* Removes events that happened before, as far as whole files of them are
     * that old; their ids stay known. */
    datalyr_status (*drop_before)(void *self, int64_t before_ms, int64_t now_ms,
                                  datalyr_error *error);
    /* Takes all that these rows say from the disk; their ids stay known. `seqs`
     * rise. */
    datalyr_status (*forget)(void *self, const uint64_t *seqs, size_t count,
                             datalyr_error *error);
    /* Removes everything but the counting of seq. */
    datalyr_status (*reset)(void *self, datalyr_error *error);
    void (*close)(void *self);
};

#endif
