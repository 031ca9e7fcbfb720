/* SPDX-License-Identifier: MIT */
/*
 * Person: everything that belongs to one user, by the rules of
 * docs/identity.md. A question to the store at the moment it is asked, so the
 * answer depends on the set of events and not on the order they came in.
 */
#ifndef DLD_IDENTITY_PERSON_H
#define DLD_IDENTITY_PERSON_H

#include "event/event.h"
#include "store/row_list.h"
#include "store/store.h"

/* How an id became part of the person. */
enum dld_tie_rule {
    DLD_TIE_ASKED,    /* it is the id that was asked for */
    DLD_TIE_TOGETHER, /* an event carries both ids */
    DLD_TIE_ALIAS,    /* an alias names it */
};

struct dld_tie {
    struct dlr_text id;
    enum dld_tie_rule rule;
    struct dlr_text event_id; /* the first event that proves it */
    int64_t time_ms;
};

struct dld_tie_list {
    struct dld_tie *ties;
    size_t count;
    size_t capacity;
};

/* A row with its fields. Texts live as long as the person. */
struct dld_deed {
    struct dld_row row;
    struct dld_event event;
    struct dlr_text owner; /* the user id it counts for, or empty */
    bool is_by_identity;   /* it carries no user itself */
};

struct dld_person {
    struct dld_tie_list users;
    struct dld_tie_list anonymous;
    struct dld_deed *deeds; /* by time, then event id */
    size_t deed_count;
    size_t deed_capacity;
    bool is_partial; /* more than fits into memory or time */

    struct dld_row_list rows; /* own the texts of all the rest */
    void **blocks;            /* and of texts that had escapes */
    size_t block_count;
};

/* Who is asked for, and how much work it may be. All is lent. */
struct dld_person_question {
    const struct dld_store *store;
    uint32_t workspace;
    struct dlr_text id;
    size_t max_events;
    int64_t deadline_ns; /* monotonic; 0: none */
};

/* Collects the person of a user id. No events: it is not known. */
datalyr_status dld_person_of_user(const struct dld_person_question *question,
                                  struct dld_person *person,
                                  datalyr_error *error);

/* Collects the events of one anonymous id, each with its owner; `users` are
 * the users it belongs to. */
datalyr_status
dld_person_of_anonymous(const struct dld_person_question *question,
                        struct dld_person *person, datalyr_error *error);

void dld_person_clear(struct dld_person *person);

#endif
