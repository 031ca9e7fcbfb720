/* SPDX-License-Identifier: MIT */
/*
 * JSON reading: walks over a text member by member, without a tree, without
 * recursion and without allocating. A value is a slice of the text.
 *
 * The text must have passed dlr_json_check(). Other text is never read beyond
 * its end, but what comes out of it is unspecified.
 */
#ifndef DLR_BASE_JSON_READ_H
#define DLR_BASE_JSON_READ_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dlr_json_type {
    DLR_JSON_NONE, /* no value: absent member, empty text */
    DLR_JSON_NULL,
    DLR_JSON_BOOL,
    DLR_JSON_NUMBER,
    DLR_JSON_STRING,
    DLR_JSON_ARRAY,
    DLR_JSON_OBJECT,
};

struct dlr_json_value {
    enum dlr_json_type type;
    struct dlr_text text; /* the value's own bytes, quotes included */
};

/* A place inside an object or array. */
struct dlr_json_iter {
    const char *at;
    const char *end;
};

/* The value that a whole text holds. */
struct dlr_json_value dlr_json_root(struct dlr_text text);

/* What a value is, by its first byte; DLR_JSON_NONE if none begins so. */
static inline enum dlr_json_type dlr_json_type_of(char byte)
{
    switch (byte) {
    case '{':
        return DLR_JSON_OBJECT;
    case '[':
        return DLR_JSON_ARRAY;
    case '"':
        return DLR_JSON_STRING;
    case 't':
    case 'f':
        return DLR_JSON_BOOL;
    case 'n':
        return DLR_JSON_NULL;
    default:
        return byte == '-' || (byte >= '0' && byte <= '9') ? DLR_JSON_NUMBER
                                                           : DLR_JSON_NONE;
    }
}

/* Walks over the members of an object or the elements of an array. Both end
 * at once on a value of another type. A name is a string with its quotes. */
struct dlr_json_iter dlr_json_iterate(struct dlr_json_value container);
bool dlr_json_next_member(struct dlr_json_iter *iter,
                          struct dlr_json_value *name,
                          struct dlr_json_value *value);
bool dlr_json_next_element(struct dlr_json_iter *iter,
                           struct dlr_json_value *value);

/* The first member of that name; DLR_JSON_NONE if there is none. */
struct dlr_json_value dlr_json_get(struct dlr_json_value object,
                                   struct dlr_text name);

/* True if `string` is a string with exactly this content, escapes resolved. */
bool dlr_json_string_equals(struct dlr_json_value string,
                            struct dlr_text content);

/* Appends the content of a string, escapes resolved (a NUL may be in it).
 * False if it is no string or there is no room; then nothing is appended. */
bool dlr_json_decode(struct dlr_json_value string, struct dlr_buf *out);

/* Reads the \uXXXX at `at`, one unit of UTF-16. False if there is none. */
bool dlr_json_read_unit(const char *at, size_t len, uint32_t *unit);

/* The content of a string that has no escapes, as a slice of the text. */
bool dlr_json_plain_text(struct dlr_json_value string, struct dlr_text *out);

/* False if the value is of another type or out of range. A number with a
 * fraction or an exponent is no int64, even if its value is whole. */
bool dlr_json_to_int64(struct dlr_json_value number, int64_t *out);
bool dlr_json_to_double(struct dlr_json_value number, double *out);
bool dlr_json_to_bool(struct dlr_json_value value, bool *out);

#endif
