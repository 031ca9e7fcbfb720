/* SPDX-License-Identifier: MIT */
/*
 * JSON writing: values as bytes, the pieces `track` is made of. Commas and
 * braces are the caller's, who knows the shape of the document.
 *
 * Each function returns true when the value was written. False means that
 * nothing was: because the value has no JSON form (buf->failed is false), or
 * because there is no room (buf->failed is true, and sticks).
 */
#ifndef DLR_BASE_JSON_WRITE_H
#define DLR_BASE_JSON_WRITE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string in quotes, with the escapes of JavaScript's JSON.stringify. False
 * with an untouched buffer if the text is not valid UTF-8. */
bool dlr_json_put_text(struct dlr_buf *buf, const char *ptr, size_t len);

/* The same, followed by a colon. */
bool dlr_json_put_key(struct dlr_buf *buf, const char *ptr, size_t len);

/* `"name":"text"`, the usual member of an event, in one go, behind a comma if it
 * is not the first of its object. False, with nothing written and no failure
 * noted, where one of them has a character that needs more than copying, or
 * where there is no room: then piece by piece. */
bool dlr_json_put_plain_pair(struct dlr_buf *buf, struct dlr_text name,
                             struct dlr_text text);

/* The same without the text: the value is still to come. */
bool dlr_json_put_plain_name(struct dlr_buf *buf, struct dlr_text name);

bool dlr_json_put_int64(struct dlr_buf *buf, int64_t value);
bool dlr_json_put_uint64(struct dlr_buf *buf, uint64_t value);

/* As dlr_number_put_double(); false for NaN and infinity. */
bool dlr_json_put_double(struct dlr_buf *buf, double value);

bool dlr_json_put_bool(struct dlr_buf *buf, bool value);
bool dlr_json_put_null(struct dlr_buf *buf);

/* Bytes that are JSON already, or punctuation. */
static inline bool dlr_json_put_raw(struct dlr_buf *buf, const char *ptr,
                                    size_t len)
{
    dlr_buf_append(buf, ptr, len);
    return !buf->failed;
}

#endif
