/* SPDX-License-Identifier: MIT */
/*
 * Curl: the transport of real life.
 *
 * DESIGN
 * All of it runs on the thread that polls: requests are finished in the order
 * in which their answers come, none waits for another. Easy handles are pooled;
 * with the connections, which libcurl keeps in the multi, they are all that a
 * request needs, so that in a steady state nothing is allocated and nothing is
 * connected.
 *
 * HTTP/1.1 on several connections, not HTTP/2 on one: with the libcurl of the
 * day the latter is slower and has had errors that took all streams down.
 *
 * A resolver that hangs must not hold up cancel() or close(). That is what
 * CURLOPT_QUICK_EXIT is for, and why older versions are refused: libcurl lets
 * its resolver thread go and does not wait for it.
 */
#include "transport/curl.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"
#include "transport/curl_handle.h"
#include "transport/curl_loop.h"

#include <stdio.h>

/* The first one with CURLOPT_QUICK_EXIT. */
#define MIN_VERSION_NUMBER 0x075700
#define MIN_VERSION_TEXT   "7.87.0"

#define NS_PER_MS 1000000

struct dlr_curl {
    struct dlr_transport base; /* first: the same address */
    struct dlr_curl_profile profile;
    struct dlr_curl_loop loop;
    struct dlr_curl_handle **handles; /* each NULL until it is needed */
    struct dlr_curl_handle *free_handles;
    uint32_t handle_count;
    uint32_t max_in_flight;
    bool is_awake; /* a wake was seen by a poll that returned a request */
};

static struct dlr_once init_once = DLR_ONCE_INIT;
static CURLcode init_code = CURLE_FAILED_INIT;

static void init_libcurl(void)
{
    init_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

datalyr_status dlr_transport_global_init(void)
{
    dlr_once_run(&init_once, init_libcurl);
    return init_code == CURLE_OK ? DATALYR_OK : DATALYR_IO;
}

static struct dlr_curl *self_of(struct dlr_transport *transport)
{
    return (struct dlr_curl *)transport;
}

/* A handle at rest; NULL if all are in use or memory is short. */
static struct dlr_curl_handle *take_handle(struct dlr_curl *curl)
{
    struct dlr_curl_handle *handle = curl->free_handles;

    if (handle != NULL) {
        curl->free_handles = handle->next_free;
        return handle;
    }
    handle = dlr_curl_handle_new(&curl->profile, &curl->loop);
    if (handle != NULL) {
        curl->handles[curl->handle_count++] = handle;
    }
    return handle;
}

/* Takes the handle out of the multi, which ends what is under way, and frees
 * handle and request of each other. */
static void rest_handle(struct dlr_curl *curl, struct dlr_curl_handle *handle)
{
    (void)curl_multi_remove_handle(curl->loop.multi, handle->easy);
    handle->request->handle = NULL;
    handle->request = NULL;
    handle->next_free = curl->free_handles;
    curl->free_handles = handle;
}

static datalyr_status submit_request(struct dlr_transport *transport,
                                     struct dlr_request *request)
{
    struct dlr_curl *curl = self_of(transport);
    struct dlr_curl_handle *handle;

    if (curl->free_handles == NULL &&
        curl->handle_count == curl->max_in_flight) {
        return DATALYR_QUEUE_FULL;
    }
    handle = take_handle(curl);
    if (handle == NULL) {
        return DATALYR_NOMEM;
    }
    dlr_curl_handle_prepare(handle, request);
    request->handle = handle;
    if (curl_multi_add_handle(curl->loop.multi, handle->easy) != CURLM_OK) {
        rest_handle(curl, handle);
        return DATALYR_NOMEM;
    }
    return DATALYR_OK;
}

/* Puts a request that has ended back in, if a connection died under it that
 * was used again. False if it has ended for good. */
static bool send_again(struct dlr_curl *curl, struct dlr_curl_handle *handle,
                       CURLcode code)
{
    if (!dlr_curl_handle_may_repeat(handle, code)) {
        return false;
    }
    (void)curl_multi_remove_handle(curl->loop.multi, handle->easy);
    return curl_multi_add_handle(curl->loop.multi, handle->easy) == CURLM_OK;
}

static struct dlr_request *take_finished(struct dlr_curl *curl)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->loop.multi, &left)) != NULL) {
        struct dlr_curl_handle *handle = NULL;
        struct dlr_request *request;
        CURLcode code;

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                                &handle);
        code = message->data.result; /* the message goes with the handle */
        if (message->msg != CURLMSG_DONE || handle == NULL ||
            send_again(curl, handle, code)) {
            continue;
        }
        request = handle->request;
        dlr_curl_handle_finish(handle, code);
        rest_handle(curl, handle);
        return request;
    }
    return NULL;
}

/* What is left until a moment, rounded up; -1 for "without end". */
static int64_t left_ms(int64_t until_ns)
{
    int64_t left_ns;

    if (until_ns == INT64_MAX) {
        return -1;
    }
    left_ns = until_ns - dlr_clock_monotonic_ns();
    return left_ns <= 0 ? 0 : (left_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static int64_t moment_after(int64_t wait_ms)
{
    int64_t now_ns = dlr_clock_monotonic_ns();

    if (wait_ms < 0 || wait_ms > (INT64_MAX - now_ns - 1) / NS_PER_MS) {
        return INT64_MAX;
    }
    return now_ns + wait_ms * NS_PER_MS;
}

static struct dlr_request *poll_requests(struct dlr_transport *transport,
                                         int64_t wait_ms)
{
    struct dlr_curl *curl = self_of(transport);
    struct dlr_request *request = take_finished(curl);
    int64_t until_ns;

    if (request != NULL) {
        return request;
    }
    until_ns = moment_after(curl->is_awake ? 0 : wait_ms);
    for (;;) {
        int64_t wait;

        /* What was submitted starts here, and may end here too. */
        dlr_curl_loop_run_timer(&curl->loop);
        request = take_finished(curl);
        if (request != NULL) {
            return request;
        }
        wait = left_ms(until_ns);
        if (dlr_curl_loop_wait(&curl->loop, wait)) {
            curl->is_awake = true;
        }
        request = take_finished(curl);
        if (request != NULL) {
            return request;
        }
        if (curl->is_awake || wait == 0) {
            curl->is_awake = false;
            return NULL;
        }
    }
}

static void wake_poll(struct dlr_transport *transport)
{
    dlr_poller_wake(&self_of(transport)->loop.poller);
}

static void cancel_request(struct dlr_transport *transport,
                           struct dlr_request *request)
{
    if (request->handle != NULL) {
        rest_handle(self_of(transport), request->handle);
    }
}

static void close_curl(struct dlr_transport *transport)
{
    struct dlr_curl *curl = self_of(transport);

    for (uint32_t i = 0; i < curl->handle_count; i++) {
        if (curl->handles[i]->request != NULL) {
            rest_handle(curl, curl->handles[i]);
        }
        dlr_curl_handle_free(&curl->handles[i]);
    }
    dlr_curl_loop_close(&curl->loop);
    dlr_curl_profile_clear(&curl->profile);
    dlr_free(curl->handles);
    dlr_free(curl);
}

static void abandon_curl(struct dlr_transport *transport)
{
    dlr_curl_loop_abandon(&self_of(transport)->loop);
}

static datalyr_status tell(datalyr_error *error, datalyr_status status,
                           const char *message)
{
    if (error != NULL) {
        error->status = (int32_t)status;
        error->system_code = 0;
        (void)snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

/* What this libcurl, which is loaded at run time, can do. */
static datalyr_status check_libcurl(datalyr_error *error)
{
    const curl_version_info_data *info;

    if (dlr_transport_global_init() != DATALYR_OK) {
        return tell(error, DATALYR_IO, "libcurl cannot be initialised");
    }
    info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num < MIN_VERSION_NUMBER) {
        return tell(error, DATALYR_IO,
                    "this libcurl is older than " MIN_VERSION_TEXT);
    }
    return DATALYR_OK;
}

static datalyr_status check_tls(const struct dlr_url *url, datalyr_error *error)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (url->is_https && (info->features & CURL_VERSION_SSL) == 0) {
        return tell(error, DATALYR_IO,
                    "this libcurl has no TLS, and host is an https URL");
    }
    return DATALYR_OK;
}

static datalyr_status fill(struct dlr_curl *curl,
                           const struct dlr_curl_settings *settings,
                           datalyr_error *error)
{
    datalyr_status status =
        dlr_curl_profile_init(&curl->profile, settings, error);

    if (status != DATALYR_OK) {
        return status;
    }
    status = check_tls(&curl->profile.url, error);
    if (status != DATALYR_OK) {
        return status;
    }
    curl->max_in_flight =
        settings->max_in_flight == 0 ? 1 : settings->max_in_flight;
    curl->handles = dlr_calloc(curl->max_in_flight, sizeof *curl->handles);
    if (curl->handles == NULL) {
        return DATALYR_NOMEM;
    }
    status = dlr_curl_loop_open(&curl->loop, curl->max_in_flight);
    return status != DATALYR_IO
               ? status
               : tell(error, status, "cannot make a descriptor to wait on");
}

datalyr_status dlr_curl_open(const struct dlr_curl_settings *settings,
                             struct dlr_transport **out, datalyr_error *error)
{
    struct dlr_curl *curl;
    datalyr_status status = check_libcurl(error);

    *out = NULL;
    if (status != DATALYR_OK) {
        return status;
    }
    curl = dlr_calloc(1, sizeof *curl);
    if (curl == NULL) {
        return tell(error, DATALYR_NOMEM, "out of memory");
    }
    curl->base = (struct dlr_transport){
        .submit = submit_request,
        .poll = poll_requests,
        .wake = wake_poll,
        .cancel = cancel_request,
        .close = close_curl,
        .abandon = abandon_curl,
    };
    curl->loop.poller = (struct dlr_poller){.epoll_fd = -1, .wake_fd = -1};
    status = fill(curl, settings, error);
    if (status != DATALYR_OK) {
        close_curl(&curl->base);
        return status == DATALYR_NOMEM ? tell(error, status, "out of memory")
                                       : status;
    }
    *out = &curl->base;
    return DATALYR_OK;
}
