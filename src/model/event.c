/* SPDX-License-Identifier: MIT */
/*
 * Event: one call as one JSON object, in the vendor's order of keys: userId,
 * anonymousId, eventId, event, properties, context, timestamp.
 *
 * DESIGN
 * The object is built when the caller records the event, not when it is sent.
 * The caller's strings may then go away, the queue holds bytes of known size
 * (so its limit is a real limit), and an event that cannot be encoded is
 * refused while somebody can still act on it.
 *
 * The order of keys is fixed: people compare requests captured from two SDKs.
 */
#include "model/event.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "model/refuse.h"

#include <inttypes.h>
#include <string.h>

/* What is left of a long id before its hash: 191 + "-" + 64 = 256. */
#define KEPT_UNITS 191

#define CONTEXT                                                              \
    "\"context\":{\"library\":\"libdatalyr\",\"version\":\"" DATALYR_VERSION \
    "\",\"source\":\"api\",\"schema_version\":1"

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\n\v\f\r")] == '\0';
}

bool dlr_call_has_event_id(const struct dlr_call *call)
{
    return !is_blank(call->event_id);
}

static datalyr_status check(const struct dlr_call *call, datalyr_error *error)
{
    if (is_empty(call->event)) {
        return dlr_refuse(error, "event is missing: give the event a name");
    }
    if (is_empty(call->user_id) && is_empty(call->anonymous_id)) {
        return dlr_refuse(error, "user_id and anonymous_id are both missing: "
                                 "give at least one of them");
    }
    return DATALYR_OK;
}

/* The member `key` of the event or its context, behind a comma if it is not the
 * first; `name` is what the caller knows it by. */
static datalyr_status put_text(struct dlr_buf *out, struct dlr_text key,
                               const char *name, const char *text,
                               datalyr_error *error)
{
    struct dlr_text value = dlr_text_of(text);

    if (dlr_json_put_plain_pair(out, key, value)) {
        return DATALYR_OK;
    }
    if (!out->failed && out->ptr[out->len - 1] != '{') {
        dlr_buf_append_char(out, ',');
    }
    if (dlr_json_put_key(out, key.ptr, key.len) &&
        dlr_json_put_text(out, value.ptr, value.len)) {
        return DATALYR_OK;
    }
    return out->failed ? DATALYR_NOMEM
                       : dlr_refuse(error, "%s is not valid UTF-8", name);
}

static datalyr_status put_ids(const struct dlr_call *call, struct dlr_buf *out,
                              datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dlr_buf_append_char(out, '{');
    if (!is_empty(call->user_id)) {
        status =
            put_text(out, DLR_TEXT("userId"), "user_id", call->user_id, error);
    }
    if (status == DATALYR_OK && !is_empty(call->anonymous_id)) {
        status = put_text(out, DLR_TEXT("anonymousId"), "anonymous_id",
                          call->anonymous_id, error);
    }
    return status;
}

/* Text of ours, in which nothing needs escaping, between two constants. */
static inline void put_ours(struct dlr_buf *out, struct dlr_text before,
                            struct dlr_text ours, struct dlr_text after)
{
    size_t len = before.len + ours.len + after.len;
    char *room = dlr_buf_reserve(out, len);

    if (room != NULL) {
        memcpy(room, before.ptr, before.len);
        memcpy(room + before.len, ours.ptr, ours.len);
        memcpy(room + before.len + ours.len, after.ptr, after.len);
        out->len += len;
    }
}

/* The same long id must become the same short one in every SDK, or a webhook
 * delivered twice would be stored twice. */
static void collapse_id(const char *id, size_t len, char out[DLR_EVENT_ID_CAP])
{
    size_t kept = dlr_utf8_cut_utf16(id, len, KEPT_UNITS);

    memcpy(out, id, kept);
    out[kept] = '-';
    dlr_sha256_hex(id, len, out + kept + 1);
}

static datalyr_status put_event_id(const struct dlr_call *call,
                                   const struct dlr_stamp *stamp,
                                   struct dlr_buf *out, datalyr_error *error)
{
    char collapsed[DLR_EVENT_ID_CAP];
    const char *id = call->event_id;
    size_t len;

    if (is_blank(id)) {
        put_ours(out, DLR_TEXT(",\"eventId\":\""),
                 dlr_text_n(stamp->event_id, DLR_UUID_LEN), DLR_TEXT("\""));
        return DATALYR_OK;
    }
    len = strlen(id);
    if (!dlr_utf8_is_valid(id, len)) {
        return dlr_refuse(error, "event_id is not valid UTF-8");
    }
    if (len > DLR_EVENT_ID_UNITS &&
        dlr_utf8_count_utf16(id, len) > DLR_EVENT_ID_UNITS) {
        collapse_id(id, len, collapsed);
        id = collapsed;
    }
    return put_text(out, DLR_TEXT("eventId"), "event_id", id, error);
}

/* The anonymous id stands last in the properties too: the vendor's server
 * reads it there. */
static datalyr_status put_properties(const struct dlr_call *call,
                                     struct dlr_buf *out, datalyr_error *error)
{
    struct dlr_properties properties = call->properties;
    datalyr_member last[DLR_CALL_OWN_MAX + 1];
    size_t count = properties.last_count;

    dlr_buf_append(out, ",\"properties\":", 14);
    if (!is_empty(call->anonymous_id)) {
        for (size_t i = 0; i < count; i++) {
            last[i] = properties.last[i];
        }
        last[count].name = "anonymous_id";
        last[count].value = datalyr_text(call->anonymous_id);
        properties.last = last;
        properties.last_count = count + 1;
    }
    return dlr_properties_put(out, &properties, error);
}

static datalyr_status put_context(const struct dlr_call *call,
                                  struct dlr_buf *out, datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    dlr_buf_append(out, "," CONTEXT, sizeof("," CONTEXT) - 1);
    if (!is_empty(call->session_id)) {
        status = put_text(out, DLR_TEXT("session_id"), "session_id",
                          call->session_id, error);
    }
    return status;
}

/* And the end of the context before it. */
static datalyr_status put_time(const struct dlr_call *call,
                               const struct dlr_stamp *stamp,
                               struct dlr_buf *out, datalyr_error *error)
{
    char own[DLR_TIME_TEXT_CAP];
    const char *time = stamp->time;
    int64_t at_ms = call->timestamp_ms;

    if (at_ms != 0) {
        at_ms = at_ms == DATALYR_TIMESTAMP_EPOCH ? 0 : at_ms;
        if (!dlr_time_format_iso(at_ms, own)) {
            return dlr_refuse(error,
                              "timestamp_ms is %" PRId64 ", outside of the "
                              "years 0000 to 9999",
                              at_ms);
        }
        time = own;
    }
    put_ours(out, DLR_TEXT("},\"timestamp\":\""),
             dlr_text_n(time, DLR_TIME_TEXT_LEN), DLR_TEXT("\"}"));
    return DATALYR_OK;
}

datalyr_status dlr_event_encode(const struct dlr_call *call,
                                const struct dlr_stamp *stamp,
                                struct dlr_buf *out, datalyr_error *error)
{
    datalyr_status status = check(call, error);

    if (status == DATALYR_OK) {
        status = put_ids(call, out, error);
    }
    if (status == DATALYR_OK) {
        status = put_event_id(call, stamp, out, error);
    }
    if (status == DATALYR_OK) {
        status = put_text(out, DLR_TEXT("event"), "event", call->event, error);
    }
    if (status == DATALYR_OK) {
        status = put_properties(call, out, error);
    }
    if (status == DATALYR_OK) {
        status = put_context(call, out, error);
    }
    if (status == DATALYR_OK) {
        status = put_time(call, stamp, out, error);
    }
    return status == DATALYR_OK && out->failed ? DATALYR_NOMEM : status;
}

bool dlr_event_read_id(struct dlr_text json, struct dlr_buf *out)
{
    return dlr_json_decode(
        dlr_json_get(dlr_json_root(json), DLR_TEXT("eventId")), out);
}
