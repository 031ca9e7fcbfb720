/* SPDX-License-Identifier: MIT */
/* Wire cases: calls, and the requests that must come of them byte for byte.
 * Each case runs twice, through datalyr_track_json() and through the C calls,
 * so that both say the same. */
#include "contract/contract.h"

#include "base/json_check.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX ((size_t)64 << 10)

#define CONTEXT                                                       \
    "\"library\":\"libdatalyr\",\"version\":\"" DATALYR_VERSION "\"," \
    "\"source\":\"api\",\"schema_version\":1"

/* ---- calls */

struct call {
    char type[32];
    char event[2048];
    char user_id[256];
    char group_id[256];
    char previous_id[256];
    char name[256];
    char currency[64];
    char anonymous_id[256];
    char event_id[4096];
    char session_id[256];
    double value;
    datalyr_value object;
    datalyr_options options;
};

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void read_call(struct dlr_json_value json, struct call *call)
{
    struct {
        const char *name;
        char *place;
        size_t cap;
    } const fields[] = {
        {"type", call->type, sizeof call->type},
        {"event", call->event, sizeof call->event},
        {"userId", call->user_id, sizeof call->user_id},
        {"groupId", call->group_id, sizeof call->group_id},
        {"previousId", call->previous_id, sizeof call->previous_id},
        {"name", call->name, sizeof call->name},
        {"currency", call->currency, sizeof call->currency},
        {"anonymousId", call->anonymous_id, sizeof call->anonymous_id},
        {"eventId", call->event_id, sizeof call->event_id},
        {"sessionId", call->session_id, sizeof call->session_id},
    };
    struct dlr_json_value object = dlr_json_get(json, DLR_TEXT("properties"));

    memset(call, 0, sizeof *call);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        (void)contract_text(dlr_json_get(json, dlr_text_of(fields[i].name)),
                            fields[i].place, fields[i].cap);
    }
    if (object.type == DLR_JSON_NONE) {
        object = dlr_json_get(json, DLR_TEXT("traits"));
    }
    if (object.type != DLR_JSON_NONE && object.type != DLR_JSON_NULL) {
        call->object = datalyr_json(object.text.ptr, object.text.len);
    }
    (void)dlr_json_to_double(dlr_json_get(json, DLR_TEXT("value")),
                             &call->value);
    call->options = (datalyr_options){
        DATALYR_OPTIONS_INIT, .anonymous_id = or_null(call->anonymous_id),
        .event_id = or_null(call->event_id),
        .timestamp_ms = contract_integer(json, "timestamp", 0),
        .session_id = or_null(call->session_id)};
}

static datalyr_status call_in_c(datalyr_client *client, struct call *call)
{
    const char *user = or_null(call->user_id);
    const datalyr_options *options = &call->options;
    datalyr_event event = {DATALYR_EVENT_INIT};
    datalyr_purchase purchase = {.value = call->value,
                                 .currency = or_null(call->currency),
                                 .properties = call->object};

    if (strcmp(call->type, "identify") == 0) {
        return datalyr_identify(client, user, call->object, options);
    }
    if (strcmp(call->type, "group") == 0) {
        return datalyr_group(client, user, call->group_id, call->object,
                             options);
    }
    if (strcmp(call->type, "page") == 0) {
        return datalyr_page(client, user, call->name, call->object, options);
    }
    if (strcmp(call->type, "alias") == 0) {
        return datalyr_alias(client, user, call->previous_id, options);
    }
    if (strcmp(call->type, "purchase") == 0) {
        return datalyr_track_purchase(client, user, &purchase, options);
    }
    event.user_id = user;
    event.anonymous_id = options->anonymous_id;
    event.event = call->event;
    event.properties = call->object;
    event.event_id = options->event_id;
    event.timestamp_ms = options->timestamp_ms;
    event.session_id = options->session_id;
    return datalyr_track(client, &event);
}

/* A number of milliseconds is a timestamp in C too; other forms are not. */
static bool can_call_in_c(struct dlr_json_value json)
{
    struct dlr_json_value time = dlr_json_get(json, DLR_TEXT("timestamp"));

    return time.type == DLR_JSON_NONE ||
           contract_integer(json, "timestamp", 0) >= INT64_C(1000000000000);
}

static bool is_purchase(struct dlr_json_value json)
{
    return dlr_json_string_equals(dlr_json_get(json, DLR_TEXT("type")),
                                  DLR_TEXT("purchase"));
}

/* ---- what is expected */

static bool is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text[i] != '-'
                    : strchr("0123456789abcdef", text[i]) == NULL ||
                          text[i] == '\0') {
            return false;
        }
    }
    return true;
}

static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    for (int i = 0; form[i] != '\0'; i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
                           : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

static void append(char *out, const char *text, size_t len)
{
    size_t used = strlen(out);

    if (used + len < TEXT_MAX) {
        memcpy(out + used, text, len);
        out[used + len] = '\0';
    }
}

/* Puts in what stands for the implementation that is tested. */
static void expand(const char *text, char *out)
{
    static const char *const words[][2] = {
        {"\"$context\":true", CONTEXT},
        {"\"$context\"", "{" CONTEXT "}"},
        {"$library", "libdatalyr"},
        {"$version", DATALYR_VERSION},
    };

    out[0] = '\0';
    while (*text != '\0') {
        size_t i = 0;

        while (i < 4 && strncmp(text, words[i][0], strlen(words[i][0])) != 0) {
            i++;
        }
        if (i < 4) {
            append(out, words[i][1], strlen(words[i][1]));
            text += strlen(words[i][0]);
        } else {
            append(out, text, 1);
            text++;
        }
    }
}

static bool matches(const char *want, const char *got)
{
    while (*want != '\0') {
        if (strncmp(want, "$uuid", 5) == 0) {
            if (!is_uuid(got)) {
                return false;
            }
            want += 5;
            got += 36;
        } else if (strncmp(want, "$now", 4) == 0) {
            if (!is_time(got)) {
                return false;
            }
            want += 4;
            got += 24;
        } else if (*want++ != *got++) {
            return false;
        }
    }
    return *got == '\0';
}

static bool check_body(struct contract_case *one, struct dlr_json_value json,
                       const char *got)
{
    char *compact = malloc(TEXT_MAX);
    char *want = malloc(TEXT_MAX);
    struct dlr_buf buf;
    bool is_same = false;

    if (compact != NULL && want != NULL) {
        dlr_buf_init_fixed(&buf, compact, TEXT_MAX - 1);
        (void)dlr_json_compact(json.text, DLR_JSON_DEPTH, &buf, NULL);
        compact[buf.len] = '\0';
        expand(compact, want);
        is_same = matches(want, got);
        if (!is_same) {
            (void)contract_fail(one, "expected %s\n# got      %s", want, got);
        }
    }
    free(compact);
    free(want);
    return is_same;
}

/* Finds a header's value; false if there is none. */
static bool find_header(const char *head, const char *name, char *out,
                        size_t cap)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *value = line + 3 + len + strspn(line + 3 + len, " ");

            (void)snprintf(out, cap, "%.*s", (int)strcspn(value, "\r"), value);
            return true;
        }
    }
    return false;
}

static bool check_headers(struct contract_case *one, struct dlr_json_value json,
                          const char *head)
{
    struct dlr_json_iter iter = dlr_json_iterate(json);
    struct dlr_json_value name;
    struct dlr_json_value value;
    char key[64];
    char text[256];
    char want[TEXT_MAX / 64];
    char got[256];

    while (dlr_json_next_member(&iter, &name, &value)) {
        bool has = find_header(head, contract_text(name, key, sizeof key), got,
                               sizeof got);

        if (value.type == DLR_JSON_NULL) {
            if (has) {
                return contract_fail(one, "there is a header %s: %s", key, got);
            }
            continue;
        }
        expand(contract_text(value, text, sizeof text), want);
        if (!has || strcmp(want, got) != 0) {
            return contract_fail(one, "header %s: expected %s, got %s", key,
                                 want, has ? got : "none");
        }
    }
    return true;
}

static bool check_requests(struct contract_case *one)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "requests"));
    struct dlr_json_value want;
    size_t count = 0;

    while (dlr_json_next_element(&iter, &want)) {
        const struct server_request *got = &one->server->requests[count];

        if (count++ >= one->server->request_count) {
            return contract_fail(one, "there is no request %zu", count);
        }
        if (!check_headers(one, dlr_json_get(want, DLR_TEXT("headers")),
                           got->head) ||
            !check_body(one, dlr_json_get(want, DLR_TEXT("body")), got->body)) {
            return false;
        }
    }
    return count == one->server->request_count ||
           contract_fail(one, "%zu requests, expected %zu",
                         one->server->request_count, count);
}

/* ---- running */

static bool check_refusal(struct contract_case *one, datalyr_client *client,
                          datalyr_status status, const char *message)
{
    struct dlr_json_value refused = contract_get(one, "refused");
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    char reason[64];
    char names[64];

    (void)contract_text(dlr_json_get(refused, DLR_TEXT("reason")), reason,
                        sizeof reason);
    (void)contract_text(dlr_json_get(refused, DLR_TEXT("names")), names,
                        sizeof names);
    if (status == DATALYR_OK) {
        return contract_fail(one, "the call was accepted");
    }
    if (message != NULL && strstr(message, names) == NULL) {
        return contract_fail(one, "\"%s\" does not name %s", message, names);
    }
    if (datalyr_stats(client, &ledger) != DATALYR_OK || ledger.calls != 1) {
        return contract_fail(one, "the call was not counted");
    }
    for (int i = 0; i < DATALYR_REFUSED_COUNT; i++) {
        if (strcmp(datalyr_refusal_name((datalyr_refusal)i), reason) == 0) {
            return ledger.refused[i] == 1 ||
                   contract_fail(one, "not counted as %s", reason);
        }
    }
    return contract_fail(one, "there is no reason %s", reason);
}

static bool make_calls(struct contract_case *one, datalyr_client *client,
                       bool is_in_c)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "calls"));
    bool is_refused = contract_get(one, "refused").type != DLR_JSON_NONE;
    struct dlr_json_value json;
    struct call *call = malloc(sizeof *call);
    bool is_ok = call != NULL;

    while (is_ok && dlr_json_next_element(&iter, &json)) {
        datalyr_error error = {0};
        bool has_message = !is_in_c && !is_purchase(json);
        datalyr_status status;

        read_call(json, call);
        status = has_message ? datalyr_track_json(client, json.text.ptr,
                                                  json.text.len, &error)
                             : call_in_c(client, call);
        if (is_refused) {
            is_ok = check_refusal(one, client, status,
                                  has_message ? error.message : NULL);
        } else if (status != DATALYR_OK) {
            is_ok = contract_fail(one, "refused: %s %s",
                                  datalyr_status_name(status), error.message);
        }
    }
    free(call);
    return is_ok;
}

static bool run_once(struct contract_case *one, bool is_in_c)
{
    datalyr_config config;
    datalyr_client *client = NULL;
    datalyr_error error;
    bool is_ok = contract_configure(one, &config);

    server_reset(one->server);
    if (is_ok && datalyr_open(&config, &client, &error) != DATALYR_OK) {
        is_ok = contract_fail(one, "%s", error.message);
    }
    is_ok = is_ok && make_calls(one, client, is_in_c);
    if (is_ok && datalyr_flush(client, 10000) != 0) {
        is_ok = contract_fail(one, "not everything was delivered");
    }
    if (datalyr_close(&client) != 0 && is_ok) {
        is_ok = contract_fail(one, "close gave something up");
    }
    datalyr_config_clear(&config);
    return is_ok && check_requests(one);
}

bool contract_run_wire(struct contract_case *one)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "calls"));
    struct dlr_json_value json;
    bool is_in_c_too = true;

    while (dlr_json_next_element(&iter, &json)) {
        is_in_c_too = is_in_c_too && can_call_in_c(json);
    }
    return run_once(one, false) && (!is_in_c_too || run_once(one, true));
}
