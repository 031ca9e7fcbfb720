/* SPDX-License-Identifier: MIT */
/*
 * Library: what is known of single versions of the vendor's SDKs.
 */
#ifndef DLD_EVENT_LIBRARY_H
#define DLD_EVENT_LIBRARY_H

#include "base/text.h"

#include <stdbool.h>

/* True for a user id that an old mobile SDK made of its visitor: a bare UUID
 * from React Native before 1.7.13 or Swift before 2.1.8. */
bool dld_library_sends_visitor_as_user(struct dlr_text library,
                                       struct dlr_text version,
                                       struct dlr_text user);

#endif
