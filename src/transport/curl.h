/* SPDX-License-Identifier: MIT */
/*
 * The transport of real life: HTTP/1.1 over libcurl's multi interface, with
 * kept-alive connections. Checking of settings against the table of ranges is
 * left to the client.
 */
#ifndef DLR_TRANSPORT_CURL_H
#define DLR_TRANSPORT_CURL_H

#include "transport/curl_settings.h"
#include "transport/transport.h"

/* Initialises libcurl for the process, once; later calls return what the first
 * one did. Call it before threads are started and before registering an exit
 * handler that still sends: handlers run in reverse order, and the one of the
 * TLS library must come after ours.
 * DATALYR_OK, or DATALYR_IO when this libcurl cannot be used. */
datalyr_status dlr_transport_global_init(void);

/* Makes a transport; opens no connection. DATALYR_OK; DATALYR_INVALID when the
 * URL or proxy cannot be used, a file cannot be read, the key has a line end;
 * DATALYR_IO; DATALYR_NOMEM. `error` says which and may be NULL. */
datalyr_status dlr_curl_open(const struct dlr_curl_settings *settings,
                             struct dlr_transport **out, datalyr_error *error);

#endif
