/* SPDX-License-Identifier: MIT */
/*
 * Access: which key a request shows, and who may read without one.
 */
#ifndef DLD_API_ACCESS_H
#define DLD_API_ACCESS_H

#include "http/request.h"

/* The key in X-API-Key, X-Datalyr-API-Key, Authorization or, for reading, the
 * cookie; empty if there is none. */
struct dlr_text dld_access_key(const struct dld_request *request);

/* True if connection, Host and the absence of forwarding headers all say that
 * the request was made on this machine, by a program and not by a page of
 * another origin. */
bool dld_access_is_local(const struct dld_request *request);

/* False for a request that a page of another origin made a browser send. */
bool dld_access_is_own_origin(const struct dld_request *request);

#endif
