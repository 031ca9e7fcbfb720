/* SPDX-License-Identifier: MIT */
/*
 * Map: what --map FIELD=SOURCE says, read once and applied to every record.
 *
 *   source  = choice ("|" choice)*     the first that is not empty
 *   choice  = "=" text                 a constant, up to the end
 *           | factor ("*" factor)*     exact decimal product
 *   factor  = column [":number"] | dotted.path [":number"] | number
 *
 * A backslash takes the next character as it is.
 */
#ifndef CLI_IMPORT_MAP_H
#define CLI_IMPORT_MAP_H

#include "import/record.h"

enum cli_field {
    CLI_FIELD_TYPE,
    CLI_FIELD_EVENT,
    CLI_FIELD_USER_ID,
    CLI_FIELD_ANONYMOUS_ID,
    CLI_FIELD_EVENT_ID,
    CLI_FIELD_TIMESTAMP,
    CLI_FIELD_GROUP_ID,
    CLI_FIELD_PREVIOUS_ID,
    CLI_FIELD_SESSION_ID,
    CLI_FIELD_COUNT,
    CLI_FIELD_PROPERTY = CLI_FIELD_COUNT
};

/* "user_id", lent for ever. */
const char *cli_field_name(enum cli_field field);

#define CLI_PATH_MAX 16

struct cli_factor {
    struct dlr_text name;                /* the whole, decoded */
    struct dlr_text key;                 /* the whole as JSON */
    struct dlr_text steps[CLI_PATH_MAX]; /* of a dotted path, decoded */
    struct dlr_text step_keys[CLI_PATH_MAX];
    size_t step_count; /* 1: no dots */
    bool is_number;    /* `name` is a constant number */
    bool as_number;    /* :number */
    bool was_found;    /* some record had it */
    size_t hint;
};

struct cli_choice {
    bool is_constant;
    struct dlr_text constant;
    struct cli_factor *factors;
    size_t factor_count;
};

struct cli_map {
    enum cli_field field;
    struct dlr_text property_key; /* as JSON; of CLI_FIELD_PROPERTY */
    const char *spec;             /* as given, borrowed */
    struct cli_choice *choices;
    size_t choice_count;
};

struct cli_maps {
    struct cli_map *items;
    size_t count;
    struct dlr_buf texts; /* what names and constants point into */
};

/* Adds one FIELD=SOURCE. False with `problem` filled; `problem` may carry the
 * name that was probably meant. `spec` is borrowed as long as the maps live. */
bool cli_maps_add(struct cli_maps *maps, const char *spec,
                  struct dlr_buf *problem);
void cli_maps_clear(struct cli_maps *maps);

/* The value of a source in a record. Numbers are put into `scratch`, which must
 * not be rewound while the value is used. False with `problem` filled if a
 * column is no number where one is needed. */
bool cli_map_resolve(struct cli_map *map, struct cli_record *record,
                     struct dlr_buf *scratch, struct cli_value *value,
                     struct dlr_buf *problem);

#endif
