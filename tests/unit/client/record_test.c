/* SPDX-License-Identifier: MIT */
/* The public calls: what they refuse, count and say. */
#include "support/client_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void a_null_client_is_closed_for_every_call(void **state)
{
    datalyr_purchase purchase = {.value = 1};
    datalyr_error error = {0};

    (void)state;
    assert_int_equal(client_rig_track(NULL), DATALYR_CLOSED);
    assert_int_equal(datalyr_track_json(NULL, "{}", 2, &error), DATALYR_CLOSED);
    assert_int_equal(error.status, DATALYR_CLOSED);
    assert_int_equal(datalyr_identify(NULL, "u", DATALYR_NONE, NULL),
                     DATALYR_CLOSED);
    assert_int_equal(datalyr_group(NULL, "u", "g", DATALYR_NONE, NULL),
                     DATALYR_CLOSED);
    assert_int_equal(datalyr_page(NULL, "u", "p", DATALYR_NONE, NULL),
                     DATALYR_CLOSED);
    assert_int_equal(datalyr_alias(NULL, "u", "o", NULL), DATALYR_CLOSED);
    assert_int_equal(datalyr_track_purchase(NULL, "u", &purchase, NULL),
                     DATALYR_CLOSED);
    assert_int_equal(datalyr_flush(NULL, 0), -DATALYR_INVALID);
    assert_int_equal(datalyr_close(NULL), 0);
    assert_string_equal(datalyr_anonymous_id(NULL), "");
}

/* An event whose only property is `value`, and the message that refuses it. */
static void check_refused(datalyr_client *client, datalyr_value properties,
                          const char *part)
{
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "e",
                           .properties = properties};
    datalyr_error error = {0};

    assert_int_equal(datalyr_track_e(client, &event, &error), DATALYR_INVALID);
    assert_int_equal(error.status, DATALYR_INVALID);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
    }
}

static void refusals_name_the_property(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);

    (void)state;
    check_refused(client, DATALYR_OBJECT({"revenue", DATALYR(NAN)}),
                  "properties.revenue is NaN or infinite");
    check_refused(
        client,
        DATALYR_OBJECT({"a", DATALYR_LIST(DATALYR(1), DATALYR(INFINITY))}),
        "properties.a[1]");
    check_refused(client,
                  DATALYR_OBJECT({"a", DATALYR_OBJECT({"b", DATALYR("\xff")})}),
                  "properties.a.b is not valid UTF-8");
    check_refused(client, DATALYR_OBJECT({"\xc0\x80", DATALYR(1)}),
                  "has a name that is not valid UTF-8");
    check_refused(client, DATALYR_OBJECT({NULL, DATALYR(1)}),
                  "properties has a member without a name");
    check_refused(client, datalyr_json("{\"a\":nan}", 9),
                  "properties is not valid JSON");
    check_refused(client, DATALYR_OBJECT({"j", datalyr_json("[1,]", 4)}),
                  "properties.j is not valid JSON");
    check_refused(client, DATALYR("text"), "properties must be an object");
    check_refused(client, datalyr_json("[1]", 3),
                  "properties must be a JSON object");
    assert_int_equal(
        client_rig_ledger(client).refused[DATALYR_REFUSED_VALIDATION_ERROR], 9);
    assert_int_equal(client_rig_ledger(client).accepted, 0);
    datalyr_close(&client);
}

static void foreign_text_in_a_message_is_escaped(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    datalyr_event event = {
        DATALYR_EVENT_INIT, .user_id = "u", .event = "e",
        .properties = DATALYR_OBJECT({"\x1b[31m\xe2\x80\xae", DATALYR(NAN)})};
    datalyr_error error = {0};

    (void)state;
    assert_int_equal(datalyr_track_e(client, &event, &error), DATALYR_INVALID);
    assert_null(strchr(error.message, '\x1b'));
    assert_null(strstr(error.message, "\xe2\x80\xae"));
    datalyr_close(&client);
}

static void an_event_too_large_is_told_so_whatever_its_shape(void **state)
{
    datalyr_config config = client_rig_config();
    size_t len = (size_t)3 << 20;
    char *text = malloc(len + 1);
    datalyr_client *client;
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "big"};
    datalyr_error error = {0};

    (void)state;
    memset(text, 'x', len);
    text[len] = '\0';
    client = client_rig_open(&config);
    event.properties = DATALYR_OBJECT({"p", datalyr_text_n(text, len)});
    assert_int_equal(datalyr_track_e(client, &event, &error),
                     DATALYR_TOO_LARGE);
    assert_non_null(strstr(error.message, "max_event_bytes"));
    event.properties = DATALYR_NONE;
    event.user_id = text;
    assert_int_equal(datalyr_track(client, &event), DATALYR_TOO_LARGE);
    assert_int_equal(
        client_rig_ledger(client).refused[DATALYR_REFUSED_TOO_LARGE], 2);
    datalyr_close(&client);
    free(text);
}

/* Above the buffer on the stack, below the ceiling. */
static void a_large_event_is_accepted(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    static char text[100001];
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "big"};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    event.properties = DATALYR_OBJECT({"p", DATALYR((const char *)text)});
    assert_int_equal(datalyr_track(client, &event), DATALYR_OK);
    assert_int_equal(client_rig_ledger(client).pending, 1);
    assert_int_equal(datalyr_close_within(&client, 0, NULL), 1);
}

static void structs_of_other_sizes_are_understood_or_refused(void **state)
{
    struct {
        datalyr_event event;
        uint64_t later;
    } newer = {.event = {.size = sizeof newer, .user_id = "u", .event = "e"}};
    datalyr_event older = {.size = offsetof(datalyr_event, event_id),
                           .user_id = "u",
                           .event = "e",
                           .event_id = "not read"};
    datalyr_options options = {.size = 0};
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);

    (void)state;
    assert_int_equal(datalyr_track(client, &newer.event), DATALYR_OK);
    newer.later = 1;
    assert_int_equal(datalyr_track(client, &newer.event), DATALYR_INVALID);
    assert_int_equal(datalyr_track(client, &older), DATALYR_OK);
    older.size = 0;
    assert_int_equal(datalyr_track(client, &older), DATALYR_INVALID);
    older.size = 20;
    assert_int_equal(datalyr_track(client, &older), DATALYR_INVALID);
    assert_int_equal(datalyr_track(client, NULL), DATALYR_INVALID);
    assert_int_equal(datalyr_identify(client, "u", DATALYR_NONE, &options),
                     DATALYR_INVALID);
    assert_int_equal(client_rig_ledger(client).calls, 7);
    datalyr_close_within(&client, 0, NULL);
}

static void a_disabled_client_checks_counts_and_forgets(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_event event = {DATALYR_EVENT_INIT, .event = "e"};
    char text[600];
    datalyr_client *client;
    datalyr_ledger ledger;

    (void)state;
    config.enabled = DATALYR_OFF;
    config.max_event_bytes = 512;
    client = client_rig_open(&config);
    assert_int_equal(client_rig_track(client), DATALYR_OK);
    assert_int_equal(datalyr_track(client, &event), DATALYR_INVALID);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    event.user_id = text;
    assert_int_equal(datalyr_track(client, &event), DATALYR_TOO_LARGE);
    ledger = client_rig_ledger(client);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_DISABLED], 1);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_VALIDATION_ERROR], 1);
    assert_int_equal(ledger.refused[DATALYR_REFUSED_TOO_LARGE], 1);
    assert_int_equal(datalyr_flush(client, 1000), 0);
    assert_int_equal(datalyr_close(&client), 0);
}

static void the_anonymous_id_is_stable_and_a_new_one_is_new(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    char first[DATALYR_ANONYMOUS_ID_SIZE];
    char second[DATALYR_ANONYMOUS_ID_SIZE];
    const char *own = datalyr_anonymous_id(client);

    (void)state;
    assert_int_equal(strlen(own), 41);
    assert_memory_equal(own, "anon_", 5);
    assert_string_equal(datalyr_anonymous_id(client), own);
    assert_ptr_equal(datalyr_new_anonymous_id(first), first);
    assert_int_equal(strlen(datalyr_new_anonymous_id(second)), 41);
    assert_string_not_equal(first, second);
    assert_string_not_equal(first, own);
    datalyr_close(&client);
}

/* ---- log lines */

static unsigned log_lines;
static datalyr_client *log_client;

/* A hook may record events; that must not come back to it without end. */
static void track_from_log(datalyr_log_level level, const char *message,
                           void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
    log_lines++;
    (void)client_rig_track(log_client);
}

static void a_log_hook_that_tracks_does_not_call_itself(void **state)
{
    datalyr_config config = client_rig_config();

    (void)state;
    config.debug = DATALYR_ON;
    config.hooks.on_log = track_from_log;
    config.enabled = DATALYR_OFF; /* no thread: what is called is called here */
    log_client = client_rig_open(&config);
    assert_int_equal(client_rig_track(log_client), DATALYR_OK);
    datalyr_close(&log_client);
    config.enabled = DATALYR_ON;
    log_client = client_rig_open(&config);
    assert_int_equal(client_rig_track(log_client), DATALYR_OK);
    assert_true(log_lines < 10);
    (void)datalyr_close_within(&log_client, 0, NULL);
}

/* Reads what `call` prints to standard error. */
static void capture_stderr(void (*call)(void), char *out, size_t cap)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t len;

    assert_non_null(file);
    (void)fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    call();
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    len = fread(out, 1, cap - 1, file);
    out[len] = '\0';
    (void)fclose(file);
}

static void track_with_debug(void)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client;

    config.debug = DATALYR_ON;
    client = client_rig_open(&config);
    (void)datalyr_track(client,
                        &(datalyr_event){DATALYR_EVENT_INIT, .user_id = "u",
                                         .event = "\x1b[31mred"});
    (void)datalyr_close_within(&client, 0, NULL);
}

static void debug_says_what_is_queued_without_control_characters(void **state)
{
    static char text[4096];

    (void)state;
    capture_stderr(track_with_debug, text, sizeof text);
    assert_non_null(strstr(text, "[Datalyr] Event queued: "));
    assert_non_null(strstr(text, "[31mred"));
    assert_null(strchr(text, '\x1b'));
}

static void track_without_debug(void)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client;

    config.api_key = "odd key";
    client = client_rig_open(&config);
    (void)client_rig_track(client);
    (void)datalyr_flush(client, 50);
    (void)datalyr_close_within(&client, 0, NULL);
}

static void without_debug_nothing_is_printed(void **state)
{
    char text[256];

    (void)state;
    capture_stderr(track_without_debug, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_client_is_closed_for_every_call),
        cmocka_unit_test(refusals_name_the_property),
        cmocka_unit_test(foreign_text_in_a_message_is_escaped),
        cmocka_unit_test(an_event_too_large_is_told_so_whatever_its_shape),
        cmocka_unit_test(a_large_event_is_accepted),
        cmocka_unit_test(structs_of_other_sizes_are_understood_or_refused),
        cmocka_unit_test(a_disabled_client_checks_counts_and_forgets),
        cmocka_unit_test(the_anonymous_id_is_stable_and_a_new_one_is_new),
        cmocka_unit_test(a_log_hook_that_tracks_does_not_call_itself),
        cmocka_unit_test(debug_says_what_is_queued_without_control_characters),
        cmocka_unit_test(without_debug_nothing_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
