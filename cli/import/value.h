/* SPDX-License-Identifier: MIT */
/*
 * Value: one field of a record, from JSON (its own bytes) or CSV (its text).
 */
#ifndef CLI_IMPORT_VALUE_H
#define CLI_IMPORT_VALUE_H

#include "base/buf.h"
#include "base/json_read.h"

struct cli_value {
    enum dlr_json_type type; /* a CSV field is a DLR_JSON_STRING */
    bool is_plain;           /* CSV: `text` is the content, without quotes */
    struct dlr_text text;
};

static inline struct cli_value cli_value_json(struct dlr_json_value value)
{
    return (struct cli_value){.type = value.type, .text = value.text};
}

static inline struct cli_value cli_value_plain(struct dlr_text text)
{
    return (struct cli_value){
        .type = DLR_JSON_STRING, .is_plain = true, .text = text};
}

/* Absent, null or the empty text. */
bool cli_value_is_empty(const struct cli_value *value);

/* Appends the content: of a string without quotes, of anything else its JSON.
 * False if it is not UTF-8. */
bool cli_value_put_text(const struct cli_value *value, struct dlr_buf *out);

/* Appends the value as JSON. False if it is not UTF-8. */
bool cli_value_put_json(const struct cli_value *value, struct dlr_buf *out);

/* "a text", "a number", "an object" … for messages. */
const char *cli_value_kind(const struct cli_value *value);

#endif
