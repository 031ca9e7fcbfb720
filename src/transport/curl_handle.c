/* SPDX-License-Identifier: MIT */
/*
 * Curl handle: what is set on an easy handle, and what comes back through it.
 *
 * DESIGN
 * Nearly everything is set once, when the handle is made. From request to
 * request only what differs is set again, and the list of header lines is put
 * together from nodes that exist already, so that a request costs no
 * allocation of ours. libcurl reads the list and the body in place.
 *
 * The head of a request is kept small: an event is about 700 bytes, and what
 * every request repeats should not come near that. `Accept` is removed since
 * there is one kind of answer, `Expect` since waiting for a "100 Continue"
 * costs a round trip or a second.
 *
 * A connection that the server closes in the moment when it is used again is no
 * fault of the server's. libcurl sends anew then, but counts how often over the
 * whole life of a handle, and each sixth time gives up. That one is ours.
 *
 * An answer longer than the ceiling ends the transfer. Reading on and throwing
 * away would let a server hold the request until its time-out.
 */
#include "transport/curl_handle.h"

#include "base/mem.h"
#include "os/clock.h"
#include "transport/explain.h"

#include <stdio.h>

/* libcurl copies a body above 64 KiB through a buffer of this size, which it
 * takes and releases with each transfer. A larger one goes back to the kernel
 * each time and comes again with pages to be cleared: with 1 MiB a batch of 300
 * KB costs a third more. With a smaller one a body of 4 MiB does. */
#define UPLOAD_BUFFER_BYTES (1L << 17)

static size_t take_head(char *bytes, size_t size, size_t count, void *self)
{
    struct dlr_curl_handle *handle = self;

    dlr_head_read_line(&handle->head, dlr_text_n(bytes, size * count));
    return size * count;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *self)
{
    struct dlr_curl_handle *handle = self;
    struct dlr_buf *body = &handle->request->answer.body;

    handle->is_too_long = size * count > body->max - body->len;
    dlr_buf_append(body, bytes, size * count);
    return body->failed ? 0 : size * count;
}

static void set_connection_options(CURL *easy,
                                   const struct dlr_curl_profile *profile)
{
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
                           UPLOAD_BUFFER_BYTES);
    if (profile->url.is_loopback) {
        /* An empty text also keeps libcurl from asking the environment. */
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    } else if (profile->proxy != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, profile->proxy);
    }
    if (profile->ca_file != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, profile->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, profile->ca_file);
    }
    if (profile->client_cert != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, profile->client_cert);
    }
    if (profile->client_key != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_SSLKEY, profile->client_key);
    }
}

static void set_callbacks(CURL *easy, struct dlr_curl_handle *handle)
{
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->detail);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
}

/* The options whose failure would change what is sent, and to whom. */
static bool set_request_options(CURL *easy,
                                const struct dlr_curl_profile *profile)
{
    return curl_easy_setopt(easy, CURLOPT_URL, profile->url_text) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                            (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT,
                            "libdatalyr/" DATALYR_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
}

struct dlr_curl_handle *
dlr_curl_handle_new(const struct dlr_curl_profile *profile,
                    struct dlr_curl_loop *loop)
{
    struct dlr_curl_handle *handle = dlr_calloc(1, sizeof *handle);

    if (handle == NULL) {
        return NULL;
    }
    handle->profile = profile;
    handle->batch_line.data = handle->batch_text;
    handle->easy = curl_easy_init();
    if (handle->easy == NULL || !set_request_options(handle->easy, profile) ||
        dlr_curl_loop_adopt(loop, handle->easy) != CURLE_OK) {
        dlr_curl_handle_free(&handle);
        return NULL;
    }
    set_connection_options(handle->easy, profile);
    set_callbacks(handle->easy, handle);
    return handle;
}

void dlr_curl_handle_free(struct dlr_curl_handle **handle)
{
    if (*handle != NULL) {
        curl_easy_cleanup((*handle)->easy);
        dlr_free(*handle);
        *handle = NULL;
    }
}

/* Puts the header lines together; `common` and `gzip` are the tails. */
static void set_head(struct dlr_curl_handle *handle,
                     const struct dlr_request *request)
{
    const struct dlr_curl_profile *profile = handle->profile;
    /* libcurl takes a list that it could change, and does not. */
    struct curl_slist *lines =
        (struct curl_slist *)(request->is_gzip ? &profile->gzip
                                               : profile->common);

    if (request->batch_size > 0) {
        (void)snprintf(handle->batch_text, sizeof handle->batch_text,
                       "X-Batch-Size: %u", (unsigned)request->batch_size);
        handle->batch_line.next = lines;
        lines = &handle->batch_line;
    }
    (void)curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, lines);
    handle->batch_size = request->batch_size;
    handle->is_gzip = request->is_gzip;
}

static void set_timeout(struct dlr_curl_handle *handle, int64_t timeout_ms)
{
    /* 0 would mean without end. */
    long limit = timeout_ms < 1           ? 1
                 : timeout_ms > INT32_MAX ? INT32_MAX
                                          : (long)timeout_ms;

    (void)curl_easy_setopt(handle->easy, CURLOPT_TIMEOUT_MS, limit);
    (void)curl_easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS, limit);
    handle->timeout_ms = timeout_ms;
}

void dlr_curl_handle_prepare(struct dlr_curl_handle *handle,
                             struct dlr_request *request)
{
    bool is_new = handle->timeout_ms == 0;

    if (is_new || handle->batch_size != request->batch_size ||
        handle->is_gzip != request->is_gzip) {
        set_head(handle, request);
    }
    if (handle->timeout_ms != request->timeout_ms || is_new) {
        set_timeout(handle, request->timeout_ms);
    }
    (void)curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)request->body_len);
    (void)curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS,
                           request->body == NULL ? "" : request->body);
    dlr_answer_reset(&request->answer);
    handle->head = (struct dlr_head){0};
    handle->is_too_long = false;
    handle->is_repeated = false;
    handle->detail[0] = '\0';
    handle->request = request;
}

bool dlr_curl_handle_may_repeat(struct dlr_curl_handle *handle, CURLcode code)
{
    long new_connections = 1;
    curl_off_t spent_us = 0;
    int64_t left_ms;

    if ((code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR &&
         code != CURLE_GOT_NOTHING) ||
        handle->head.status != 0 || handle->is_repeated) {
        return false;
    }
    (void)curl_easy_getinfo(handle->easy, CURLINFO_NUM_CONNECTS,
                            &new_connections);
    (void)curl_easy_getinfo(handle->easy, CURLINFO_TOTAL_TIME_T, &spent_us);
    left_ms = handle->request->timeout_ms - (int64_t)spent_us / 1000;
    if (new_connections > 0 || left_ms <= 0) {
        return false;
    }
    set_timeout(handle, left_ms);
    handle->detail[0] = '\0';
    handle->is_repeated = true;
    return true;
}

static int32_t find_status(const struct dlr_curl_handle *handle)
{
    return handle->head.is_complete ? handle->head.status : 0;
}

static void explain(struct dlr_curl_handle *handle)
{
    const struct dlr_curl_profile *profile = handle->profile;
    struct dlr_failure_facts facts = {
        .url = &profile->url,
        .detail = handle->detail,
        .ca_file = profile->ca_file,
        .secrets = {profile->key, profile->proxy_password},
        .timeout_ms = handle->request->timeout_ms,
    };

    /* They leave the fact as it is, unknown, if they fail. */
    (void)curl_easy_getinfo(handle->easy, CURLINFO_SSL_VERIFYRESULT,
                            &facts.certificate_code);
    (void)curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO,
                            &facts.system_errno);
    (void)curl_easy_getinfo(handle->easy, CURLINFO_HTTP_CONNECTCODE,
                            &facts.proxy_status);
    dlr_explain(&handle->request->answer, &handle->head, &facts);
}

void dlr_curl_handle_finish(struct dlr_curl_handle *handle, CURLcode code)
{
    struct dlr_answer *answer = &handle->request->answer;
    const struct dlr_head *head = &handle->head;
    curl_off_t total_us = 0;

    answer->http_status = find_status(handle);
    answer->system_code = (int32_t)code;
    answer->is_truncated = code != CURLE_OK || answer->body.failed;
    if (code == CURLE_WRITE_ERROR && handle->is_too_long) {
        answer->system_code = CURLE_OK;
    }
    if (code == CURLE_OK && answer->http_status == 0) {
        answer->system_code = CURLE_WEIRD_SERVER_REPLY;
    }
    (void)curl_easy_getinfo(handle->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    answer->latency_us = (int64_t)total_us;
    if (answer->http_status != 0) {
        answer->batch_limit = head->batch_limit;
        answer->accepts_gzip = head->accepts_gzip;
    }
    if (answer->http_status < 200 || answer->http_status > 299 ||
        answer->system_code != 0) {
        answer->retry_after_ms =
            dlr_head_retry_after_ms(head, dlr_clock_realtime_ms());
        explain(handle);
    }
}
