/* SPDX-License-Identifier: MIT */
/*
 * JSON call: reads {"type":"identify","userId":"u1","traits":{…}} into the
 * same struct that the C calls fill, so that both are checked and encoded by
 * the same code. A field that is not known is refused: it is a typing error
 * more often than a wish.
 */
#include "model/json_call.h"

#include "base/json_check.h"
#include "base/json_read.h"
#include "base/time.h"
#include "model/calls.h"
#include "model/refuse.h"

#include <string.h>

/* The text fields, as offsets into the strings, for the buffer may move. */
enum field {
    FIELD_TYPE,
    FIELD_EVENT,
    FIELD_USER_ID,
    FIELD_ANONYMOUS_ID,
    FIELD_EVENT_ID,
    FIELD_SESSION_ID,
    FIELD_GROUP_ID,
    FIELD_PREVIOUS_ID,
    FIELD_NAME,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
    "type",      "event",   "userId",     "anonymousId", "eventId",
    "sessionId", "groupId", "previousId", "name",
};

struct reading {
    struct dlr_buf *strings;
    datalyr_error *error;
    size_t offset[FIELD_COUNT]; /* 1 + place in `strings`; 0: absent */
    int64_t timestamp_ms;
    datalyr_value object; /* properties or traits */
    datalyr_status status;
};

static datalyr_status read_text(struct reading *reading, enum field field,
                                struct dlr_json_value value)
{
    size_t start = reading->strings->len;

    if (value.type == DLR_JSON_NULL) {
        return DATALYR_OK;
    }
    if (value.type != DLR_JSON_STRING) {
        return dlr_refuse(reading->error, "%s must be a string",
                          field_names[field]);
    }
    if (!dlr_json_decode(value, reading->strings)) {
        return DATALYR_NOMEM;
    }
    dlr_buf_append_char(reading->strings, '\0');
    if (reading->strings->failed) {
        return DATALYR_NOMEM;
    }
    if (strlen(reading->strings->ptr + start) + 1 !=
        reading->strings->len - start) {
        return dlr_refuse(reading->error, "%s holds a NUL character",
                          field_names[field]);
    }
    reading->offset[field] = start + 1;
    return DATALYR_OK;
}

static datalyr_status read_time(struct reading *reading,
                                struct dlr_json_value value)
{
    double number;
    struct dlr_text text;
    bool is_read = false;

    if (value.type == DLR_JSON_NULL) {
        return DATALYR_OK;
    }
    if (value.type == DLR_JSON_NUMBER) {
        is_read = dlr_json_to_double(value, &number) &&
                  dlr_time_from_number(number, &reading->timestamp_ms);
    } else if (dlr_json_plain_text(value, &text)) {
        is_read = dlr_time_parse(text, &reading->timestamp_ms, NULL);
    }
    if (!is_read) {
        return dlr_refuse(reading->error,
                          "timestamp is %.*s: use ISO 8601 such as "
                          "2026-03-04T05:06:07Z, or a number of seconds or "
                          "milliseconds",
                          value.text.len > 40 ? 40 : (int)value.text.len,
                          value.text.ptr);
    }
    if (reading->timestamp_ms == 0) {
        reading->timestamp_ms = DATALYR_TIMESTAMP_EPOCH;
    }
    return DATALYR_OK;
}

static datalyr_status read_object(struct reading *reading,
                                  struct dlr_json_value value)
{
    if (reading->object.kind != DATALYR_KIND_NONE) {
        return dlr_refuse(reading->error, "properties and traits are both "
                                          "given: use one of them");
    }
    if (value.type != DLR_JSON_NULL) {
        reading->object = datalyr_json(value.text.ptr, value.text.len);
    }
    return DATALYR_OK;
}

static datalyr_status read_member(struct reading *reading,
                                  struct dlr_json_value name,
                                  struct dlr_json_value value)
{
    for (enum field field = FIELD_TYPE; field < FIELD_COUNT; field++) {
        if (dlr_json_string_equals(name, dlr_text_of(field_names[field]))) {
            return read_text(reading, field, value);
        }
    }
    if (dlr_json_string_equals(name, DLR_TEXT("timestamp"))) {
        return read_time(reading, value);
    }
    if (dlr_json_string_equals(name, DLR_TEXT("properties")) ||
        dlr_json_string_equals(name, DLR_TEXT("traits"))) {
        return read_object(reading, value);
    }
    return dlr_refuse(reading->error, "unknown field %.*s",
                      name.text.len > 80 ? 80 : (int)name.text.len,
                      name.text.ptr);
}

/* The first member that is wrong is the one that is told of. */
static void take(void *self, struct dlr_json_value name,
                 struct dlr_json_value value)
{
    struct reading *reading = self;

    if (reading->status == DATALYR_OK) {
        reading->status = read_member(reading, name, value);
    }
}

static const char *text_of(const struct reading *reading, enum field field)
{
    return reading->offset[field] == 0
               ? NULL
               : reading->strings->ptr + reading->offset[field] - 1;
}

static bool is_type(const char *type, const char *name)
{
    return dlr_text_equals_nocase(dlr_text_of(type), dlr_text_of(name));
}

static datalyr_status fill(struct dlr_call *call, const struct reading *reading)
{
    const char *type = text_of(reading, FIELD_TYPE);
    const char *user_id = text_of(reading, FIELD_USER_ID);
    datalyr_options options = {
        DATALYR_OPTIONS_INIT,
        .anonymous_id = text_of(reading, FIELD_ANONYMOUS_ID),
        .event_id = text_of(reading, FIELD_EVENT_ID),
        .timestamp_ms = reading->timestamp_ms,
        .session_id = text_of(reading, FIELD_SESSION_ID),
    };
    datalyr_status status = dlr_call_options(call, &options, reading->error);

    if (status != DATALYR_OK) {
        return status;
    }
    if (type == NULL || is_type(type, "track")) {
        call->takes_defaults = true;
        call->event = text_of(reading, FIELD_EVENT);
        call->user_id = user_id;
        call->properties.what = "properties";
        call->properties.given = reading->object;
        return DATALYR_OK;
    }
    if (is_type(type, "identify")) {
        return dlr_call_identify(call, user_id, reading->object,
                                 reading->error);
    }
    if (is_type(type, "group")) {
        return dlr_call_group(call, user_id, text_of(reading, FIELD_GROUP_ID),
                              reading->object, reading->error);
    }
    if (is_type(type, "page")) {
        return dlr_call_page(call, user_id, text_of(reading, FIELD_NAME),
                             reading->object, reading->error);
    }
    if (is_type(type, "alias")) {
        return dlr_call_alias(
            call, user_id, text_of(reading, FIELD_PREVIOUS_ID), reading->error);
    }
    return dlr_refuse(reading->error,
                      "type is \"%s\": use track, identify, group, page or "
                      "alias",
                      type);
}

datalyr_status dlr_call_from_json(struct dlr_call *call, struct dlr_text text,
                                  struct dlr_buf *strings, datalyr_error *error)
{
    struct reading reading = {.strings = strings, .error = error};
    struct dlr_json_listener listener = {take, &reading};
    struct dlr_json_error wrong = {0};

    if (!dlr_json_check_members(text, DLR_JSON_DEPTH, &listener, &wrong)) {
        return dlr_refuse(error, "the event is no JSON object: %s at byte %zu",
                          wrong.message, wrong.position);
    }
    return reading.status == DATALYR_OK ? fill(call, &reading) : reading.status;
}
