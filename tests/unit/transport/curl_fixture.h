/* SPDX-License-Identifier: MIT */
/* What the tests of the network transport share: a server, a transport that
 * sends to it, and a few requests. */
#ifndef DATALYR_TESTS_TRANSPORT_CURL_FIXTURE_H
#define DATALYR_TESTS_TRANSPORT_CURL_FIXTURE_H

#include "raw_server.h"

#include "transport/curl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST_KEY      "dk_test_0123456789abcdef"
#define MAX_IN_FLIGHT 10
#define PATIENCE_MS   20000 /* a test that waits so long has failed */
#define REQUEST_COUNT 16

struct curl_fixture {
    struct raw_server server;
    struct dlr_transport *transport;
    struct dlr_request requests[REQUEST_COUNT];
};

static struct curl_fixture fixture;

typedef enum raw_next serve_function(struct raw_server *server,
                                     const struct raw_request *request);

static inline struct dlr_curl_settings settings_for(const char *url)
{
    struct dlr_curl_settings settings = {
        .url = url, .api_key = TEST_KEY, .max_in_flight = MAX_IN_FLIGHT};

    return settings;
}

static inline void open_transport(const struct dlr_curl_settings *settings)
{
    datalyr_error error = {0};

    if (dlr_curl_open(settings, &fixture.transport, &error) != DATALYR_OK) {
        fail_msg("%s", error.message);
    }
}

/* Starts a server that answers with `serve`, and a transport to it. */
static inline void begin(serve_function *serve)
{
    struct dlr_curl_settings settings;

    fixture.server.serve = serve;
    assert_true(raw_start(&fixture.server));
    settings = settings_for(fixture.server.url);
    open_transport(&settings);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof fixture);
    for (size_t i = 0; i < REQUEST_COUNT; i++) {
        fixture.requests[i] = (struct dlr_request){
            .body = "{}", .body_len = 2, .timeout_ms = PATIENCE_MS};
    }
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    dlr_transport_close(&fixture.transport);
    if (fixture.server.serve != NULL) {
        raw_stop(&fixture.server);
    }
    for (size_t i = 0; i < REQUEST_COUNT; i++) {
        dlr_answer_clear(&fixture.requests[i].answer);
    }
    return 0;
}

static inline void submit(struct dlr_request *request)
{
    assert_int_equal(fixture.transport->submit(fixture.transport, request),
                     DATALYR_OK);
}

static inline struct dlr_request *poll_next(int64_t wait_ms)
{
    return fixture.transport->poll(fixture.transport, wait_ms);
}

/* Sends one request and waits for what comes of it. */
static inline const struct dlr_answer *exchange(struct dlr_request *request)
{
    submit(request);
    assert_ptr_equal(poll_next(PATIENCE_MS), request);
    assert_null(request->handle);
    return &request->answer;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in \"%s\"", part, text);
    }
}

#define CURL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
