/* SPDX-License-Identifier: MIT */
/*
 * Log: requests as lines of JSON in a file.
 */
#ifndef DLF_LOG_H
#define DLF_LOG_H

#include "http.h"
#include "state.h"

/* Appends one line about a request to the log file, if there is one. `body` is
 * what its body is when it is unpacked. */
void dlf_log_request(const struct dlf_connection *connection,
                     const struct dlf_request *request, struct dlr_text body);

#endif /* DLF_LOG_H */
