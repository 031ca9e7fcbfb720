/* SPDX-License-Identifier: MIT */
/*
 * Record: one record taken apart into named columns. Which column means what is
 * left to import/map.h and import/form.h.
 */
#ifndef CLI_IMPORT_RECORD_H
#define CLI_IMPORT_RECORD_H

#include "import/value.h"

#include "base/json_check.h"

#include <stdint.h>

/* Arrays inside one another that --each can unroll. */
#define CLI_SCOPE_MAX 8

/* Columns that are recognised by their place before they are by their name. */
#define CLI_HINTS 15

struct cli_column {
    struct dlr_text key; /* the name as JSON, quotes included */
    struct cli_value value;
    bool is_used; /* a mapping took it: it is no property any more */
};

struct cli_record {
    struct dlr_text bytes; /* what the event id is derived from */
    uint64_t number;       /* in its file, from 1 */
    uint32_t item;         /* of an unrolled array, from 1; 0: none */
    bool is_csv;
    struct cli_column *columns;
    size_t column_count;
    size_t column_cap;
    bool lacks_memory;                  /* for the columns */
    unsigned char hints[CLI_HINTS + 1]; /* of import/form.c, by column; the
                                           last one serves all behind it */
    /* JSON: what stands around an unrolled item, the outermost first. */
    struct dlr_json_value scopes[CLI_SCOPE_MAX];
    size_t scope_count;
};

void cli_record_clear(struct cli_record *record);

/* Makes room for `count` columns; false when out of memory. */
bool cli_record_reserve(struct cli_record *record, size_t count);

/* Checks the bytes of a record and takes the members of the object that they
 * are as the columns. False with `wrong` filled if they are none; its message
 * is NULL when out of memory. */
bool cli_record_read(struct cli_record *record, struct dlr_json_error *wrong);

/* Takes the members of a checked JSON object as the columns. */
bool cli_record_set_object(struct cli_record *record,
                           struct dlr_json_value object);

/* The column of that name (`key` as JSON, `name` decoded); NULL if there is
 * none. `*hint` is where the last one was found and is updated. */
struct cli_column *cli_record_find(struct cli_record *record,
                                   struct dlr_text key, struct dlr_text name,
                                   size_t *hint);

#endif
