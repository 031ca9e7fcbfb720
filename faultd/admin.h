/* SPDX-License-Identifier: MIT */
/*
 * Admin: the routes under /__.
 */
#ifndef DLF_ADMIN_H
#define DLF_ADMIN_H

#include "http.h"
#include "state.h"

/* Answers a request to /__faults, /__ledger, /__events or /__requests. False:
 * the path is none of these. */
bool dlf_admin_answer(struct dlf_connection *connection,
                      const struct dlf_request *request);

/* Ends the wait of a request to /__ledger. */
void dlf_admin_end_wait(struct dlf_connection *connection, bool is_reached);

#endif /* DLF_ADMIN_H */
