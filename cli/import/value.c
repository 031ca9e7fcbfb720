/* SPDX-License-Identifier: MIT */
/* Value: see value.h. JSON is copied byte for byte, numbers above all. */
#include "import/value.h"

#include "base/json_write.h"
#include "base/utf8.h"

bool cli_value_is_empty(const struct cli_value *value)
{
    switch (value->type) {
    case DLR_JSON_NONE:
    case DLR_JSON_NULL:
        return true;
    case DLR_JSON_STRING:
        return value->text.len == (value->is_plain ? 0 : 2);
    case DLR_JSON_BOOL:
    case DLR_JSON_NUMBER:
    case DLR_JSON_ARRAY:
    case DLR_JSON_OBJECT:
        break;
    }
    return false;
}

bool cli_value_put_text(const struct cli_value *value, struct dlr_buf *out)
{
    struct dlr_json_value json = {value->type, value->text};
    struct dlr_text plain;

    if (value->type != DLR_JSON_STRING) {
        dlr_buf_append_text(out, value->text);
        return true;
    }
    if (value->is_plain) {
        dlr_buf_append_text(out, value->text);
        return dlr_utf8_is_valid(value->text.ptr, value->text.len);
    }
    if (dlr_json_plain_text(json, &plain)) {
        dlr_buf_append_text(out, plain);
        return true;
    }
    return dlr_json_decode(json, out);
}

bool cli_value_put_json(const struct cli_value *value, struct dlr_buf *out)
{
    if (value->is_plain) {
        return dlr_json_put_text(out, value->text.ptr, value->text.len);
    }
    dlr_buf_append_text(out, value->text);
    return true;
}

const char *cli_value_kind(const struct cli_value *value)
{
    switch (value->type) {
    case DLR_JSON_NONE:
        return "missing";
    case DLR_JSON_NULL:
        return "null";
    case DLR_JSON_BOOL:
        return "true or false";
    case DLR_JSON_NUMBER:
        return "a number";
    case DLR_JSON_STRING:
        return "a text";
    case DLR_JSON_ARRAY:
        return "a list";
    case DLR_JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}
