/* SPDX-License-Identifier: MIT */
/*
 * Event: the shapes of five SDKs read as one.
 *
 * DESIGN
 * The server SDKs say `event`, the browser `event_name`, old mobile versions
 * `eventName`; some old browsers say both. One walk over the members enters
 * each known name into its field, and the first that is not empty stands. What
 * is not known stays in the document, which is stored whole: an event can be
 * read again by a later version that knows more.
 *
 * A user id that only repeats the device's id is no user: old mobile SDKs sent
 * the visitor there before anybody was identified.
 */
#include "event/event.h"

#include "base/number.h"
#include "base/sha256.h"
#include "base/time.h"
#include "base/utf8.h"
#include "event/library.h"

#include <stddef.h>
#include <string.h>

/* Limits of the wire protocol, in UTF-16 units. */
#define ID_UNITS_MAX  256
#define ID_UNITS_KEPT 191

enum field {
    FIELD_NAME,
    FIELD_ID,
    FIELD_USER,
    FIELD_ANONYMOUS,
    FIELD_VISITOR,
    FIELD_SESSION,
    FIELD_WORKSPACE,
    FIELD_LIBRARY,
    FIELD_VERSION,
    FIELD_PROPERTIES,
    FIELD_CONTEXT,
    FIELD_TIME,
    FIELD_COUNT,
};

static const struct {
    struct dlr_text name;
    enum field field;
} members[] = {
    {{"event", 5}, FIELD_NAME},
    {{"event_name", 10}, FIELD_NAME},
    {{"eventName", 9}, FIELD_NAME},
    {{"eventId", 7}, FIELD_ID},
    {{"event_id", 8}, FIELD_ID},
    {{"userId", 6}, FIELD_USER},
    {{"user_id", 7}, FIELD_USER},
    {{"anonymousId", 11}, FIELD_ANONYMOUS},
    {{"anonymous_id", 12}, FIELD_ANONYMOUS},
    {{"visitorId", 9}, FIELD_VISITOR},
    {{"visitor_id", 10}, FIELD_VISITOR},
    {{"sessionId", 9}, FIELD_SESSION},
    {{"session_id", 10}, FIELD_SESSION},
    {{"workspaceId", 11}, FIELD_WORKSPACE},
    {{"workspace_id", 12}, FIELD_WORKSPACE},
    {{"sdk_name", 8}, FIELD_LIBRARY},
    {{"sdk_version", 11}, FIELD_VERSION},
    {{"properties", 10}, FIELD_PROPERTIES},
    {{"event_data", 10}, FIELD_PROPERTIES},
    {{"eventData", 9}, FIELD_PROPERTIES},
    {{"context", 7}, FIELD_CONTEXT},
    {{"timestamp", 9}, FIELD_TIME},
};

#define MEMBER_COUNT (sizeof members / sizeof members[0])

static bool is_present(struct dlr_json_value value)
{
    return value.type != DLR_JSON_NONE && value.type != DLR_JSON_NULL;
}

static void enter(struct dlr_json_value values[FIELD_COUNT],
                  struct dlr_json_value name, struct dlr_json_value value)
{
    struct dlr_text text;

    if (!is_present(value) || !dlr_json_plain_text(name, &text)) {
        return;
    }
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (dlr_text_equals(text, members[i].name)) {
            if (!is_present(values[members[i].field])) {
                values[members[i].field] = value;
            }
            return;
        }
    }
}

static void collect(struct dlr_text doc,
                    struct dlr_json_value values[FIELD_COUNT])
{
    /* All of it is one object: it is not walked to find its end. */
    struct dlr_json_iter iter =
        dlr_json_iterate((struct dlr_json_value){DLR_JSON_OBJECT, doc});
    struct dlr_json_value name;
    struct dlr_json_value value;

    while (dlr_json_next_member(&iter, &name, &value)) {
        enter(values, name, value);
    }
}

/* The text of a string or a number; empty for anything else. */
static struct dlr_text read_text(struct dlr_json_value value,
                                 struct dlr_buf *arena)
{
    struct dlr_text text = {0};
    size_t mark = arena->len;

    if (value.type == DLR_JSON_NUMBER) {
        return value.text;
    }
    if (value.type != DLR_JSON_STRING || dlr_json_plain_text(value, &text)) {
        return text;
    }
    if (!dlr_json_decode(value, arena)) {
        return text;
    }
    return dlr_text_n(arena->ptr + mark, arena->len - mark);
}

static struct dlr_text read_member(struct dlr_json_value object,
                                   const char *name, struct dlr_buf *arena)
{
    return read_text(dlr_json_get(object, dlr_text_of(name)), arena);
}

static bool read_time(struct dlr_json_value value, struct dlr_buf *arena,
                      int64_t *time_ms)
{
    double number;

    if (value.type == DLR_JSON_NUMBER) {
        return dlr_json_to_double(value, &number) &&
               dlr_time_from_number(number, time_ms);
    }
    return value.type == DLR_JSON_STRING &&
           dlr_time_parse(read_text(value, arena), time_ms, NULL);
}

static enum dld_event_kind kind_of(struct dlr_text name)
{
    static const struct {
        struct dlr_text name;
        enum dld_event_kind kind;
    } kinds[] = {
        {{"$identify", 9}, DLD_EVENT_IDENTIFY},
        {{"$alias", 6}, DLD_EVENT_ALIAS},
        {{"alias", 5}, DLD_EVENT_ALIAS},
        {{"$group", 6}, DLD_EVENT_GROUP},
        {{"$pageview", 9}, DLD_EVENT_PAGE},
        {{"pageview", 8}, DLD_EVENT_PAGE},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (dlr_text_equals(name, kinds[i].name)) {
            return kinds[i].kind;
        }
    }
    return DLD_EVENT_TRACK;
}

static bool is_blank(struct dlr_text text)
{
    return dlr_text_trim(text).len == 0;
}

/* A long id as the vendor's SDK sends it: a redelivery that was collapsed on
 * the way must meet one that was not. */
static struct dlr_text collapse_id(struct dlr_text id, struct dlr_buf *arena)
{
    char hex[DLR_SHA256_HEX_CAP];
    size_t mark = arena->len;

    dlr_sha256_hex(id.ptr, id.len, hex);
    dlr_buf_append(arena, id.ptr,
                   dlr_utf8_cut_utf16(id.ptr, id.len, ID_UNITS_KEPT));
    dlr_buf_append_char(arena, '-');
    dlr_buf_append(arena, hex, DLR_SHA256_HEX_CAP - 1);
    return arena->failed ? id
                         : dlr_text_n(arena->ptr + mark, arena->len - mark);
}

/* Old server SDKs send no id. With a time in it the document itself tells a
 * redelivery from a second event. */
static struct dlr_text derive_id(struct dlr_text doc, struct dlr_buf *arena)
{
    char hex[DLR_SHA256_HEX_CAP];
    size_t mark = arena->len;

    dlr_sha256_hex(doc.ptr, doc.len, hex);
    dlr_buf_append(arena, "evt_", 4);
    dlr_buf_append(arena, hex, DLR_SHA256_HEX_CAP - 1);
    return arena->failed ? (struct dlr_text){0}
                         : dlr_text_n(arena->ptr + mark, arena->len - mark);
}

static void read_id(struct dld_event *event, struct dlr_json_value value,
                    struct dlr_buf *arena)
{
    struct dlr_text id = read_text(value, arena);

    if (!is_blank(id)) {
        /* No text has more UTF-16 units than bytes. */
        event->id = id.len > ID_UNITS_MAX &&
                            dlr_utf8_count_utf16(id.ptr, id.len) > ID_UNITS_MAX
                        ? collapse_id(id, arena)
                        : id;
        return;
    }
    event->is_id_derived = true;
    if (event->has_time) {
        event->id = derive_id(event->doc, arena);
    }
}

static void read_people(struct dld_event *event,
                        const struct dlr_json_value values[FIELD_COUNT],
                        struct dlr_buf *arena)
{
    struct dlr_text visitor = read_text(values[FIELD_VISITOR], arena);

    event->user = read_text(values[FIELD_USER], arena);
    event->anonymous = read_text(values[FIELD_ANONYMOUS], arena);
    if (event->anonymous.len == 0) {
        event->anonymous = visitor;
    }
    if (event->user.len > 0 &&
        (dlr_text_equals(event->user, event->anonymous) ||
         dlr_text_equals(event->user, visitor) ||
         dld_library_sends_visitor_as_user(event->library, event->version,
                                           event->user))) {
        if (event->anonymous.len == 0) {
            event->anonymous = event->user;
        }
        event->user = (struct dlr_text){0};
    }
}

/* What ties an event to something else than its own ids. */
static void read_link(struct dld_event *event, struct dlr_buf *arena)
{
    if (event->kind == DLD_EVENT_ALIAS) {
        event->link = read_member(event->properties, "previousId", arena);
        if (event->link.len == 0) {
            event->link = read_member(event->properties, "previous_id", arena);
        }
        if (event->user.len == 0) {
            event->user = read_member(event->properties, "userId", arena);
        }
        if (event->user.len == 0) {
            event->user = read_member(event->properties, "new_user_id", arena);
        }
    } else if (event->kind == DLD_EVENT_GROUP) {
        event->link = read_member(event->properties, "groupId", arena);
        if (event->link.len == 0) {
            event->link = read_member(event->properties, "group_id", arena);
        }
    }
}

static void read_context(struct dld_event *event,
                         const struct dlr_json_value values[FIELD_COUNT],
                         struct dlr_buf *arena)
{
    event->library = read_text(values[FIELD_LIBRARY], arena);
    event->version = read_text(values[FIELD_VERSION], arena);
    event->session = read_text(values[FIELD_SESSION], arena);
    if (event->library.len == 0) {
        event->library = read_member(event->context, "library", arena);
        event->version = read_member(event->context, "version", arena);
    }
    if (event->session.len == 0) {
        event->session = read_member(event->context, "session_id", arena);
    }
    if (event->session.len == 0) {
        event->session = read_member(event->properties, "sessionId", arena);
    }
}

static struct dld_event_fault check(const struct dld_event *event,
                                    const struct dlr_json_value *values)
{
    if (values[FIELD_NAME].type != DLR_JSON_STRING || event->name.len == 0) {
        return (struct dld_event_fault){
            "the event has no name",
            "send a text that is not empty as \"event\"", "event"};
    }
    if (is_present(values[FIELD_PROPERTIES]) &&
        values[FIELD_PROPERTIES].type != DLR_JSON_OBJECT) {
        return (struct dld_event_fault){"properties is not an object",
                                        "send {\"name\":value}", "properties"};
    }
    if (event->user.len == 0 && event->anonymous.len == 0) {
        return (struct dld_event_fault){
            "the event belongs to nobody",
            "send \"userId\" or \"anonymousId\" (text that is not empty)",
            "userId"};
    }
    return (struct dld_event_fault){0};
}

static struct dlr_json_value only_object(struct dlr_json_value value)
{
    return value.type == DLR_JSON_OBJECT ? value : (struct dlr_json_value){0};
}

void dld_event_read(struct dlr_text doc, struct dlr_buf *arena,
                    struct dld_event *event, struct dld_event_fault *fault)
{
    struct dlr_json_value values[FIELD_COUNT] = {0};

    *event = (struct dld_event){.doc = doc};
    if (doc.len < 2 || doc.ptr[0] != '{') {
        *fault = (struct dld_event_fault){"the event is not an object",
                                          "send {\"event\":...}", NULL};
        return;
    }
    collect(doc, values);
    event->properties = only_object(values[FIELD_PROPERTIES]);
    event->context = only_object(values[FIELD_CONTEXT]);
    if (values[FIELD_NAME].type == DLR_JSON_STRING) {
        event->name = read_text(values[FIELD_NAME], arena);
    }
    event->kind = kind_of(event->name);
    event->workspace = read_text(values[FIELD_WORKSPACE], arena);
    event->has_time = read_time(values[FIELD_TIME], arena, &event->time_ms);
    read_context(event, values, arena);
    read_people(event, values, arena);
    read_link(event, arena);
    read_id(event, values[FIELD_ID], arena);
    *fault = check(event, values);
}
