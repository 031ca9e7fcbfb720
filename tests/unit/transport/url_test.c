/* SPDX-License-Identifier: MIT */
#include "transport/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void good_urls_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        bool is_https;
    } cases[] = {
        {"https://ingest.datalyr.com/track", "ingest.datalyr.com", 443, true},
        {"http://127.0.0.1:8484/track", "127.0.0.1", 8484, false},
        {"HTTPS://Example.test", "Example.test", 443, true},
        {"http://[2001:db8::1]:81/", "2001:db8::1", 81, false},
        {"http://user:pw@host.test/a?b=c#d", "host.test", 80, false},
    };
    struct dlr_url url;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(dlr_url_read(cases[i].text, &url, NULL), DATALYR_OK);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.is_https, cases[i].is_https);
    }
}

static void loopback_is_told_by_its_text(void **state)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } cases[] = {
        {"http://localhost/", true},
        {"http://LOCALHOST:8484/", true},
        {"http://localhost./", true},
        {"http://api.localhost/", true},
        {"http://127.0.0.1/", true},
        {"http://127.255.255.254/", true},
        {"http://127.1/", true},
        {"http://0x7f000001/", true},
        {"http://[::1]/", true},
        {"http://10.0.0.1/", false},
        {"http://128.0.0.1/", false},
        {"http://127.0.0.1.example.test/", false},
        {"http://localhost.example.test/", false},
        {"http://notlocalhost/", false},
        {"http://[::2]/", false},
        {"http://0.0.0.0/", false},
    };
    struct dlr_url url;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(dlr_url_read(cases[i].text, &url, NULL), DATALYR_OK);
        if (url.is_loopback != cases[i].is_loopback) {
            fail_msg("%s", cases[i].text);
        }
    }
}

static void bad_urls_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "not a URL"},
        {"ingest.datalyr.com/track", "not a URL"},
        {"/track", "not a URL"},
        {"http:/track", "not a URL"},
        {"http://", "not a URL"},
        {"http://a b/", "not a URL"},
        {"http://host/tr\nack", "not a URL"},
        {"http://host:99999/", "not a URL"},
        {"http://host:0/", "port"},
        {"ftp://host/", "neither http:// nor https://"},
        {"file:///etc/passwd", "neither http:// nor https://"},
    };
    struct dlr_url url;
    datalyr_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (dlr_url_read(cases[i].text, &url, &error) != DATALYR_INVALID) {
            fail_msg("taken: %s", cases[i].text);
        }
        assert_int_equal(error.status, DATALYR_INVALID);
        if (strstr(error.message, cases[i].reason) == NULL) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        assert_string_equal(url.host, "");
        assert_int_equal(dlr_url_read(cases[i].text, &url, NULL),
                         DATALYR_INVALID);
    }
}

static void refusal_shows_neither_password_nor_control_characters(void **state)
{
    struct dlr_url url;
    datalyr_error error;

    (void)state;
    assert_int_equal(
        dlr_url_read("ftp://me:secret@host/\x1b[31m", &url, &error),
        DATALYR_INVALID);
    assert_null(strstr(error.message, "secret"));
    assert_null(strchr(error.message, '\x1b'));
    assert_non_null(strstr(error.message, "host/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_taken_apart),
        cmocka_unit_test(loopback_is_told_by_its_text),
        cmocka_unit_test(bad_urls_are_refused_with_the_reason),
        cmocka_unit_test(refusal_shows_neither_password_nor_control_characters),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
