/* SPDX-License-Identifier: MIT */
/*
 * Track: the call that everything else is measured by.
 *
 * DESIGN
 * JavaScript serialises the properties (V8 does that faster than walking them
 * through Node-API could be) and hands over a few strings. They are copied into
 * one buffer on the stack; only an unusual event takes memory from the heap.
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES ((size_t)8192)

enum argument {
    CLIENT,
    EVENT,
    USER_ID,
    ANONYMOUS_ID,
    PROPERTIES, /* JSON */
    EVENT_ID,
    SESSION_ID,
    TIMESTAMP_MS,
    ARGUMENT_COUNT
};

static const char *const names[ARGUMENT_COUNT] = {
    [EVENT] = "event",
    [USER_ID] = "userId",
    [ANONYMOUS_ID] = "anonymousId",
    [EVENT_ID] = "eventId",
    [SESSION_ID] = "sessionId",
};

struct reading {
    napi_env env;
    size_t used;
    char *heap[ARGUMENT_COUNT]; /* of what did not fit */
    char scratch[SCRATCH_BYTES];
};

/* The text of an argument, ending in NUL; NULL if it is no string, or with an
 * exception pending. */
static const char *read_text(struct reading *reading, enum argument which,
                             napi_value value, size_t *len)
{
    char *place = reading->scratch + reading->used;
    size_t room = SCRATCH_BYTES - reading->used;

    *len = 0;
    if (room > 4 && napi_get_value_string_utf8(reading->env, value, place, room,
                                               len) != napi_ok) {
        return NULL;
    }
    /* Up to three bytes stay free where the next character did not fit. */
    if (room > 4 && *len < room - 4) {
        reading->used += *len + 1;
        return place;
    }
    reading->heap[which] = dln_script_copy_text(reading->env, value, len);
    return reading->heap[which];
}

static void forget(struct reading *reading)
{
    for (size_t i = 0; i < ARGUMENT_COUNT; i++) {
        free(reading->heap[i]);
    }
}

/* "INVALID user_id is missing", as a value. */
static napi_value refusal(napi_env env, datalyr_status status,
                          const char *message)
{
    char text[320];

    (void)snprintf(text, sizeof text, "%s %s", datalyr_status_name(status),
                   message);
    return dln_script_text(env, text, NAPI_AUTO_LENGTH);
}

/* A C text would end at the NUL, and two different ids become one. */
static napi_value refuse_nul(napi_env env, enum argument which)
{
    char text[64];

    (void)snprintf(text, sizeof text, "%s holds a NUL character", names[which]);
    return refusal(env, DATALYR_INVALID, text);
}

static napi_value track(struct reading *reading, datalyr_client *client,
                        const napi_value *arguments)
{
    const char *texts[ARGUMENT_COUNT] = {NULL};
    datalyr_event event = {DATALYR_EVENT_INIT};
    datalyr_error error;
    datalyr_status status;
    size_t len;

    for (enum argument i = EVENT; i <= SESSION_ID; i++) {
        texts[i] = read_text(reading, i, arguments[i], &len);
        if (i == PROPERTIES) {
            event.properties =
                texts[i] == NULL ? datalyr_none() : datalyr_json(texts[i], len);
        } else if (len > 0 && memchr(texts[i], '\0', len) != NULL) {
            return refuse_nul(reading->env, i);
        }
    }
    event.event = texts[EVENT];
    event.user_id = texts[USER_ID];
    event.anonymous_id = texts[ANONYMOUS_ID];
    event.event_id = texts[EVENT_ID];
    event.session_id = texts[SESSION_ID];
    event.timestamp_ms =
        dln_script_integer(reading->env, arguments[TIMESTAMP_MS], 0);
    status = datalyr_track_e(client, &event, &error);
    return status == DATALYR_OK ? NULL
                                : refusal(reading->env, status, error.message);
}

napi_value dln_track(napi_env env, napi_callback_info info)
{
    napi_value arguments[ARGUMENT_COUNT];
    size_t count = ARGUMENT_COUNT;
    struct dln_handle *handle;
    struct reading reading;
    napi_value result;

    if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
        return dln_script_fail(env, "bad arguments");
    }
    handle = dln_script_handle(env, arguments[CLIENT]);
    if (handle == NULL) {
        return NULL;
    }
    reading.env = env;
    reading.used = 0;
    memset(reading.heap, 0, sizeof reading.heap);
    result = track(&reading, handle->client, arguments);
    forget(&reading);
    return result;
}

napi_value dln_record(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    size_t count = 2;
    struct dln_handle *handle;
    datalyr_error error;
    datalyr_status status;
    size_t len = 0;
    char *text;

    if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
        return dln_script_fail(env, "bad arguments");
    }
    handle = dln_script_handle(env, arguments[0]);
    if (handle == NULL) {
        return NULL;
    }
    text = dln_script_copy_text(env, arguments[1], &len);
    if (text == NULL) {
        return NULL;
    }
    status = datalyr_track_json(handle->client, text, len, &error);
    free(text);
    return status == DATALYR_OK ? NULL : refusal(env, status, error.message);
}
