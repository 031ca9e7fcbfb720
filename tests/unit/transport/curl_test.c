/* SPDX-License-Identifier: MIT */
/* What goes over the wire, and what is read from it. Faults, and what happens
 * beside a single exchange, are in curl_fault_test.c. */
#include "curl_fixture.h"

#include "base/mem.h"

static enum raw_next serve_keeping(struct raw_server *server,
                                   const struct raw_request *request)
{
    raw_keep(server, request);
    raw_answer(request->fd, 200, "", "{\"success\":true}");
    return RAW_KEEP;
}

static void request_looks_as_the_protocol_says(void **state)
{
    struct dlr_request *request = &fixture.requests[0];
    char expected[512];

    (void)state;
    begin(serve_keeping);
    request->body = "{\"event\":\"a\"}";
    request->body_len = 13;
    assert_int_equal(exchange(request)->http_status, 200);
    (void)snprintf(expected, sizeof expected,
                   "POST /track HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                   "User-Agent: libdatalyr/" DATALYR_VERSION "\r\n"
                   "X-API-Key: " TEST_KEY "\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: 13\r\n\r\n",
                   (unsigned)fixture.server.port);
    assert_string_equal(raw_last_head(&fixture.server), expected);
    assert_string_equal(raw_last_body(&fixture.server), "{\"event\":\"a\"}");
    assert_in_range(strlen(raw_last_head(&fixture.server)), 1, 185);
}

static void batch_and_gzip_have_a_line_each(void **state)
{
    static const struct {
        uint32_t batch_size;
        bool is_gzip;
    } cases[] = {{20, false}, {7, true}, {0, true}, {0, false}, {7, true}};
    struct dlr_request *request = &fixture.requests[0];

    (void)state;
    begin(serve_keeping);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];

        request->batch_size = cases[i].batch_size;
        request->is_gzip = cases[i].is_gzip;
        assert_int_equal(exchange(request)->http_status, 200);
        (void)snprintf(line, sizeof line, "X-Batch-Size: %u\r\n",
                       (unsigned)cases[i].batch_size);
        (cases[i].batch_size > 0 ? assert_contains : assert_lacks)(
            raw_last_head(&fixture.server), line);
        (cases[i].is_gzip ? assert_contains : assert_lacks)(
            raw_last_head(&fixture.server), "Content-Encoding: gzip\r\n");
        assert_contains(raw_last_head(&fixture.server),
                        "X-API-Key: " TEST_KEY "\r\n");
    }
    assert_int_equal(atomic_load(&fixture.server.connections), 1);
}

static enum raw_next serve_in_full(struct raw_server *server,
                                   const struct raw_request *request)
{
    (void)server;
    raw_answer(request->fd, 429,
               "X-Datalyr-Batch: 500\r\nAccept-Encoding: gzip\r\n"
               "Retry-After: 7\r\n",
               "{\"error\":\"slow down\"}");
    return RAW_KEEP;
}

static void answer_is_read_whole(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    begin(serve_in_full);
    answer = exchange(&fixture.requests[0]);
    assert_int_equal(answer->http_status, 429);
    assert_int_equal(answer->system_code, 0);
    assert_int_equal(answer->batch_limit, 500);
    assert_int_equal(answer->retry_after_ms, 7000);
    assert_true(answer->accepts_gzip);
    assert_false(answer->is_truncated);
    assert_int_equal(answer->body.len, 21);
    assert_memory_equal(answer->body.ptr, "{\"error\":\"slow down\"}", 21);
    assert_string_equal(answer->message, "the server answered 429: slow down");
    assert_true(answer->latency_us > 0);
}

static enum raw_next serve_by_number(struct raw_server *server,
                                     const struct raw_request *request)
{
    (void)server;
    if (request->number == 1) {
        raw_answer(request->fd, 503,
                   "X-Datalyr-Batch: 500\r\nAccept-Encoding: gzip\r\n"
                   "Retry-After: 7\r\n",
                   "busy");
    } else {
        raw_say(request->fd, "HTTP/1.1 204 No Content\r\n\r\n");
    }
    return RAW_KEEP;
}

static void request_used_again_knows_nothing_of_its_last_answer(void **state)
{
    struct dlr_request *request = &fixture.requests[0];

    (void)state;
    begin(serve_by_number);
    assert_int_equal(exchange(request)->http_status, 503);
    assert_int_equal(exchange(request)->http_status, 204);
    assert_int_equal(request->answer.batch_limit, 0);
    assert_int_equal(request->answer.retry_after_ms, DLR_RETRY_AFTER_NONE);
    assert_false(request->answer.accepts_gzip);
    assert_int_equal(request->answer.body.len, 0);
    assert_string_equal(request->answer.message, "");
}

static enum raw_next serve_chunked(struct raw_server *server,
                                   const struct raw_request *request)
{
    (void)server;
    raw_say(request->fd, "HTTP/1.1 100 Continue\r\n\r\n"
                         "HTTP/1.1 103 Early Hints\r\nX-Datalyr-Batch: 1\r\n"
                         "\r\nHTTP/1.1 201 Created\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n"
                         "4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\n"
                         "X-Datalyr-Batch: 2\r\n\r\n");
    return RAW_KEEP;
}

static void chunks_after_interim_answers_are_put_together(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    begin(serve_chunked);
    answer = exchange(&fixture.requests[0]);
    assert_int_equal(answer->http_status, 201);
    assert_int_equal(answer->batch_limit, 0);
    assert_int_equal(answer->body.len, 7);
    assert_memory_equal(answer->body.ptr, "{\"a\":1}", 7);
    (void)exchange(&fixture.requests[1]);
    assert_int_equal(atomic_load(&fixture.server.connections), 1);
}

static enum raw_next serve_held(struct raw_server *server,
                                const struct raw_request *request)
{
    raw_hold(server, MAX_IN_FLIGHT);
    raw_answer(request->fd, 200, "", "{}");
    return RAW_KEEP;
}

static void ten_requests_are_in_flight_at_once(void **state)
{
    bool came[MAX_IN_FLIGHT] = {false};

    (void)state;
    begin(serve_held); /* which answers none before it has ten */
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        submit(&fixture.requests[i]);
    }
    assert_int_equal(fixture.transport->submit(
                         fixture.transport, &fixture.requests[MAX_IN_FLIGHT]),
                     DATALYR_QUEUE_FULL);
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        struct dlr_request *request = poll_next(PATIENCE_MS);

        assert_non_null(request);
        assert_int_equal(request->answer.http_status, 200);
        assert_false(came[request - fixture.requests]);
        came[request - fixture.requests] = true;
    }
    assert_null(poll_next(0));
    assert_int_equal(atomic_load(&fixture.server.connections), MAX_IN_FLIGHT);
    /* And the connections are used again, all ten of them. */
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        submit(&fixture.requests[i]);
    }
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        assert_non_null(poll_next(PATIENCE_MS));
    }
    assert_int_equal(atomic_load(&fixture.server.connections), MAX_IN_FLIGHT);
}

static enum raw_next serve_length(struct raw_server *server,
                                  const struct raw_request *request)
{
    char body[32];

    (void)server;
    assert_lacks(request->head, "Expect:");
    (void)snprintf(body, sizeof body, "%zu", strlen(request->body));
    raw_answer(request->fd, 200, "", body);
    return RAW_KEEP;
}

static void large_body_arrives_whole_and_without_asking_first(void **state)
{
    static char body[3000000];
    struct dlr_request *request = &fixture.requests[0];

    (void)state;
    memset(body, 'x', sizeof body);
    begin(serve_length);
    request->body = body;
    request->body_len = sizeof body;
    assert_int_equal(exchange(request)->http_status, 200);
    assert_memory_equal(request->answer.body.ptr, "3000000", 7);
    request->body_len = 1;
    assert_int_equal(exchange(request)->http_status, 200);
    assert_memory_equal(request->answer.body.ptr, "1", 1);
    request->body = NULL;
    request->body_len = 0;
    assert_int_equal(exchange(request)->http_status, 200);
    assert_memory_equal(request->answer.body.ptr, "0", 1);
}

static enum raw_next serve_redirect(struct raw_server *server,
                                    const struct raw_request *request)
{
    char line[128];

    (void)snprintf(line, sizeof line, "Location: %s/new\r\n", server->url);
    raw_answer(request->fd, 307, line, "");
    return RAW_KEEP;
}

static void redirect_is_told_and_not_followed(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    begin(serve_redirect);
    answer = exchange(&fixture.requests[0]);
    assert_int_equal(answer->http_status, 307);
    assert_contains(answer->message, "/track/new (set host");
    assert_int_equal(atomic_load(&fixture.server.requests), 1);
}

static enum raw_next serve_echo_of_key(struct raw_server *server,
                                       const struct raw_request *request)
{
    (void)server;
    raw_answer(request->fd, 401, "", "unknown key " TEST_KEY "\x1b[31m!");
    return RAW_KEEP;
}

static void key_repeated_by_the_server_is_not_shown(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    begin(serve_echo_of_key);
    answer = exchange(&fixture.requests[0]);
    assert_int_equal(answer->http_status, 401);
    assert_lacks(answer->message, "0123");
    assert_contains(answer->message, "unknown key ****");
    assert_contains(answer->message, "\\x1b[31m!");
}

static void proxy_from_the_environment_is_not_used_for_loopback(void **state)
{
    (void)state;
    (void)setenv("http_proxy", "http://127.0.0.1:1/", 1);
    (void)setenv("all_proxy", "http://127.0.0.1:1/", 1);
    begin(serve_keeping);
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    assert_contains(raw_last_head(&fixture.server), "POST /track HTTP/1.1\r\n");
}

static void proxy_setting_is_used_for_other_hosts(void **state)
{
    struct dlr_curl_settings settings =
        settings_for("http://example.test/track");
    char proxy[64];

    (void)state;
    fixture.server.serve = serve_keeping;
    assert_true(raw_start(&fixture.server));
    (void)snprintf(proxy, sizeof proxy, "http://me:secret@127.0.0.1:%u",
                   (unsigned)fixture.server.port);
    settings.proxy = proxy;
    open_transport(&settings);
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    assert_contains(raw_last_head(&fixture.server),
                    "POST http://example.test/track HTTP/1.1\r\n");
    assert_contains(raw_last_head(&fixture.server),
                    "Proxy-Authorization: Basic ");
}

static void settings_that_cannot_work_are_refused(void **state)
{
    static const struct {
        struct dlr_curl_settings settings;
        const char *part;
    } cases[] = {
        {{.api_key = "dk_x"}, "host is missing"},
        {{.url = "host", .api_key = "dk_x"}, "host \"host\" is not a URL"},
        {{.url = "http://h"}, "api_key is missing"},
        {{.url = "http://h", .api_key = ""}, "api_key is missing"},
        {{.url = "http://h", .api_key = "dk_x\r\nX-Evil: 1"},
         "api_key has a control character in it"},
        {{.url = "http://h", .api_key = "dk_x", .ca_file = "/nowhere/x"},
         "ca_file \"/nowhere/x\" does not exist"},
        {{.url = "http://h", .api_key = "dk_x", .client_cert = "/nowhere/x"},
         "client_cert \"/nowhere/x\" does not exist"},
        {{.url = "http://h", .api_key = "dk_x", .client_key = "/nowhere/x"},
         "client_key \"/nowhere/x\" does not exist"},
        {{.url = "http://h", .api_key = "dk_x", .proxy = "http://u:pw@:x"},
         "proxy is not a URL"},
    };
    datalyr_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dlr_transport *transport = (struct dlr_transport *)&error;

        assert_int_equal(dlr_curl_open(&cases[i].settings, &transport, &error),
                         DATALYR_INVALID);
        assert_null(transport);
        assert_int_equal(error.status, DATALYR_INVALID);
        assert_contains(error.message, cases[i].part);
        assert_int_equal(dlr_curl_open(&cases[i].settings, &transport, NULL),
                         DATALYR_INVALID);
    }
}

static void running_out_of_memory_is_told_and_leaks_nothing(void **state)
{
    struct dlr_request *request = &fixture.requests[0];
    struct dlr_curl_settings settings;
    datalyr_status status = DATALYR_NOMEM;

    (void)state;
    fixture.server.serve = serve_keeping;
    assert_true(raw_start(&fixture.server));
    settings = settings_for(fixture.server.url);
    settings.proxy = "http://u:pw@127.0.0.1:1";
    settings.ca_file = settings.client_cert = "/dev/null";
    for (uint64_t n = 1; status != DATALYR_OK; n++) {
        datalyr_error error = {0};

        dlr_mem_set_fail_at(n);
        status = dlr_curl_open(&settings, &fixture.transport, &error);
        if (status == DATALYR_OK) {
            break;
        }
        assert_int_equal(status, DATALYR_NOMEM);
        assert_null(fixture.transport);
        assert_string_equal(error.message, "out of memory");
        assert_in_range(n, 1, 100);
    }
    dlr_mem_set_fail_at(1);
    assert_int_equal(fixture.transport->submit(fixture.transport, request),
                     DATALYR_NOMEM);
    assert_null(request->handle);
    dlr_mem_set_fail_at(0);
    assert_int_equal(exchange(request)->http_status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURL_TEST(request_looks_as_the_protocol_says),
        CURL_TEST(batch_and_gzip_have_a_line_each),
        CURL_TEST(answer_is_read_whole),
        CURL_TEST(request_used_again_knows_nothing_of_its_last_answer),
        CURL_TEST(chunks_after_interim_answers_are_put_together),
        CURL_TEST(ten_requests_are_in_flight_at_once),
        CURL_TEST(large_body_arrives_whole_and_without_asking_first),
        CURL_TEST(redirect_is_told_and_not_followed),
        CURL_TEST(key_repeated_by_the_server_is_not_shown),
        CURL_TEST(proxy_from_the_environment_is_not_used_for_loopback),
        CURL_TEST(proxy_setting_is_used_for_other_hosts),
        CURL_TEST(settings_that_cannot_work_are_refused),
        CURL_TEST(running_out_of_memory_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests_name("curl", tests, NULL, NULL);
}
