/* SPDX-License-Identifier: MIT */
#include "transport/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

static const struct dlr_url somewhere = {
    .host = "example.test", .port = 443, .is_https = true};

static struct dlr_failure_facts plain_facts(void)
{
    struct dlr_failure_facts facts = {
        .url = &somewhere, .detail = "", .timeout_ms = 10000};

    return facts;
}

/* The message for a request that got no answer. */
static const char *explain_code(CURLcode code,
                                const struct dlr_failure_facts *facts)
{
    static struct dlr_answer answer;
    struct dlr_head head = {0};

    answer = (struct dlr_answer){.system_code = (int32_t)code};
    dlr_explain(&answer, &head, facts);
    return answer.message;
}

/* The message for an answer with this status and body. */
static const char *explain_status(int32_t status, const char *body,
                                  const struct dlr_failure_facts *facts)
{
    static struct dlr_answer answer;
    struct dlr_head head = {0};

    dlr_answer_reset(&answer);
    answer.http_status = status;
    dlr_buf_append_string(&answer.body, body);
    dlr_explain(&answer, &head, facts);
    dlr_buf_clear(&answer.body);
    return answer.message;
}

static void each_failure_says_what_to_look_at(void **state)
{
    static const struct {
        CURLcode code;
        const char *detail;
        const char *message;
    } cases[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: example.test",
         "cannot resolve host example.test"},
        {CURLE_COULDNT_RESOLVE_PROXY, "Could not resolve proxy: p.test",
         "cannot resolve the proxy: Could not resolve proxy: p.test"},
        {CURLE_OPERATION_TIMEDOUT,
         "Operation timed out after 10000 milliseconds with 0 bytes received",
         "no answer from example.test:443 within 10000 ms"},
        {CURLE_OPERATION_TIMEDOUT, "Connection timed out after 10001 ms",
         "no connection to example.test:443 within 10000 ms"},
        {CURLE_OPERATION_TIMEDOUT, "Resolving timed out after 10000 ms",
         "no address found for example.test:443 within 10000 ms"},
        {CURLE_OPERATION_TIMEDOUT, "SSL connection timeout",
         "no TLS handshake with example.test:443 within 10000 ms"},
        {CURLE_SSL_CACERT_BADFILE, "error setting certificate verify",
         "TLS: cannot use ca_file of the system"},
        {CURLE_SSL_CERTPROBLEM, "could not load PEM client certificate",
         "TLS: cannot use client_cert or client_key: could not load PEM "
         "client certificate"},
        {CURLE_SSL_CONNECT_ERROR, "wrong version number",
         "TLS: no agreement with example.test:443: wrong version number"},
        {CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed",
         "example.test:443 does not answer in HTTP: Received HTTP/0.9 when "
         "not allowed"},
        {CURLE_GOT_NOTHING, "Empty reply from server",
         "the connection to example.test:443 broke before an answer came: "
         "Empty reply from server"},
        {CURLE_OUT_OF_MEMORY, "",
         "request to example.test:443 failed: Out of memory"},
    };
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        facts.detail = cases[i].detail;
        assert_string_equal(explain_code(cases[i].code, &facts),
                            cases[i].message);
    }
}

static void refused_connection_names_the_peer(void **state)
{
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    facts.system_errno = ECONNREFUSED;
    assert_string_equal(explain_code(CURLE_COULDNT_CONNECT, &facts),
                        "connection refused by example.test:443");
    /* A proxy from the environment is another peer than the host. */
    facts.detail = "Failed to connect to 10.0.0.7 port 3128 after 0 ms: "
                   "Couldn't connect to server";
    assert_string_equal(explain_code(CURLE_COULDNT_CONNECT, &facts),
                        "connection refused by 10.0.0.7:3128");
    facts.system_errno = EHOSTUNREACH;
    assert_string_equal(explain_code(CURLE_COULDNT_CONNECT, &facts),
                        "cannot connect to 10.0.0.7:3128: no route to it");
    facts.detail = "Failed to connect to nowhere";
    facts.system_errno = 0;
    assert_string_equal(explain_code(CURLE_COULDNT_CONNECT, &facts),
                        "cannot connect to example.test:443");
}

static void ipv6_address_is_shown_in_brackets(void **state)
{
    struct dlr_failure_facts facts = plain_facts();
    struct dlr_url url = {.host = "2001:db8::1", .port = 80};

    (void)state;
    facts.url = &url;
    assert_string_equal(explain_code(CURLE_OPERATION_TIMEDOUT, &facts),
                        "no answer from [2001:db8::1]:80 within 10000 ms");
}

static void certificate_fault_says_which(void **state)
{
    static const struct {
        long code;
        const char *part;
    } cases[] = {
        {9, "is not valid yet"},
        {10, "has expired"},
        {18, "unknown authority (set ca_file)"},
        {19, "unknown authority (set ca_file)"},
        {20, "unknown authority (set ca_file)"},
        {62, "is for another name"},
        {23, "is not accepted: detail of it"},
        {0, "is not accepted: detail of it"},
    };
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    facts.detail = "detail of it";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *message;

        facts.certificate_code = cases[i].code;
        message = explain_code(CURLE_PEER_FAILED_VERIFICATION, &facts);
        assert_non_null(
            strstr(message, "TLS: the certificate of example.test"));
        if (strstr(message, cases[i].part) == NULL) {
            fail_msg("%s", message);
        }
    }
    facts.certificate_code = 0;
    facts.detail = "SSL: no alternative certificate subject name matches";
    assert_non_null(strstr(explain_code(CURLE_PEER_FAILED_VERIFICATION, &facts),
                           "is for another name"));
}

static void refusing_proxy_is_named(void **state)
{
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    facts.proxy_status = 407;
    facts.detail = "CONNECT tunnel failed, response 407";
    assert_string_equal(explain_code(CURLE_RECV_ERROR, &facts),
                        "the proxy answered 407 to CONNECT");
}

static void error_answer_shows_what_the_server_says(void **state)
{
    static const struct {
        const char *body;
        const char *message;
    } cases[] = {
        {"", "the server answered 400"},
        {"{\"error\":\"event is \\\"bad\\\"\",\"hint\":\"no\"}",
         "the server answered 400: event is \"bad\""},
        {"{\"message\":\"nope\"}", "the server answered 400: nope"},
        {"{\"error\":{\"code\":7}}",
         "the server answered 400: {\"error\":{\"code\":7}}"},
        {"  plain words \n", "the server answered 400: plain words"},
        {"<html><h1>Bad Gateway</h1>", "the server answered 400"},
        {"a\nb\x1b[2Jc", "the server answered 400: a\\x0ab\\x1b[2Jc"},
    };
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(explain_status(400, cases[i].body, &facts),
                            cases[i].message);
    }
}

static void long_texts_are_cut_to_one_line(void **state)
{
    char body[20000];
    char detail[256];
    struct dlr_url url = {.port = 443};
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    memset(body, 'y', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    assert_in_range(strlen(explain_status(500, body, &facts)), 180,
                    DLR_ANSWER_MESSAGE_CAP - 1);
    memset(detail, 'd', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    memset(url.host, 'h', sizeof url.host - 1);
    facts.detail = detail;
    facts.url = &url;
    facts.ca_file = body;
    for (int code = 1; code < 100; code++) {
        assert_in_range(strlen(explain_code((CURLcode)code, &facts)), 190,
                        DLR_ANSWER_MESSAGE_CAP - 1);
    }
}

static void redirect_tells_where_to(void **state)
{
    struct dlr_answer answer = {.http_status = 308};
    struct dlr_head head = {.location = "https://new.test/track"};
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    dlr_explain(&answer, &head, &facts);
    assert_string_equal(answer.message,
                        "the server answered 308 and points to "
                        "https://new.test/track (set host to the new address)");
}

static void complete_success_needs_no_words(void **state)
{
    struct dlr_answer answer = {.http_status = 204, .message = "old"};
    struct dlr_head head = {0};
    struct dlr_failure_facts facts = plain_facts();

    (void)state;
    dlr_explain(&answer, &head, &facts);
    assert_string_equal(answer.message, "");
    answer.system_code = CURLE_PARTIAL_FILE;
    dlr_explain(&answer, &head, &facts);
    assert_string_equal(answer.message,
                        "the answer 204 of the server broke off");
}

static void secret_is_blotted_out_wherever_it_stands(void **state)
{
    struct dlr_failure_facts facts = plain_facts();
    char body[300];

    (void)state;
    facts.secrets[0] = "dk_live_0123456789";
    facts.secrets[1] = "hunter2";
    assert_string_equal(
        explain_status(401, "{\"error\":\"key dk_live_0123456789 unknown\"}",
                       &facts),
        "the server answered 401: key ****************** unknown");
    facts.detail = "hunter2 hunter2dk_live_0123456789";
    assert_string_equal(explain_code(CURLE_SSL_CONNECT_ERROR, &facts),
                        "TLS: no agreement with example.test:443: "
                        "******* *************************");
    /* Cut by the end of the excerpt, at every place. */
    for (size_t at = 130; at < 160; at++) {
        const char *message;

        memset(body, '.', sizeof body);
        memcpy(body + at, facts.secrets[0], strlen(facts.secrets[0]));
        body[sizeof body - 1] = '\0';
        message = explain_status(500, body, &facts);
        assert_null(strstr(message, "dk_l"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_says_what_to_look_at),
        cmocka_unit_test(refused_connection_names_the_peer),
        cmocka_unit_test(ipv6_address_is_shown_in_brackets),
        cmocka_unit_test(certificate_fault_says_which),
        cmocka_unit_test(refusing_proxy_is_named),
        cmocka_unit_test(error_answer_shows_what_the_server_says),
        cmocka_unit_test(long_texts_are_cut_to_one_line),
        cmocka_unit_test(redirect_tells_where_to),
        cmocka_unit_test(complete_success_needs_no_words),
        cmocka_unit_test(secret_is_blotted_out_wherever_it_stands),
    };

    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
