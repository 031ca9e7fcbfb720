/* SPDX-License-Identifier: MIT */
/*
 * Answer: what a request means and what is said to it.
 */
#ifndef DLF_ANSWER_H
#define DLF_ANSWER_H

#include "connection.h"

/* Settles an ingest request: stores what is to be stored, fills `out` and says
 * in the connection how the answer is to leave. */
void dlf_answer_ingest(struct dlf_connection *connection,
                       const struct dlf_request *request);

/* Answers a request to /__faults, /__ledger, /__events or /__requests. False:
 * the path is none of these. */
bool dlf_answer_admin(struct dlf_connection *connection,
                      const struct dlf_request *request);

/* Ends the wait of a request to /__ledger. */
void dlf_answer_awaited(struct dlf_connection *connection, bool is_reached);

/* Fills `out` with an answer to an admin request. */
void dlf_answer_put(struct dlr_buf *out, int status, struct dlr_text body);

const char *dlf_status_text(int status);

/* Appends one line about a request to the log file, if there is one. */
void dlf_log_request(const struct dlf_connection *connection,
                     const struct dlf_request *request, struct dlr_text body);

#endif /* DLF_ANSWER_H */
