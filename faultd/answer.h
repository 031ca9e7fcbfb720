/* SPDX-License-Identifier: MIT */
/*
 * Answer: what an ingest request means and what is said to it.
 */
#ifndef DLF_ANSWER_H
#define DLF_ANSWER_H

#include "http.h"
#include "state.h"

/* Settles an ingest request: stores what is to be stored, fills `out` and says
 * in the connection how the answer is to leave. */
void dlf_answer_ingest(struct dlf_connection *connection,
                       const struct dlf_request *request);

#endif /* DLF_ANSWER_H */
