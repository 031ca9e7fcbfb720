/* SPDX-License-Identifier: MIT */
/*
 * Form: see form.h.
 *
 * DESIGN
 * A line is in Segment's form if `type` names one of its calls and there is at
 * least one more member that only such lines have; then the members around
 * `properties` and `traits` are the envelope, not data. It is in ours if there
 * are both `eventId` and `event` or `type`. Everything else is a table.
 *
 * Of a Segment context only what the collector works with is carried over:
 * campaign as utm_*, page as url, path, title and referrer, the session; traits
 * with identify. `--map properties.context=context` takes it whole.
 */
#include "import/form.h"

#include "base/time.h"

/* Both spellings of each name, as JSON; the wire's first. */
static const struct dlr_text spellings[CLI_KNOWN_COUNT][2] = {
    [CLI_KNOWN_TYPE] = {{"\"type\"", 6}, {NULL, 0}},
    [CLI_KNOWN_EVENT] = {{"\"event\"", 7}, {NULL, 0}},
    [CLI_KNOWN_NAME] = {{"\"name\"", 6}, {NULL, 0}},
    [CLI_KNOWN_CATEGORY] = {{"\"category\"", 10}, {NULL, 0}},
    [CLI_KNOWN_USER_ID] = {{"\"userId\"", 8}, {"\"user_id\"", 9}},
    [CLI_KNOWN_ANONYMOUS_ID] = {{"\"anonymousId\"", 13},
                                {"\"anonymous_id\"", 14}},
    [CLI_KNOWN_GROUP_ID] = {{"\"groupId\"", 9}, {"\"group_id\"", 10}},
    [CLI_KNOWN_PREVIOUS_ID] = {{"\"previousId\"", 12}, {"\"previous_id\"", 13}},
    [CLI_KNOWN_SESSION_ID] = {{"\"sessionId\"", 11}, {"\"session_id\"", 12}},
    [CLI_KNOWN_EVENT_ID] = {{"\"eventId\"", 9}, {NULL, 0}},
    [CLI_KNOWN_MESSAGE_ID] = {{"\"messageId\"", 11}, {NULL, 0}},
    [CLI_KNOWN_TIMESTAMP] = {{"\"timestamp\"", 11}, {NULL, 0}},
    [CLI_KNOWN_ORIGINAL_TIMESTAMP] = {{"\"originalTimestamp\"", 19}, {NULL, 0}},
    [CLI_KNOWN_SENT_AT] = {{"\"sentAt\"", 8}, {NULL, 0}},
    [CLI_KNOWN_PROPERTIES] = {{"\"properties\"", 12}, {NULL, 0}},
    [CLI_KNOWN_TRAITS] = {{"\"traits\"", 8}, {NULL, 0}},
    [CLI_KNOWN_CONTEXT] = {{"\"context\"", 9}, {NULL, 0}},
};

#define LONGEST_KEY 19

/* A letter near the middle tells most names apart without a comparison. */
static bool is_spelled(struct dlr_text key, struct dlr_text spelling)
{
    return key.len == spelling.len && key.ptr[2] == spelling.ptr[2] &&
           memcmp(key.ptr, spelling.ptr, key.len) == 0;
}

/* `hint` is the spelling that the column of this place had in the record before:
 * the lines of a file are alike. */
static void note_column(struct cli_knowns *knowns, struct cli_column *column,
                        unsigned char *hint)
{
    size_t at = *hint;

    if (column->key.len > LONGEST_KEY || column->key.len < 4) {
        return;
    }
    if (!is_spelled(column->key, spellings[at / 2][at % 2])) {
        for (at = 0; at < CLI_KNOWN_COUNT * 2; at++) {
            if (is_spelled(column->key, spellings[at / 2][at % 2])) {
                break;
            }
        }
        if (at == CLI_KNOWN_COUNT * 2) {
            return;
        }
        *hint = (unsigned char)at;
    }
    if (knowns->columns[at / 2] == NULL) {
        knowns->columns[at / 2] = column;
    }
}

static const struct cli_value *value_of(const struct cli_knowns *knowns,
                                        enum cli_known known)
{
    static const struct cli_value none = {.type = DLR_JSON_NONE};

    return knowns->columns[known] == NULL ? &none
                                          : &knowns->columns[known]->value;
}

static bool is_text(const struct cli_knowns *knowns, enum cli_known known)
{
    const struct cli_value *value = value_of(knowns, known);

    return value->type == DLR_JSON_STRING && !cli_value_is_empty(value);
}

/* The call that `type` names; CLI_TYPE_UNKNOWN if it names none. */
static enum cli_type type_of(const struct cli_knowns *knowns)
{
    const struct cli_value *value = value_of(knowns, CLI_KNOWN_TYPE);
    struct dlr_text text = value->text;

    if (value->type != DLR_JSON_STRING) {
        return CLI_TYPE_UNKNOWN;
    }
    if (!value->is_plain) {
        text = dlr_text_n(text.ptr + 1, text.len - 2);
    }
    return cli_type_of(text);
}

static bool is_there(const struct cli_knowns *knowns, enum cli_known known)
{
    return knowns->columns[known] != NULL;
}

static enum cli_form find_form(const struct cli_knowns *knowns)
{
    bool has_call = type_of(knowns) != CLI_TYPE_UNKNOWN;

    if (is_text(knowns, CLI_KNOWN_EVENT_ID) &&
        (has_call || is_text(knowns, CLI_KNOWN_EVENT))) {
        return CLI_FORM_WIRE;
    }
    if (has_call && (is_there(knowns, CLI_KNOWN_MESSAGE_ID) ||
                     is_there(knowns, CLI_KNOWN_PROPERTIES) ||
                     is_there(knowns, CLI_KNOWN_TRAITS) ||
                     is_there(knowns, CLI_KNOWN_CONTEXT) ||
                     is_there(knowns, CLI_KNOWN_ORIGINAL_TIMESTAMP) ||
                     is_there(knowns, CLI_KNOWN_SENT_AT))) {
        return CLI_FORM_SEGMENT;
    }
    return CLI_FORM_FLAT;
}

void cli_form_recognise(struct cli_knowns *knowns, struct cli_record *record)
{
    *knowns = (struct cli_knowns){.form = CLI_FORM_FLAT};
    for (size_t i = 0; i < record->column_count; i++) {
        note_column(knowns, &record->columns[i],
                    &record->hints[i < CLI_HINTS ? i : CLI_HINTS]);
    }
    if (!record->is_csv) {
        knowns->form = find_form(knowns);
    }
}

bool cli_form_set_time(struct cli_event *event, struct cli_zone *zone,
                       const struct cli_value *value, struct dlr_buf *problem)
{
    struct dlr_text text = value->text;
    struct dlr_json_value json = {value->type, value->text};
    double number;
    int64_t ms;
    bool is_read = false;

    if (cli_value_is_empty(value)) {
        return true;
    }
    if (value->type == DLR_JSON_NUMBER) {
        is_read = dlr_json_to_double(json, &number) &&
                  dlr_time_from_number(number, &ms);
    } else if (value->type == DLR_JSON_STRING) {
        is_read = (value->is_plain || dlr_json_plain_text(json, &text)) &&
                  cli_zone_read(zone, text, &ms);
    }
    if (!is_read) {
        dlr_buf_printf(problem, "\"%.*s\" is no time",
                       text.len > 60 ? 60 : (int)text.len, text.ptr);
        return false;
    }
    event->timestamp_ms = ms == 0 ? DATALYR_TIMESTAMP_EPOCH : ms;
    event->has_timestamp = true;
    return true;
}

/* Takes a column as a field, unless the field was mapped. */
static bool fill_field(const struct cli_knowns *knowns, enum cli_known known,
                       struct cli_event *event, enum cli_field field,
                       struct dlr_buf *problem)
{
    struct cli_column *column = knowns->columns[known];

    if (column == NULL || column->is_used || event->text_at[field] != 0) {
        return true;
    }
    column->is_used = true;
    return cli_event_set(event, field, &column->value, problem);
}

/* A name is text: a number or an object there is a mistake, not a name. */
static bool fill_name(const struct cli_knowns *knowns, struct cli_event *event,
                      struct dlr_buf *problem)
{
    bool is_page =
        event->type == CLI_TYPE_PAGE || event->type == CLI_TYPE_SCREEN;
    enum cli_known known = CLI_KNOWN_EVENT;
    const struct cli_value *value;

    if (is_page && is_text(knowns, CLI_KNOWN_NAME)) {
        known = CLI_KNOWN_NAME;
    }
    value = value_of(knowns, known);
    if (event->text_at[CLI_FIELD_EVENT] == 0 && !cli_value_is_empty(value) &&
        value->type != DLR_JSON_STRING && !knowns->columns[known]->is_used) {
        dlr_buf_printf(problem, "the event name is %s, not a text",
                       cli_value_kind(value));
        return false;
    }
    return fill_field(knowns, known, event, CLI_FIELD_EVENT, problem);
}

static bool fill_time(const struct cli_knowns *knowns, struct cli_event *event,
                      struct cli_zone *zone, struct dlr_buf *problem)
{
    static const enum cli_known order[] = {
        CLI_KNOWN_TIMESTAMP, CLI_KNOWN_ORIGINAL_TIMESTAMP, CLI_KNOWN_SENT_AT};
    size_t count = knowns->form == CLI_FORM_SEGMENT ? 3 : 1;

    for (size_t i = 0; i < count && !event->has_timestamp; i++) {
        struct cli_column *column = knowns->columns[order[i]];

        if (column == NULL || column->is_used) {
            continue;
        }
        column->is_used = true;
        if (!cli_form_set_time(event, zone, &column->value, problem)) {
            return false;
        }
    }
    return true;
}

/* session_id of the context, in the spellings of the wire and of Segment. */
static void fill_session(const struct cli_knowns *knowns,
                         struct cli_event *event)
{
    const struct cli_value *context = value_of(knowns, CLI_KNOWN_CONTEXT);
    struct dlr_json_value object = {context->type, context->text};
    struct cli_value found;
    struct dlr_buf ignored = {0};

    if (knowns->form == CLI_FORM_FLAT || object.type != DLR_JSON_OBJECT ||
        event->text_at[CLI_FIELD_SESSION_ID] != 0) {
        return;
    }
    found = cli_value_json(dlr_json_get(object, DLR_TEXT("session_id")));
    if (found.type == DLR_JSON_NONE) {
        found = cli_value_json(dlr_json_get(object, DLR_TEXT("sessionId")));
    }
    /* A session id that is no text is none; the event is not lost for it. */
    (void)cli_event_set(event, CLI_FIELD_SESSION_ID, &found, &ignored);
}

bool cli_form_fill(const struct cli_knowns *knowns, struct cli_event *event,
                   struct cli_zone *zone, struct dlr_buf *problem)
{
    struct cli_column *type = knowns->columns[CLI_KNOWN_TYPE];

    if (!event->has_type && type != NULL && !type->is_used &&
        type_of(knowns) != CLI_TYPE_UNKNOWN) {
        event->type = type_of(knowns);
        event->has_type = true;
        type->is_used = true;
    }
    if (knowns->form == CLI_FORM_WIRE &&
        !fill_field(knowns, CLI_KNOWN_EVENT_ID, event, CLI_FIELD_EVENT_ID,
                    problem)) {
        return false;
    }
    fill_session(knowns, event);
    return fill_field(knowns, CLI_KNOWN_USER_ID, event, CLI_FIELD_USER_ID,
                      problem) &&
           fill_field(knowns, CLI_KNOWN_ANONYMOUS_ID, event,
                      CLI_FIELD_ANONYMOUS_ID, problem) &&
           fill_field(knowns, CLI_KNOWN_GROUP_ID, event, CLI_FIELD_GROUP_ID,
                      problem) &&
           fill_field(knowns, CLI_KNOWN_PREVIOUS_ID, event,
                      CLI_FIELD_PREVIOUS_ID, problem) &&
           fill_field(knowns, CLI_KNOWN_SESSION_ID, event, CLI_FIELD_SESSION_ID,
                      problem) &&
           fill_name(knowns, event, problem) &&
           fill_time(knowns, event, zone, problem);
}
