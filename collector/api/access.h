/* SPDX-License-Identifier: MIT */
/*
 * Access: which key a request shows, and who may read without one.
 */
#ifndef DLD_API_ACCESS_H
#define DLD_API_ACCESS_H

#include "http/request.h"

#define DLD_ACCESS_COOKIE "datalyr_key"

/* The key in X-API-Key, X-Datalyr-API-Key or Authorization; empty if there is
 * none. */
struct dlr_text dld_access_key(const struct dld_request *request);
/* That, or the key in the cookie. For reading only. */
struct dlr_text dld_access_read_key(const struct dld_request *request);

/* Who asks: the other end of the connection or, if that is a trusted proxy, the
 * last address before it that is none. */
struct dld_address dld_access_client(const struct dld_networks *proxies,
                                     const struct dld_request *request);
/* Is the connection of the browser encrypted? */
bool dld_access_is_secure(const struct dld_networks *proxies,
                          const struct dld_request *request, bool is_tls);

/* True if connection, Host and the absence of forwarding headers all say that
 * the request was made on this machine. A trusted proxy changes nothing
 * about it: what comes through one comes from elsewhere. */
bool dld_access_is_local(const struct dld_request *request);

/* False for a request that a page of another origin made a browser send. */
bool dld_access_is_own_origin(const struct dld_networks *proxies,
                              const struct dld_request *request);

#endif
