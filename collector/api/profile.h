/* SPDX-License-Identifier: MIT */
/*
 * Profile: a person as members of a JSON object.
 */
#ifndef DLD_API_PROFILE_H
#define DLD_API_PROFILE_H

#include "base/buf.h"
#include "identity/person.h"
#include "identity/session.h"

void dld_profile_put_person(struct dlr_buf *body,
                            const struct dld_person *person);
/* Sessions, first and last touch, revenue. */
void dld_profile_put_sums(struct dlr_buf *body, const struct dld_person *person,
                          const struct dld_session_list *sessions);
void dld_profile_put_sessions(struct dlr_buf *body,
                              const struct dld_person *person,
                              const struct dld_session_list *sessions);
/* `"revenue":[...]` */
void dld_profile_put_revenue(struct dlr_buf *body,
                             const struct dld_revenue *revenue);

/* A part of a person's events; `sessions` may be empty. */
struct dld_profile_page {
    const struct dld_person *person;
    const struct dld_session_list *sessions;
    uint64_t first;
    uint64_t limit;
};

void dld_profile_put_events(struct dlr_buf *body,
                            const struct dld_profile_page *page);

#endif
