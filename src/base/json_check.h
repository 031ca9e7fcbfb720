/* SPDX-License-Identifier: MIT */
/*
 * JSON checking: is a text one JSON value as RFC 8259 has it? Strict, without
 * recursion, allocates nothing. Reading members is left to base/json_read.h.
 *
 * Where the RFC leaves a choice, we take the one of the collector's reader
 * (yyjson without flags), so that what passes here passes there: UTF-8 without
 * a byte order mark, no escaped surrogate without its twin, no number too large
 * for a double. A member name may occur twice; readers take the first.
 */
#ifndef DLR_BASE_JSON_CHECK_H
#define DLR_BASE_JSON_CHECK_H

#include "base/buf.h"
#include "base/json_read.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Depth of nesting: what callers use unless they have a reason, and the most
 * that may be asked for. */
#define DLR_JSON_DEPTH     512
#define DLR_JSON_DEPTH_MAX 1024

struct dlr_json_error {
    const char *message; /* constant; NULL if there is nothing wrong */
    size_t position;     /* of the byte that is wrong, counted from 0 */
};

/* `error` may be NULL in all of these. A depth above DLR_JSON_DEPTH_MAX counts
 * as that. */
bool dlr_json_check(struct dlr_text text, size_t max_depth,
                    struct dlr_json_error *error);

/* True if the text is JSON and its value is an object. */
bool dlr_json_check_object(struct dlr_text text, size_t max_depth,
                           struct dlr_json_error *error);

/* Who wants to know the members of an object while it is checked: it is told of
 * each, in order. What it was told of a text that then proves bad is void. */
struct dlr_json_listener {
    void (*take)(void *self, struct dlr_json_value name,
                 struct dlr_json_value value);
    void *self;
};

/* dlr_json_check_object() with a listener, which may be NULL. */
bool dlr_json_check_members(struct dlr_text text, size_t max_depth,
                            const struct dlr_json_listener *listener,
                            struct dlr_json_error *error);

/* Checks, and appends the value without the white space between its tokens;
 * strings and numbers byte for byte. On false `out` is as it was, but for
 * `failed` when the reason is room. */
bool dlr_json_compact(struct dlr_text text, size_t max_depth,
                      struct dlr_buf *out, struct dlr_json_error *error);

/* The same with a listener, which may be NULL, and is not told of the elements
 * of an array. What it is told of lies in `text`. */
bool dlr_json_compact_members(struct dlr_text text, size_t max_depth,
                              const struct dlr_json_listener *listener,
                              struct dlr_buf *out,
                              struct dlr_json_error *error);

#endif
