/* SPDX-License-Identifier: MIT */
/*
 * Record: see record.h. Names are compared as JSON text, quotes included: that
 * is one memcmp for all but names that are spelled with escapes.
 */
#include "import/record.h"

#include <stdlib.h>

void cli_record_clear(struct cli_record *record)
{
    free(record->columns);
    *record = (struct cli_record){0};
}

bool cli_record_reserve(struct cli_record *record, size_t count)
{
    struct cli_column *grown;
    size_t cap = record->column_cap == 0 ? 64 : record->column_cap;

    if (count <= record->column_cap) {
        return true;
    }
    while (cap < count) {
        cap *= 2;
    }
    grown = realloc(record->columns, cap * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    record->columns = grown;
    record->column_cap = cap;
    return true;
}

static void take(void *self, struct dlr_json_value name,
                 struct dlr_json_value value)
{
    struct cli_record *record = self;

    if (!cli_record_reserve(record, record->column_count + 1)) {
        record->lacks_memory = true;
        return;
    }
    record->columns[record->column_count++] =
        (struct cli_column){.key = name.text, .value = cli_value_json(value)};
}

bool cli_record_read(struct cli_record *record, struct dlr_json_error *wrong)
{
    struct dlr_json_listener listener = {take, record};

    record->column_count = 0;
    record->lacks_memory = false;
    return dlr_json_check_members(record->bytes, DLR_JSON_DEPTH, &listener,
                                  wrong) &&
           !record->lacks_memory;
}

bool cli_record_set_object(struct cli_record *record,
                           struct dlr_json_value object)
{
    struct dlr_json_iter iter = dlr_json_iterate(object);
    struct dlr_json_value name;
    struct dlr_json_value value;

    record->column_count = 0;
    record->lacks_memory = false;
    while (dlr_json_next_member(&iter, &name, &value)) {
        take(record, name, value);
    }
    return !record->lacks_memory;
}

static bool is_named(const struct cli_column *column, struct dlr_text key,
                     struct dlr_text name)
{
    struct dlr_json_value spelled = {DLR_JSON_STRING, column->key};

    if (column->key.len == key.len) {
        return memcmp(column->key.ptr, key.ptr, key.len) == 0;
    }
    /* Longer than the plain spelling: there may be escapes in it. */
    return column->key.len > key.len &&
           memchr(column->key.ptr, '\\', column->key.len) != NULL &&
           dlr_json_string_equals(spelled, name);
}

struct cli_column *cli_record_find(struct cli_record *record,
                                   struct dlr_text key, struct dlr_text name,
                                   size_t *hint)
{
    if (*hint < record->column_count &&
        is_named(&record->columns[*hint], key, name)) {
        return &record->columns[*hint];
    }
    for (size_t i = 0; i < record->column_count; i++) {
        if (is_named(&record->columns[i], key, name)) {
            *hint = i;
            return &record->columns[i];
        }
    }
    return NULL;
}
