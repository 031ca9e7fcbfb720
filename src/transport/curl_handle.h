/* SPDX-License-Identifier: MIT */
/*
 * Curl handle: one easy handle, used again for request after request, with the
 * room it needs besides the request. Moving bytes is left to curl_loop.h.
 */
#ifndef DLR_TRANSPORT_CURL_HANDLE_H
#define DLR_TRANSPORT_CURL_HANDLE_H

#include "transport/curl_loop.h"
#include "transport/curl_settings.h"
#include "transport/head.h"
#include "transport/transport.h"
#include "transport/url.h"

#include <curl/curl.h>

#define DLR_CURL_BATCH_LINE_CAP 32

/* What all handles of a transport share; outlives them. */
struct dlr_curl_profile {
    struct dlr_url url;
    /* Copies of the settings; NULL where there is none. */
    char *url_text;
    char *key;
    char *key_line; /* "X-API-Key: …" */
    char *proxy;
    char *proxy_password;
    char *ca_file;
    char *client_cert;
    char *client_key;
    struct curl_slist common[4]; /* header lines of every request */
    struct curl_slist gzip;      /* one more, before the common ones */
};

struct dlr_curl_handle {
    CURL *easy;                  /* owned */
    struct dlr_request *request; /* under way; NULL at rest */
    struct dlr_curl_handle *next_free;
    const struct dlr_curl_profile *profile;
    int64_t timeout_ms; /* as set last, as are the next two */
    uint32_t batch_size;
    bool is_gzip;
    bool is_repeated; /* see dlr_curl_handle_may_repeat() */
    bool is_too_long; /* the answer passed the ceiling, and we ended it */
    struct curl_slist batch_line;
    char batch_text[DLR_CURL_BATCH_LINE_CAP];
    char detail[CURL_ERROR_SIZE];
    struct dlr_head head;
};

/* Copies and checks the settings. DATALYR_OK, DATALYR_INVALID (with `error`) or
 * DATALYR_NOMEM; on failure the profile must still be cleared. */
datalyr_status dlr_curl_profile_init(struct dlr_curl_profile *profile,
                                     const struct dlr_curl_settings *settings,
                                     datalyr_error *error);

/* All-zero is accepted. */
void dlr_curl_profile_clear(struct dlr_curl_profile *profile);

/* NULL when out of memory. */
struct dlr_curl_handle *
dlr_curl_handle_new(const struct dlr_curl_profile *profile,
                    struct dlr_curl_loop *loop);

/* When it is no longer in a multi. @param handle taken; NULL is accepted */
void dlr_curl_handle_free(struct dlr_curl_handle **handle);

/* Makes the handle ready to send the request. */
void dlr_curl_handle_prepare(struct dlr_curl_handle *handle,
                             struct dlr_request *request);

/* True, once for a request, if it should go to the multi again instead of being
 * finished: its connection was an old one, and the server hung up on it in the
 * moment when it was used again. */
bool dlr_curl_handle_may_repeat(struct dlr_curl_handle *handle, CURLcode code);

/* Fills the answer of the request, which has ended with `code`. */
void dlr_curl_handle_finish(struct dlr_curl_handle *handle, CURLcode code);

#endif
