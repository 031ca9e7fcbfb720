/* SPDX-License-Identifier: MIT */
/*
 * URL: what the client must know of the address it sends to. Whether there is
 * somebody who answers is left to the transport.
 */
#ifndef DLR_TRANSPORT_URL_H
#define DLR_TRANSPORT_URL_H

#include <datalyr.h>
#include <stdbool.h>
#include <stdint.h>

#define DLR_URL_HOST_CAP 256

struct dlr_url {
    char host[DLR_URL_HOST_CAP]; /* without the brackets of an IPv6 address */
    uint16_t port;
    bool is_https;
    bool is_loopback; /* localhost, *.localhost, 127.0.0.0/8, ::1 */
};

/* Reads an absolute http or https URL. DATALYR_OK; DATALYR_INVALID, and `error`
 * (may be NULL) says what is wrong; DATALYR_NOMEM. */
datalyr_status dlr_url_read(const char *text, struct dlr_url *url,
                            datalyr_error *error);

#endif
