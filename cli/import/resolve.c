/* SPDX-License-Identifier: MIT */
/*
 * Resolve: finding the value of a --map source in a record. A name is first a
 * column as it stands, then a path through objects and lists, then the same in
 * what stands around an unrolled item, from the inside out.
 */
#include "import/map.h"

#include "import/decimal.h"

#include <stdlib.h>

/* So that what one record puts into the scratch buffer has a known end. */
#define LONGEST_NUMBER (2 * CLI_DECIMAL_DIGITS)

static struct dlr_json_value element_at(struct dlr_json_value list,
                                        struct dlr_text index)
{
    struct dlr_json_iter iter = dlr_json_iterate(list);
    struct dlr_json_value value = {DLR_JSON_NONE, {NULL, 0}};
    size_t wanted = 0;

    for (size_t i = 0; i < index.len; i++) {
        if (index.ptr[i] < '0' || index.ptr[i] > '9' || wanted > 1000000) {
            return value;
        }
        wanted = wanted * 10 + (size_t)(index.ptr[i] - '0');
    }
    for (size_t i = 0; dlr_json_next_element(&iter, &value); i++) {
        if (i == wanted) {
            return value;
        }
    }
    return (struct dlr_json_value){DLR_JSON_NONE, {NULL, 0}};
}

/* Follows the steps from number `first` on. */
static struct dlr_json_value walk(const struct cli_factor *factor, size_t first,
                                  struct dlr_json_value value)
{
    for (size_t i = first; i < factor->step_count; i++) {
        value = value.type == DLR_JSON_ARRAY
                    ? element_at(value, factor->steps[i])
                    : dlr_json_get(value, factor->steps[i]);
        if (value.type == DLR_JSON_NONE) {
            break;
        }
    }
    return value;
}

static struct cli_value find_in_scopes(const struct cli_factor *factor,
                                       const struct cli_record *record)
{
    struct dlr_json_value found = {DLR_JSON_NONE, {NULL, 0}};

    for (size_t i = record->scope_count; i > 0; i--) {
        found = dlr_json_get(record->scopes[i - 1], factor->name);
        if (found.type == DLR_JSON_NONE && factor->step_count > 1) {
            found = walk(factor, 0, record->scopes[i - 1]);
        }
        if (found.type != DLR_JSON_NONE) {
            break;
        }
    }
    return cli_value_json(found);
}

static struct cli_value find(struct cli_factor *factor,
                             struct cli_record *record)
{
    struct cli_column *column =
        cli_record_find(record, factor->key, factor->name, &factor->hint);
    struct cli_value value = {.type = DLR_JSON_NONE};

    if (column != NULL) {
        column->is_used = true;
        value = column->value;
    } else if (!record->is_csv) {
        if (factor->step_count > 1) {
            column = cli_record_find(record, factor->step_keys[0],
                                     factor->steps[0], &factor->hint);
        }
        if (column != NULL) {
            value = cli_value_json(
                walk(factor, 1,
                     (struct dlr_json_value){column->value.type,
                                             column->value.text}));
        }
        if (value.type == DLR_JSON_NONE && record->scope_count > 0) {
            value = find_in_scopes(factor, record);
        }
    }
    factor->was_found |= value.type != DLR_JSON_NONE;
    return value;
}

/* The value as a number in `scratch`; DLR_JSON_NONE if it is empty. */
static bool to_number(const struct cli_factor *factor,
                      const struct cli_value *value, struct dlr_buf *scratch,
                      struct cli_value *number, struct dlr_buf *problem)
{
    size_t start = scratch->len;
    struct dlr_text text;

    *number = (struct cli_value){.type = DLR_JSON_NONE};
    if (cli_value_is_empty(value)) {
        return true;
    }
    if ((value->type == DLR_JSON_STRING || value->type == DLR_JSON_NUMBER) &&
        value->text.len <= LONGEST_NUMBER &&
        cli_value_put_text(value, scratch)) {
        text = dlr_text_n(scratch->ptr + start, scratch->len - start);
        start = scratch->len;
        if (cli_decimal_tidy(text, scratch)) {
            number->type = DLR_JSON_NUMBER;
            number->text =
                dlr_text_n(scratch->ptr + start, scratch->len - start);
            return true;
        }
        dlr_buf_printf(problem, "%.*s is \"%.*s\", which is no number",
                       (int)factor->name.len, factor->name.ptr,
                       text.len > 60 ? 60 : (int)text.len, text.ptr);
        return false;
    }
    dlr_buf_printf(problem, "%.*s is %s, not a number", (int)factor->name.len,
                   factor->name.ptr, cli_value_kind(value));
    return false;
}

static bool multiply(struct cli_choice *choice, struct cli_record *record,
                     struct dlr_buf *scratch, struct cli_value *value,
                     struct dlr_buf *problem)
{
    struct cli_value product = {.type = DLR_JSON_NONE};
    bool has_gap = false;

    for (size_t i = 0; i < choice->factor_count; i++) {
        struct cli_factor *factor = &choice->factors[i];
        struct cli_value found = {.type = DLR_JSON_NUMBER,
                                  .text = factor->name};
        struct cli_value number = found;
        size_t start;

        if (!factor->is_number) {
            found = find(factor, record);
            if (!to_number(factor, &found, scratch, &number, problem)) {
                return false;
            }
        }
        has_gap |= number.type == DLR_JSON_NONE;
        if (has_gap || i == 0) {
            product = number;
            continue; /* the others are looked up too: they are used */
        }
        start = scratch->len;
        if (!cli_decimal_multiply(product.text, number.text, scratch)) {
            dlr_buf_append_string(problem,
                                  "a product has more than 256 digits");
            return false;
        }
        product.text = dlr_text_n(scratch->ptr + start, scratch->len - start);
    }
    *value = has_gap ? (struct cli_value){.type = DLR_JSON_NONE} : product;
    return true;
}

static bool resolve_choice(struct cli_choice *choice, struct cli_record *record,
                           struct dlr_buf *scratch, struct cli_value *value,
                           struct dlr_buf *problem)
{
    struct cli_factor *factor = choice->factors;
    struct cli_value found;

    if (choice->is_constant) {
        *value = cli_value_plain(choice->constant);
        return true;
    }
    if (choice->factor_count > 1) {
        return multiply(choice, record, scratch, value, problem);
    }
    found = find(factor, record);
    if (factor->as_number) {
        return to_number(factor, &found, scratch, value, problem);
    }
    *value = found;
    return true;
}

/* The choices behind the one that was taken: their columns are mapped as well
 * and become no properties. */
static void touch(struct cli_choice *choice, struct cli_record *record)
{
    for (size_t i = 0; i < choice->factor_count; i++) {
        (void)find(&choice->factors[i], record); /* marks the column */
    }
}

bool cli_map_resolve(struct cli_map *map, struct cli_record *record,
                     struct dlr_buf *scratch, struct cli_value *value,
                     struct dlr_buf *problem)
{
    struct cli_value next;

    *value = (struct cli_value){.type = DLR_JSON_NONE};
    for (size_t i = 0; i < map->choice_count; i++) {
        if (!cli_value_is_empty(value)) {
            touch(&map->choices[i], record);
            continue;
        }
        if (!resolve_choice(&map->choices[i], record, scratch, &next,
                            problem)) {
            return false;
        }
        if (next.type != DLR_JSON_NONE) {
            *value = next;
        }
    }
    return true;
}
