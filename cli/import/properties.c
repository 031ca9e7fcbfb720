/* SPDX-License-Identifier: MIT */
/*
 * Properties: which members of a record become properties of its event, by the
 * form that the record has; see form.h.
 */
#include "import/form.h"

static bool is_mapped(const struct cli_maps *maps, struct dlr_text key)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (maps->items[i].field == CLI_FIELD_PROPERTY &&
            dlr_text_equals(maps->items[i].property_key, key)) {
            return true;
        }
    }
    return false;
}

static bool has_mapped_properties(const struct cli_maps *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (maps->items[i].field == CLI_FIELD_PROPERTY) {
            return true;
        }
    }
    return false;
}

/* The members of an object, but for those that a --map has set. */
static void add_object(struct cli_event *event, const struct cli_maps *maps,
                       struct dlr_json_value object)
{
    struct dlr_json_iter iter = dlr_json_iterate(object);
    struct dlr_json_value name;
    struct dlr_json_value value;

    if (!has_mapped_properties(maps)) {
        cli_event_add_members(event, object);
        return;
    }
    while (dlr_json_next_member(&iter, &name, &value)) {
        struct cli_value found = cli_value_json(value);

        if (!is_mapped(maps, name.text)) {
            (void)cli_event_add_property(event, name.text, &found);
        }
    }
}

/* Adds the members of a container column. False if it is no object. */
static bool add_container(const struct cli_knowns *knowns, enum cli_known known,
                          const struct cli_maps *maps, struct cli_event *event,
                          struct dlr_buf *problem)
{
    struct cli_column *column = knowns->columns[known];
    struct dlr_json_value object;

    if (column == NULL || column->is_used ||
        cli_value_is_empty(&column->value)) {
        return true;
    }
    column->is_used = true;
    if (column->value.type != DLR_JSON_OBJECT) {
        dlr_buf_printf(problem, "%.*s is %s, not an object",
                       (int)column->key.len, column->key.ptr,
                       cli_value_kind(&column->value));
        return false;
    }
    object = (struct dlr_json_value){DLR_JSON_OBJECT, column->value.text};
    add_object(event, maps, object);
    return true;
}

/* Adds `from`.`name` under `key` (as JSON) if it says something and nothing of
 * that name is there. */
static void add_if_absent(struct cli_event *event, struct dlr_json_value there,
                          struct dlr_text key, struct dlr_json_value value)
{
    struct dlr_text name = dlr_text_n(key.ptr + 1, key.len - 2);
    struct cli_value found = cli_value_json(value);

    if (!cli_value_is_empty(&found) &&
        dlr_json_get(there, name).type == DLR_JSON_NONE) {
        (void)cli_event_add_property(event, key, &found);
    }
}

struct lift {
    const char *object; /* of the context */
    const char *member;
    struct dlr_text key; /* the property, as JSON */
};

static const struct lift lifts[] = {
    {"campaign", "name", {"\"utm_campaign\"", 14}},
    {"campaign", "source", {"\"utm_source\"", 12}},
    {"campaign", "medium", {"\"utm_medium\"", 12}},
    {"campaign", "term", {"\"utm_term\"", 10}},
    {"campaign", "content", {"\"utm_content\"", 13}},
    {"page", "url", {"\"url\"", 5}},
    {"page", "path", {"\"path\"", 6}},
    {"page", "title", {"\"title\"", 7}},
    {"page", "referrer", {"\"referrer\"", 10}},
};

static struct dlr_json_value object_of(const struct cli_knowns *knowns,
                                       enum cli_known known)
{
    struct dlr_json_value none = {DLR_JSON_NONE, {NULL, 0}};
    const struct cli_column *column = knowns->columns[known];

    return column == NULL || column->value.type != DLR_JSON_OBJECT
               ? none
               : (struct dlr_json_value){DLR_JSON_OBJECT, column->value.text};
}

static void add_context(const struct cli_knowns *knowns,
                        const struct cli_maps *maps, struct cli_event *event)
{
    struct dlr_json_value context = object_of(knowns, CLI_KNOWN_CONTEXT);
    struct dlr_json_value there = object_of(knowns, CLI_KNOWN_PROPERTIES);
    struct dlr_json_value group = {DLR_JSON_NONE, {NULL, 0}};
    const char *looked_up = NULL;

    for (size_t i = 0; i < sizeof lifts / sizeof lifts[0]; i++) {
        if (looked_up == NULL || strcmp(looked_up, lifts[i].object) != 0) {
            looked_up = lifts[i].object;
            group = dlr_json_get(context, dlr_text_of(looked_up));
        }
        if (group.type == DLR_JSON_OBJECT && !is_mapped(maps, lifts[i].key)) {
            add_if_absent(event, there, lifts[i].key,
                          dlr_json_get(group, dlr_text_of(lifts[i].member)));
        }
    }
}

/* Segment puts traits on the message or, with track and page, on the context;
 * for identify both count and the message's own win. */
static void add_context_traits(const struct cli_knowns *knowns,
                               const struct cli_maps *maps,
                               struct cli_event *event)
{
    struct dlr_json_value traits =
        dlr_json_get(object_of(knowns, CLI_KNOWN_CONTEXT), DLR_TEXT("traits"));
    struct dlr_json_value there = object_of(knowns, CLI_KNOWN_TRAITS);
    struct dlr_json_iter iter = dlr_json_iterate(traits);
    struct dlr_json_value name;
    struct dlr_json_value value;

    while (dlr_json_next_member(&iter, &name, &value)) {
        struct dlr_text plain;
        struct cli_value found = cli_value_json(value);

        if (is_mapped(maps, name.text) ||
            (dlr_json_plain_text(name, &plain) &&
             dlr_json_get(there, plain).type != DLR_JSON_NONE)) {
            continue;
        }
        (void)cli_event_add_property(event, name.text, &found);
    }
}

static void add_named(const struct cli_knowns *knowns,
                      const struct cli_maps *maps, struct cli_event *event)
{
    static const struct dlr_text category = {"\"category\"", 10};
    const struct cli_column *column = knowns->columns[CLI_KNOWN_CATEGORY];

    if (event->type == CLI_TYPE_PAGE && column != NULL && !column->is_used &&
        !is_mapped(maps, category)) {
        add_if_absent(
            event, object_of(knowns, CLI_KNOWN_PROPERTIES), category,
            (struct dlr_json_value){column->value.type, column->value.text});
    }
}

static bool add_segment(const struct cli_knowns *knowns,
                        const struct cli_maps *maps, struct cli_event *event,
                        struct dlr_buf *problem)
{
    if (event->type == CLI_TYPE_IDENTIFY || event->type == CLI_TYPE_GROUP) {
        if (!add_container(knowns, CLI_KNOWN_TRAITS, maps, event, problem)) {
            return false;
        }
        if (event->type == CLI_TYPE_IDENTIFY &&
            knowns->form == CLI_FORM_SEGMENT) {
            add_context_traits(knowns, maps, event);
        }
        return true;
    }
    if (!add_container(knowns, CLI_KNOWN_PROPERTIES, maps, event, problem)) {
        return false;
    }
    if (knowns->form == CLI_FORM_SEGMENT && event->type != CLI_TYPE_ALIAS) {
        add_named(knowns, maps, event);
        add_context(knowns, maps, event);
    }
    return true;
}

/* Columns that nothing else took. Objects called properties or traits are what
 * their name says. */
static bool add_flat(const struct cli_knowns *knowns, struct cli_record *record,
                     const struct cli_maps *maps, struct cli_event *event,
                     struct dlr_buf *problem)
{
    static const enum cli_known containers[] = {CLI_KNOWN_PROPERTIES,
                                                CLI_KNOWN_TRAITS};

    for (size_t i = 0; i < 2; i++) {
        const struct cli_column *column = knowns->columns[containers[i]];

        if (column != NULL && column->value.type == DLR_JSON_OBJECT &&
            !add_container(knowns, containers[i], maps, event, problem)) {
            return false;
        }
    }
    for (size_t i = 0; i < record->column_count; i++) {
        struct cli_column *column = &record->columns[i];

        if (column->is_used || is_mapped(maps, column->key)) {
            continue;
        }
        if (!cli_event_add_property(event, column->key, &column->value)) {
            dlr_buf_printf(problem,
                           "column %.*s is not UTF-8: convert the file with "
                           "iconv",
                           (int)column->key.len, column->key.ptr);
            return false;
        }
    }
    return true;
}

bool cli_form_add_properties(const struct cli_knowns *knowns,
                             struct cli_record *record,
                             const struct cli_maps *maps,
                             struct cli_event *event, struct dlr_buf *problem)
{
    static const struct dlr_text screen = {"\"screen\"", 8};

    if (event->type == CLI_TYPE_SCREEN &&
        event->text_at[CLI_FIELD_EVENT] != 0 && !is_mapped(maps, screen)) {
        struct cli_value name = cli_value_plain(
            dlr_text_of(cli_event_text(event, CLI_FIELD_EVENT)));

        (void)cli_event_add_property(event, screen, &name); /* is UTF-8 */
    }
    if (knowns->form == CLI_FORM_FLAT) {
        return add_flat(knowns, record, maps, event, problem);
    }
    return add_segment(knowns, maps, event, problem);
}
