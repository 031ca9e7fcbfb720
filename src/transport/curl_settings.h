/* SPDX-License-Identifier: MIT */
/*
 * What a transport over libcurl has to be told.
 */
#ifndef DLR_TRANSPORT_CURL_SETTINGS_H
#define DLR_TRANSPORT_CURL_SETTINGS_H

#include <stdint.h>

/* Texts are copied; NULL or "" means none. */
struct dlr_curl_settings {
    const char *url;     /* http or https, used verbatim */
    const char *api_key; /* no line ends in it */
    const char *proxy;   /* default: curl's environment variables */
    const char *ca_file;
    const char *client_cert;
    const char *client_key;
    uint32_t max_in_flight; /* connections kept for reuse */
};

#endif
