/* SPDX-License-Identifier: MIT */
/*
 * Session: the visits of a person, and what they earn. Pure.
 */
#ifndef DLD_IDENTITY_SESSION_H
#define DLD_IDENTITY_SESSION_H

#include "identity/person.h"
#include "identity/revenue.h"
#include "identity/touch.h"

/* A visit ends after half an hour without an event. */
#define DLD_SESSION_IDLE_MS (30 * 60 * 1000)

struct dld_session {
    struct dlr_text id; /* the first one sent in it, or empty */
    size_t first;       /* of its deeds */
    size_t count;
    struct dld_touch touch; /* its first real one, else direct */
    bool has_touch;
};

/* An ad click among the deeds. */
struct dld_click {
    size_t deed;
    int64_t time_ms;
    uint32_t window_days;
};

/* All zero is empty. */
struct dld_session_list {
    struct dld_session *sessions;
    size_t count;
    struct dld_click *clicks; /* by time */
    size_t click_count;
};

/* False: no memory. Texts are the person's. */
bool dld_sessions_make(const struct dld_person *person,
                       struct dld_session_list *list);
void dld_sessions_clear(struct dld_session_list *list);

/* The deed whose touch earns credit for this one: a click in the same session,
 * else the first click whose window still holds; SIZE_MAX: none. */
size_t dld_session_credit(const struct dld_person *person,
                          const struct dld_session_list *list, size_t deed);

#endif
