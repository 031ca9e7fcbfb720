/* SPDX-License-Identifier: MIT */
/*
 * Each: see each.h.
 *
 * DESIGN
 * A step that leads to an array goes through its items, one that leads to an
 * object goes into it: `--each response` takes a body out of its wrapping. What
 * was passed on the way are the scopes of the record, where --map finds the
 * fields of the parents. The bytes of an item are its own, so that a session
 * that has grown since the last import keeps the ids of its first events.
 */
#include "import/each.h"

bool cli_each_init(struct cli_each *each, const char *path)
{
    *each = (struct cli_each){0};
    if (path == NULL) {
        return true;
    }
    for (;;) {
        size_t len = strcspn(path, ".");

        if (len == 0 || each->step_count == CLI_SCOPE_MAX - 1) {
            return false;
        }
        each->steps[each->step_count++] = dlr_text_n(path, len);
        if (path[len] == '\0') {
            return true;
        }
        path += len + 1;
    }
}

void cli_each_begin(struct cli_each *each, struct cli_record *record,
                    struct dlr_json_value object)
{
    each->depth = 0;
    each->item = 0;
    each->is_started = false;
    each->is_open[0] = false;
    record->item = 0;
    record->scopes[0] = object;
    record->scope_count = 0;
}

static enum cli_item take(struct cli_each *each, struct cli_record *record,
                          struct dlr_json_value value)
{
    each->item++;
    each->was_found = true;
    record->item = each->item;
    record->bytes = value.text;
    record->scope_count = each->step_count;
    if (value.type != DLR_JSON_OBJECT ||
        !cli_record_set_object(record, value)) {
        return CLI_ITEM_BAD;
    }
    return CLI_ITEM_RECORD;
}

/* Enters the step at `depth` of the scope there. False if there is nothing. */
static bool enter(struct cli_each *each, struct cli_record *record,
                  struct dlr_json_value *single)
{
    struct dlr_json_value found =
        dlr_json_get(record->scopes[each->depth], each->steps[each->depth]);

    single->type = DLR_JSON_NONE;
    if (found.type == DLR_JSON_ARRAY) {
        each->iters[each->depth] = dlr_json_iterate(found);
        each->is_open[each->depth] = true;
        return true;
    }
    if (found.type == DLR_JSON_NONE || found.type == DLR_JSON_NULL) {
        return false;
    }
    each->is_open[each->depth] = false;
    *single = found;
    return true;
}

/* The next value of the deepest open array; goes up where one is at its end. */
static bool advance(struct cli_each *each, struct dlr_json_value *value)
{
    for (;;) {
        if (each->is_open[each->depth] &&
            dlr_json_next_element(&each->iters[each->depth], value)) {
            return true;
        }
        each->is_open[each->depth] = false;
        if (each->depth == 0) {
            return false;
        }
        each->depth--;
    }
}

/* The value to look at next: what the step just reached leads to, else the next
 * of an array. False when there is no more. */
static bool find_next(struct cli_each *each, struct cli_record *record,
                      bool must_enter, struct dlr_json_value *value)
{
    if (must_enter && enter(each, record, value) &&
        value->type != DLR_JSON_NONE) {
        return true; /* an object, gone into */
    }
    return advance(each, value);
}

enum cli_item cli_each_next(struct cli_each *each, struct cli_record *record)
{
    struct dlr_json_value value = record->scopes[0];
    bool must_enter = !each->is_started;

    if (each->step_count == 0) {
        if (each->is_started) {
            return CLI_ITEM_END;
        }
        each->is_started = true;
        return cli_record_set_object(record, value) ? CLI_ITEM_RECORD
                                                    : CLI_ITEM_BAD;
    }
    each->is_started = true;
    while (find_next(each, record, must_enter, &value)) {
        if (each->depth + 1 == each->step_count) {
            return take(each, record, value);
        }
        each->depth++;
        record->scopes[each->depth] = value;
        each->is_open[each->depth] = false;
        must_enter = true;
    }
    return CLI_ITEM_END;
}
