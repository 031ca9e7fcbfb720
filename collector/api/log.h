/* SPDX-License-Identifier: MIT */
/*
 * Log: one line of JSON for each request and for each failure of the store.
 */
#ifndef DLD_API_LOG_H
#define DLD_API_LOG_H

#include "http/request.h"

#include <datalyr.h>

struct dld_log;

/* "-" is stderr. */
datalyr_status dld_log_open(const char *path, struct dld_log **out,
                            datalyr_error *error);
void dld_log_close(struct dld_log *log);

/* Both accept NULL and do nothing. */
void dld_log_request(struct dld_log *log, const struct dld_request *request,
                     bool is_sent);
void dld_log_failure(void *log, const datalyr_error *error);

#endif
