/* SPDX-License-Identifier: MIT */
/*
 * Event: see event.h.
 *
 * DESIGN
 * One event is used for all records of an import: its buffers grow to what the
 * largest record needs and stay. Properties are handed to the library as JSON
 * text, in which numbers keep their digits.
 */
#include "import/event.h"

#include "base/json_check.h"
#include "base/json_write.h"
#include "base/time.h"

/* A record is the most that can come in; escapes make a CSV field longer. */
#define TEXTS_MAX ((size_t)128 << 20)

static const char *const type_names[] = {"track", "identify", "group",
                                         "page",  "screen",   "alias"};

enum cli_type cli_type_of(struct dlr_text name)
{
    for (size_t i = 0; i < CLI_TYPE_UNKNOWN; i++) {
        if (dlr_text_equals_nocase(name, dlr_text_of(type_names[i]))) {
            return (enum cli_type)i;
        }
    }
    return CLI_TYPE_UNKNOWN;
}

const char *cli_type_name(enum cli_type type)
{
    return type < CLI_TYPE_UNKNOWN ? type_names[type] : "unknown";
}

void cli_event_init(struct cli_event *event)
{
    *event = (struct cli_event){0};
    dlr_buf_init(&event->texts, TEXTS_MAX);
    dlr_buf_init(&event->properties, TEXTS_MAX);
}

void cli_event_clear(struct cli_event *event)
{
    dlr_buf_clear(&event->texts);
    dlr_buf_clear(&event->properties);
}

void cli_event_reset(struct cli_event *event)
{
    dlr_buf_rewind(&event->texts, 0);
    dlr_buf_rewind(&event->properties, 0);
    dlr_buf_append_char(&event->properties, '{');
    memset(event->text_at, 0, sizeof event->text_at);
    event->type = CLI_TYPE_TRACK;
    event->has_type = false;
    event->has_timestamp = false;
    event->timestamp_ms = 0;
}

const char *cli_event_text(const struct cli_event *event, enum cli_field field)
{
    return event->text_at[field] == 0
               ? NULL
               : event->texts.ptr + event->text_at[field] - 1;
}

bool cli_event_set(struct cli_event *event, enum cli_field field,
                   const struct cli_value *value, struct dlr_buf *problem)
{
    size_t start = event->texts.len;

    if (cli_value_is_empty(value)) {
        return true;
    }
    if (value->type != DLR_JSON_STRING && value->type != DLR_JSON_NUMBER) {
        dlr_buf_printf(problem, "%s is %s, not a text", cli_field_name(field),
                       cli_value_kind(value));
        return false;
    }
    if (!cli_value_put_text(value, &event->texts)) {
        dlr_buf_printf(problem, "%s is not UTF-8", cli_field_name(field));
        return false;
    }
    if (memchr(event->texts.ptr + start, '\0', event->texts.len - start) !=
        NULL) {
        dlr_buf_printf(problem, "%s holds a NUL character",
                       cli_field_name(field));
        return false;
    }
    dlr_buf_append_char(&event->texts, '\0');
    event->text_at[field] = start + 1;
    return true;
}

void cli_event_set_text(struct cli_event *event, enum cli_field field,
                        struct dlr_text text)
{
    size_t start = event->texts.len;

    dlr_buf_append_text(&event->texts, text);
    dlr_buf_append_char(&event->texts, '\0');
    event->text_at[field] = start + 1;
}

static void put_comma(struct dlr_buf *properties)
{
    if (properties->len > 0 && properties->ptr[properties->len - 1] != '{') {
        dlr_buf_append_char(properties, ',');
    }
}

bool cli_event_add_property(struct cli_event *event, struct dlr_text key,
                            const struct cli_value *value)
{
    put_comma(&event->properties);
    dlr_buf_append_text(&event->properties, key);
    dlr_buf_append_char(&event->properties, ':');
    return cli_value_put_json(value, &event->properties);
}

void cli_event_add_members(struct cli_event *event, struct dlr_json_value from)
{
    /* Without the braces around it. */
    struct dlr_text inside =
        dlr_text_trim(dlr_text_n(from.text.ptr + 1, from.text.len - 2));

    if (inside.len > 0) {
        put_comma(&event->properties);
        dlr_buf_append_text(&event->properties, inside);
    }
}

static bool has(const struct cli_event *event, enum cli_field field)
{
    return event->text_at[field] != 0;
}

/* What is missing; NULL if nothing is. */
static const char *find_gap(const struct cli_event *event)
{
    bool has_user = has(event, CLI_FIELD_USER_ID);
    bool has_anonymous = has(event, CLI_FIELD_ANONYMOUS_ID);

    if (!has_user && !has_anonymous) {
        return "neither a user id nor an anonymous id";
    }
    switch (event->type) {
    case CLI_TYPE_TRACK:
        return has(event, CLI_FIELD_EVENT) ? NULL : "no event name";
    case CLI_TYPE_GROUP:
        return has(event, CLI_FIELD_GROUP_ID) ? NULL : "a group without its id";
    case CLI_TYPE_ALIAS:
        if (!has_user) {
            return "an alias without a user id";
        }
        return has(event, CLI_FIELD_PREVIOUS_ID) || has_anonymous
                   ? NULL
                   : "an alias without the previous id";
    case CLI_TYPE_IDENTIFY:
    case CLI_TYPE_PAGE:
    case CLI_TYPE_SCREEN:
        break;
    case CLI_TYPE_UNKNOWN:
        return "a type that is none of track, identify, page, screen, group "
               "and alias";
    }
    return NULL;
}

bool cli_event_check(const struct cli_event *event, struct dlr_buf *problem)
{
    const char *gap = find_gap(event);

    if (gap == NULL && (event->texts.failed || event->properties.failed)) {
        gap = "more memory is needed than there is";
    }
    if (gap != NULL) {
        dlr_buf_append_string(problem, gap);
    }
    return gap == NULL;
}

static datalyr_status record_track(const struct cli_event *event,
                                   const char *name, datalyr_client *client,
                                   datalyr_error *error)
{
    return datalyr_track_e(
        client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = cli_event_text(event, CLI_FIELD_USER_ID),
            .anonymous_id = cli_event_text(event, CLI_FIELD_ANONYMOUS_ID),
            .event = name,
            .properties =
                datalyr_json(event->properties.ptr, event->properties.len),
            .event_id = cli_event_text(event, CLI_FIELD_EVENT_ID),
            .timestamp_ms = event->timestamp_ms,
            .session_id = cli_event_text(event, CLI_FIELD_SESSION_ID),
        },
        error);
}

datalyr_status cli_event_record(const struct cli_event *event,
                                datalyr_client *client, datalyr_error *error)
{
    const char *user = cli_event_text(event, CLI_FIELD_USER_ID);
    datalyr_value properties =
        datalyr_json(event->properties.ptr, event->properties.len);
    datalyr_options options = {
        DATALYR_OPTIONS_INIT,
        .anonymous_id = cli_event_text(event, CLI_FIELD_ANONYMOUS_ID),
        .event_id = cli_event_text(event, CLI_FIELD_EVENT_ID),
        .timestamp_ms = event->timestamp_ms,
        .session_id = cli_event_text(event, CLI_FIELD_SESSION_ID),
    };

    switch (event->type) {
    case CLI_TYPE_IDENTIFY:
        /* Traits of a visitor who is not known yet: the call wants a user, the
         * event does not. */
        return user == NULL
                   ? record_track(event, "$identify", client, error)
                   : datalyr_identify(client, user, properties, &options);
    case CLI_TYPE_GROUP:
        return datalyr_group(client, user,
                             cli_event_text(event, CLI_FIELD_GROUP_ID),
                             properties, &options);
    case CLI_TYPE_PAGE:
        return datalyr_page(client, user,
                            cli_event_text(event, CLI_FIELD_EVENT), properties,
                            &options);
    case CLI_TYPE_SCREEN:
        return datalyr_page(client, user, NULL, properties, &options);
    case CLI_TYPE_ALIAS:
        return datalyr_alias(client, user,
                             cli_event_text(event, CLI_FIELD_PREVIOUS_ID),
                             &options);
    case CLI_TYPE_TRACK:
    case CLI_TYPE_UNKNOWN: /* refused by cli_event_check() */
        break;
    }
    return record_track(event, cli_event_text(event, CLI_FIELD_EVENT), client,
                        error);
}

static void put_member(const char *name, const char *text, struct dlr_buf *out)
{
    if (text != NULL) {
        dlr_buf_printf(out, ",\"%s\":", name);
        (void)dlr_json_put_text(out, text, strlen(text)); /* is UTF-8 */
    }
}

void cli_event_put_json(const struct cli_event *event, struct dlr_buf *out)
{
    bool is_page =
        event->type == CLI_TYPE_PAGE || event->type == CLI_TYPE_SCREEN;
    bool is_of_user =
        event->type == CLI_TYPE_IDENTIFY || event->type == CLI_TYPE_GROUP;
    char time[DLR_TIME_TEXT_CAP];
    int64_t ms = event->timestamp_ms == DATALYR_TIMESTAMP_EPOCH
                     ? 0
                     : event->timestamp_ms;

    dlr_buf_printf(out, "{\"type\":\"%s\"",
                   is_page ? "page" : cli_type_name(event->type));
    if (event->type != CLI_TYPE_SCREEN) {
        put_member(is_page ? "name" : "event",
                   cli_event_text(event, CLI_FIELD_EVENT), out);
    }
    put_member("userId", cli_event_text(event, CLI_FIELD_USER_ID), out);
    put_member("anonymousId", cli_event_text(event, CLI_FIELD_ANONYMOUS_ID),
               out);
    put_member("groupId", cli_event_text(event, CLI_FIELD_GROUP_ID), out);
    put_member("previousId", cli_event_text(event, CLI_FIELD_PREVIOUS_ID), out);
    put_member("eventId", cli_event_text(event, CLI_FIELD_EVENT_ID), out);
    put_member("sessionId", cli_event_text(event, CLI_FIELD_SESSION_ID), out);
    if (event->has_timestamp && dlr_time_format_iso(ms, time)) {
        put_member("timestamp", time, out);
    }
    if (event->type != CLI_TYPE_ALIAS) {
        dlr_buf_printf(out, ",\"%s\":", is_of_user ? "traits" : "properties");
        /* Compact: what was laid out over lines must not break the line. */
        (void)dlr_json_compact(dlr_buf_text(&event->properties),
                               DLR_JSON_DEPTH_MAX, out, NULL);
    }
    dlr_buf_append_char(out, '}');
}
