/* SPDX-License-Identifier: MIT */
/*
 * Mapper: see mapper.h. What --map says comes first, then --event, then what
 * the record's own form says; the event id last, for it may need the messageId.
 */
#include "import/mapper.h"

#include "import/form.h"

/* What numbers of one record may take: so many maps, each a product. */
#define SCRATCH_BYTES ((size_t)2 << 20)

void cli_mapper_init(struct cli_mapper *mapper)
{
    *mapper = (struct cli_mapper){0};
    dlr_buf_init(&mapper->scratch, SCRATCH_BYTES);
    /* At once, so that it never moves under the values that point into it. */
    (void)dlr_buf_reserve(&mapper->scratch, SCRATCH_BYTES);
}

void cli_mapper_clear(struct cli_mapper *mapper)
{
    cli_maps_clear(&mapper->maps);
    dlr_buf_clear(&mapper->scratch);
}

static bool set_type(struct cli_event *event, const struct cli_value *value,
                     struct dlr_buf *problem)
{
    char name[16];
    struct dlr_buf text;

    if (cli_value_is_empty(value)) {
        return true;
    }
    dlr_buf_init_fixed(&text, name, sizeof name);
    event->type = CLI_TYPE_UNKNOWN;
    if (value->type == DLR_JSON_STRING && cli_value_put_text(value, &text)) {
        event->type = cli_type_of(dlr_buf_text(&text));
    }
    event->has_type = true;
    if (event->type == CLI_TYPE_UNKNOWN) {
        dlr_buf_printf(problem,
                       "type is %.*s: use track, identify, page, screen, "
                       "group or alias",
                       value->text.len > 40 ? 40 : (int)value->text.len,
                       value->text.ptr);
        return false;
    }
    return true;
}

static bool apply(struct cli_mapper *mapper, struct cli_map *map,
                  struct cli_record *record, struct cli_event *event,
                  struct dlr_buf *problem)
{
    struct cli_value value;

    if (!cli_map_resolve(map, record, &mapper->scratch, &value, problem)) {
        return false;
    }
    switch (map->field) {
    case CLI_FIELD_TYPE:
        return set_type(event, &value, problem);
    case CLI_FIELD_TIMESTAMP:
        return cli_form_set_time(event, &mapper->zone, &value, problem);
    case CLI_FIELD_PROPERTY:
        if (value.type != DLR_JSON_NONE &&
            !cli_event_add_property(event, map->property_key, &value)) {
            dlr_buf_printf(problem, "%s is not UTF-8", map->spec);
            return false;
        }
        return true;
    case CLI_FIELD_EVENT:
    case CLI_FIELD_USER_ID:
    case CLI_FIELD_ANONYMOUS_ID:
    case CLI_FIELD_EVENT_ID:
    case CLI_FIELD_GROUP_ID:
    case CLI_FIELD_PREVIOUS_ID:
    case CLI_FIELD_SESSION_ID:
        break;
    }
    return cli_event_set(event, map->field, &value, problem);
}

static void set_event_id(struct cli_mapper *mapper,
                         const struct cli_knowns *knowns,
                         const struct cli_record *record,
                         struct cli_event *event)
{
    const struct cli_column *message = knowns->columns[CLI_KNOWN_MESSAGE_ID];
    char id[DLR_UUID_CAP];

    if (event->text_at[CLI_FIELD_EVENT_ID] != 0) {
        return;
    }
    if (knowns->form == CLI_FORM_SEGMENT && message != NULL &&
        message->value.type == DLR_JSON_STRING &&
        !cli_value_is_empty(&message->value)) {
        cli_ids_derive_message(message->value.text, record, id);
    } else {
        cli_ids_derive(&mapper->ids, record, id);
    }
    cli_event_set_text(event, CLI_FIELD_EVENT_ID, dlr_text_of(id));
}

bool cli_mapper_run(struct cli_mapper *mapper, struct cli_record *record,
                    struct cli_event *event, struct dlr_buf *problem)
{
    struct cli_knowns knowns;

    dlr_buf_rewind(&mapper->scratch, 0);
    cli_event_reset(event);
    cli_form_recognise(&knowns, record);
    if (mapper->event_name != NULL) {
        cli_event_set_text(event, CLI_FIELD_EVENT,
                           dlr_text_of(mapper->event_name));
    }
    for (size_t i = 0; i < mapper->maps.count; i++) {
        if (!apply(mapper, &mapper->maps.items[i], record, event, problem)) {
            return false;
        }
    }
    if (!cli_form_fill(&knowns, event, &mapper->zone, problem) ||
        !cli_event_check(event, problem) ||
        !cli_form_add_properties(&knowns, record, &mapper->maps, event,
                                 problem)) {
        return false;
    }
    dlr_buf_append_char(&event->properties, '}');
    set_event_id(mapper, &knowns, record, event);
    mapper->untimed_count += event->has_timestamp ? 0 : 1;
    return cli_event_check(event, problem);
}
