/* SPDX-License-Identifier: MIT */
/* Whole events: the calls as the object that goes on the wire. */
#include "model/event.h"

#include "model/calls.h"
#include "model/json_call.h"
#include "model/sized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ID   "018f0000-0000-7000-8000-000000000001"
#define TIME "2026-03-04T05:06:07.089Z"
#define CONTEXT                                                              \
    "\"context\":{\"library\":\"libdatalyr\",\"version\":\"" DATALYR_VERSION \
    "\",\"source\":\"api\",\"schema_version\":1"
#define END CONTEXT "},\"timestamp\":\"" TIME "\"}"

static const struct dlr_stamp stamp = {ID, TIME};

static void check(const struct dlr_call *call, const char *expected)
{
    struct dlr_buf out;
    struct dlr_buf fixed;
    datalyr_error error = {0};
    char *room;

    dlr_buf_init(&out, (size_t)1 << 20);
    if (dlr_event_encode(call, &stamp, &out, &error) != DATALYR_OK) {
        fail_msg("%s", error.message);
    }
    assert_non_null(dlr_buf_terminate(&out));
    assert_string_equal(out.ptr, expected);
    /* With any smaller room it says so and writes nothing behind the end. */
    for (size_t cap = 0; cap < out.len; cap++) {
        room = malloc(cap + 1);
        room[cap] = '#';
        dlr_buf_init_fixed(&fixed, room, cap);
        assert_int_equal(dlr_event_encode(call, &stamp, &fixed, NULL),
                         DATALYR_NOMEM);
        assert_int_equal(room[cap], '#');
        free(room);
    }
    dlr_buf_clear(&out);
}

static void an_event_has_the_keys_in_the_vendors_order(void **state)
{
    struct dlr_call call;
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u",
                           .anonymous_id = "anon_1", .event = "e",
                           .session_id = "s"};

    (void)state;
    assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
    check(&call,
          "{\"userId\":\"u\",\"anonymousId\":\"anon_1\",\"eventId\":\"" ID
          "\",\"event\":\"e\",\"properties\":{\"anonymous_id\":"
          "\"anon_1\"}," CONTEXT ",\"session_id\":\"s\"},\"timestamp\":\"" TIME
          "\"}");
}

/* Every shape of properties with what the call adds on both sides. */
static void members_are_merged_whatever_their_source(void **state)
{
    static const char *const texts[] = {
        "{}", "{\"groupId\":1}", "{\"a\":1}", "{\"groupId\":1,\"a\":1}",
        "{\"a\":1,\"group\\u0049d\":{\"x\":[1]}}"};
    static const char *const results[] = {"", "", ",\"a\":1", ",\"a\":1",
                                          ",\"a\":1"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct dlr_call call = {0};
        char expected[512];

        assert_int_equal(
            dlr_call_group(&call, "u", "g",
                           datalyr_json(texts[i], strlen(texts[i])), NULL),
            DATALYR_OK);
        (void)snprintf(expected, sizeof expected,
                       "{\"userId\":\"u\",\"eventId\":\"" ID
                       "\",\"event\":\"$group\",\"properties\":{\"groupId\":"
                       "\"g\"%s}," END,
                       results[i]);
        check(&call, expected);
    }
}

/* The same where only what stands behind them is the call's own. */
static void a_json_text_gives_way_to_the_anonymous_id(void **state)
{
    static const char *const texts[] = {
        "{}", " { \"anonymous_id\" : 1 } ", "{\"a\":1}",
        "{\"a\":{\"anonymous_id\":2}}",
        "{\"a\" : 1, \"anonymous\\u005fid\":2 ,\"b\":[ ] }"};
    static const char *const results[] = {
        "", "", "\"a\":1,", "\"a\":{\"anonymous_id\":2},", "\"a\":1,\"b\":[],"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u",
                               .anonymous_id = "x", .event = "e"};
        struct dlr_call call;
        char expected[512];

        event.properties = datalyr_json(texts[i], strlen(texts[i]));
        assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
        (void)snprintf(
            expected, sizeof expected,
            "{\"userId\":\"u\",\"anonymousId\":\"x\",\"eventId\":\"" ID
            "\",\"event\":\"e\",\"properties\":{%s"
            "\"anonymous_id\":\"x\"}," END,
            results[i]);
        check(&call, expected);
    }
}

/* The quick way and the thorough one meet within one object. */
static void scalars_are_written_whatever_their_names(void **state)
{
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "e"};
    struct dlr_call call;
    struct dlr_buf out;
    datalyr_error error = {0};

    (void)state;
    event.properties = DATALYR_OBJECT(
        {"a", DATALYR(1)}, {"b\"", DATALYR(-2)}, {"c", DATALYR(0.5)},
        {"\xc3\xa4", DATALYR(1e300)}, {"d", DATALYR_FALSE}, {"e", DATALYR_NULL},
        {"\n", DATALYR_TRUE}, {"f", DATALYR("g")});
    assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
    check(&call, "{\"userId\":\"u\",\"eventId\":\"" ID
                 "\",\"event\":\"e\",\"properties\":{\"a\":1,\"b\\\"\":-2,"
                 "\"c\":0.5,\"\xc3\xa4\":1e+300,\"d\":false,\"e\":null,"
                 "\"\\n\":true,\"f\":\"g\"}," END);
    event.properties =
        DATALYR_OBJECT({"a", DATALYR(1)}, {"b", DATALYR((double)NAN)});
    assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
    dlr_buf_init(&out, 4096);
    assert_int_equal(dlr_event_encode(&call, &stamp, &out, &error),
                     DATALYR_INVALID);
    assert_string_equal(error.message, "properties.b is NaN or infinite, which "
                                       "JSON cannot hold");
    dlr_buf_clear(&out);
}

static void defaults_fill_what_an_event_lacks(void **state)
{
    datalyr_value value =
        DATALYR_OBJECT({"env", DATALYR("prod")}, {"a", DATALYR(0)},
                       {"anonymous_id", DATALYR("no")});
    struct dlr_defaults defaults = {0};
    struct dlr_call call;
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u",
                           .anonymous_id = "x", .event = "e"};

    (void)state;
    event.properties = DATALYR_OBJECT({"a", DATALYR(1)});
    assert_int_equal(dlr_defaults_init(&defaults, &value, NULL), DATALYR_OK);
    assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
    call.properties.defaults = &defaults;
    check(&call, "{\"userId\":\"u\",\"anonymousId\":\"x\",\"eventId\":\"" ID
                 "\",\"event\":\"e\",\"properties\":{\"a\":1,\"env\":\"prod\","
                 "\"anonymous_id\":\"x\"}," END);
    dlr_defaults_clear(&defaults);
}

static void defaults_must_be_an_object(void **state)
{
    datalyr_value value = DATALYR(5);
    struct dlr_defaults defaults = {0};
    datalyr_error error = {0};

    (void)state;
    assert_int_equal(dlr_defaults_init(&defaults, &value, &error),
                     DATALYR_INVALID);
    assert_string_equal(error.message, "default_properties must be an object");
    dlr_defaults_clear(&defaults);
}

static void times_have_their_limits(void **state)
{
    static const int64_t bad[] = {INT64_MAX, INT64_MIN + 1,
                                  INT64_C(253402300800000),
                                  -INT64_C(62167219200001)};
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "e"};
    struct dlr_call call;
    struct dlr_buf out;
    datalyr_error error = {0};

    (void)state;
    dlr_buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        event.timestamp_ms = bad[i];
        assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
        assert_int_equal(dlr_event_encode(&call, &stamp, &out, &error),
                         DATALYR_INVALID);
        assert_non_null(strstr(error.message, "timestamp_ms is "));
    }
    dlr_buf_rewind(&out, 0);
    event.timestamp_ms = DATALYR_TIMESTAMP_EPOCH;
    assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
    assert_int_equal(dlr_event_encode(&call, &stamp, &out, &error), DATALYR_OK);
    assert_non_null(
        strstr(dlr_buf_terminate(&out), "\"1970-01-01T00:00:00.000Z\""));
    dlr_buf_clear(&out);
}

static void bad_text_is_refused_by_the_name_of_its_field(void **state)
{
    static const char *const names[] = {"user_id", "anonymous_id", "event",
                                        "event_id", "session_id"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u",
                               .event = "e"};
        const char **fields[] = {&event.user_id, &event.anonymous_id,
                                 &event.event, &event.event_id,
                                 &event.session_id};
        struct dlr_call call;
        struct dlr_buf out;
        datalyr_error error = {0};
        char expected[64];

        *fields[i] = "bad \xff";
        dlr_buf_init(&out, 4096);
        assert_int_equal(dlr_call_track(&call, &event, NULL), DATALYR_OK);
        assert_int_equal(dlr_event_encode(&call, &stamp, &out, &error),
                         DATALYR_INVALID);
        (void)snprintf(expected, sizeof expected, "%s is not valid UTF-8",
                       names[i]);
        assert_string_equal(error.message, expected);
        dlr_buf_clear(&out);
    }
}

static void the_event_id_is_read_back(void **state)
{
    struct dlr_buf out;

    (void)state;
    dlr_buf_init(&out, 100);
    assert_true(dlr_event_read_id(
        DLR_TEXT("{\"userId\":\"eventId\",\"eventId\":\"a\\u00e9\\n\"}"),
        &out));
    assert_string_equal(dlr_buf_terminate(&out), "a\xc3\xa9\n");
    assert_false(dlr_event_read_id(DLR_TEXT("{}"), &out));
    dlr_buf_clear(&out);
}

/* ---- calls as JSON */

static void check_json_refused(const char *text, const char *part)
{
    struct dlr_buf strings;
    struct dlr_call call = {0};
    datalyr_error error = {0};

    dlr_buf_init(&strings, 4096);
    assert_int_equal(
        dlr_call_from_json(&call, dlr_text_of(text), &strings, &error),
        DATALYR_INVALID);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
    }
    dlr_buf_clear(&strings);
}

static void json_calls_name_the_field_that_is_wrong(void **state)
{
    (void)state;
    check_json_refused("", "no JSON object");
    check_json_refused("[]", "no JSON object");
    check_json_refused("{\"event\":\"e\",}", "at byte 13");
    check_json_refused("{\"userID\":\"u\"}", "unknown field \"userID\"");
    check_json_refused("{\"type\":\"screen\"}", "type is \"screen\"");
    check_json_refused("{\"userId\":5}", "userId must be a string");
    check_json_refused("{\"event\":{}}", "event must be a string");
    check_json_refused("{\"userId\":\"a\\u0000b\"}",
                       "userId holds a NUL character");
    check_json_refused("{\"timestamp\":true}", "timestamp is true");
    check_json_refused("{\"properties\":{},\"traits\":{}}",
                       "properties and traits are both given");
    check_json_refused("{\"type\":\"alias\",\"userId\":\"u\"}",
                       "previous_id is missing");
}

static void json_calls_take_null_for_not_given(void **state)
{
    struct dlr_buf strings;
    struct dlr_call call = {0};

    (void)state;
    dlr_buf_init(&strings, 4096);
    assert_int_equal(
        dlr_call_from_json(
            &call,
            DLR_TEXT("{\"type\":\"Track\",\"userId\":\"u\",\"anonymousId\":"
                     "null,\"event\":\"e\",\"timestamp\":null,\"eventId\":"
                     "null,\"sessionId\":null,\"properties\":null}"),
            &strings, NULL),
        DATALYR_OK);
    check(&call, "{\"userId\":\"u\",\"eventId\":\"" ID
                 "\",\"event\":\"e\",\"properties\":{}," END);
    dlr_buf_clear(&strings);
}

static void json_calls_keep_their_strings_while_the_buffer_grows(void **state)
{
    struct dlr_buf strings;
    struct dlr_call call = {0};
    char *text = malloc(20000);
    char name[9001];

    (void)state;
    assert_non_null(text);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)snprintf(text, 20000,
                   "{\"userId\":\"u\",\"sessionId\":\"s\",\"event\":\"%s\"}",
                   name);
    dlr_buf_init(&strings, 100000);
    assert_int_equal(
        dlr_call_from_json(&call, dlr_text_of(text), &strings, NULL),
        DATALYR_OK);
    assert_string_equal(call.user_id, "u");
    assert_string_equal(call.session_id, "s");
    assert_string_equal(call.event, name);
    dlr_buf_clear(&strings);
    dlr_buf_init(&strings, 5000);
    assert_int_equal(
        dlr_call_from_json(&call, dlr_text_of(text), &strings, NULL),
        DATALYR_NOMEM);
    dlr_buf_clear(&strings);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_the_keys_in_the_vendors_order),
        cmocka_unit_test(members_are_merged_whatever_their_source),
        cmocka_unit_test(a_json_text_gives_way_to_the_anonymous_id),
        cmocka_unit_test(scalars_are_written_whatever_their_names),
        cmocka_unit_test(defaults_fill_what_an_event_lacks),
        cmocka_unit_test(defaults_must_be_an_object),
        cmocka_unit_test(times_have_their_limits),
        cmocka_unit_test(bad_text_is_refused_by_the_name_of_its_field),
        cmocka_unit_test(the_event_id_is_read_back),
        cmocka_unit_test(json_calls_name_the_field_that_is_wrong),
        cmocka_unit_test(json_calls_take_null_for_not_given),
        cmocka_unit_test(json_calls_keep_their_strings_while_the_buffer_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
