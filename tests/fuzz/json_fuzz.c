/* SPDX-License-Identifier: MIT */
/* Any bytes as JSON. What the checker accepts, the reader must walk through to
 * the end and the compacted form must say the same; what it refuses, the reader
 * must survive. */
#include "fuzz.h"

#include "base/json_check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WALK_DEPTH 32

/* A decoded string, written again, must read as the same string. */
static void check_string(struct dlr_json_value value)
{
    struct dlr_buf decoded;
    struct dlr_buf written;

    dlr_buf_init(&decoded, value.text.len);
    dlr_buf_init(&written, 8 * value.text.len + 8);
    FUZZ_CHECK(dlr_json_decode(value, &decoded));
    FUZZ_CHECK(dlr_utf8_is_valid(decoded.ptr, decoded.len));
    FUZZ_CHECK(dlr_json_string_equals(value, dlr_buf_text(&decoded)));
    FUZZ_CHECK(dlr_json_put_text(&written, decoded.ptr, decoded.len));
    FUZZ_CHECK(dlr_json_check(dlr_buf_text(&written), 0, NULL));
    FUZZ_CHECK(dlr_json_string_equals(dlr_json_root(dlr_buf_text(&written)),
                                      dlr_buf_text(&decoded)));
    dlr_buf_clear(&decoded);
    dlr_buf_clear(&written);
}

static void check_scalar(struct dlr_json_value value, bool is_good)
{
    double real;
    bool flag;

    if (is_good && value.type == DLR_JSON_STRING) {
        check_string(value);
    }
    if (is_good && value.type == DLR_JSON_NUMBER) {
        FUZZ_CHECK(dlr_json_to_double(value, &real));
    }
    if (is_good && value.type == DLR_JSON_BOOL) {
        FUZZ_CHECK(dlr_json_to_bool(value, &flag));
    }
}

/* Counts the values. */
static size_t walk(struct dlr_json_value value, bool is_good, int depth)
{
    struct dlr_json_iter iter = dlr_json_iterate(value);
    struct dlr_json_value name;
    struct dlr_json_value inner;
    size_t count = 1;

    check_scalar(value, is_good);
    if (depth == MAX_WALK_DEPTH) {
        return count;
    }
    if (value.type == DLR_JSON_OBJECT) {
        while (dlr_json_next_member(&iter, &name, &inner)) {
            check_scalar(name, is_good);
            count += walk(inner, is_good, depth + 1);
        }
    } else {
        while (dlr_json_next_element(&iter, &inner)) {
            count += walk(inner, is_good, depth + 1);
        }
    }
    /* A good container ends at its bracket and nowhere before. */
    if (is_good && iter.at != NULL) {
        FUZZ_CHECK(iter.end - iter.at == 1);
    }
    return count;
}

static void check_compacted(struct dlr_text text, size_t count)
{
    struct dlr_buf compacted;
    struct dlr_buf again;

    dlr_buf_init(&compacted, text.len);
    dlr_buf_init(&again, text.len);
    FUZZ_CHECK(dlr_json_compact(text, DLR_JSON_DEPTH, &compacted, NULL));
    FUZZ_CHECK(walk(dlr_json_root(dlr_buf_text(&compacted)), true, 0) == count);
    FUZZ_CHECK(dlr_json_compact(dlr_buf_text(&compacted), DLR_JSON_DEPTH,
                                &again, NULL));
    FUZZ_CHECK(dlr_text_equals(dlr_buf_text(&compacted), dlr_buf_text(&again)));
    dlr_buf_clear(&compacted);
    dlr_buf_clear(&again);
}

/* A listener hears what a walk over the root finds, in the same order. */
static void compare_member(void *self, struct dlr_json_value name,
                           struct dlr_json_value value)
{
    struct dlr_json_iter *iter = self;
    struct dlr_json_value walked_name;
    struct dlr_json_value walked;

    FUZZ_CHECK(dlr_json_next_member(iter, &walked_name, &walked));
    FUZZ_CHECK(name.type == DLR_JSON_STRING && value.type == walked.type);
    FUZZ_CHECK(dlr_text_equals(name.text, walked_name.text));
    FUZZ_CHECK(dlr_text_equals(value.text, walked.text));
}

static void check_listening(struct dlr_text text)
{
    struct dlr_json_value root = dlr_json_root(text);
    struct dlr_json_iter iter = dlr_json_iterate(root);
    struct dlr_json_listener listener = {compare_member, &iter};
    struct dlr_json_value name;
    struct dlr_json_value value;

    FUZZ_CHECK(dlr_json_check_members(text, DLR_JSON_DEPTH, &listener, NULL) ==
               (root.type == DLR_JSON_OBJECT));
    FUZZ_CHECK(root.type != DLR_JSON_OBJECT ||
               !dlr_json_next_member(&iter, &name, &value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* A copy of exactly the size, so that reading beyond it is seen. */
    char *copy = calloc(1, len == 0 ? 1 : len);
    struct dlr_text text = dlr_text_n(copy, len);
    struct dlr_json_error error;
    bool is_good;
    size_t count;

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    is_good = dlr_json_check(text, DLR_JSON_DEPTH, &error);
    FUZZ_CHECK(is_good == (error.message == NULL));
    FUZZ_CHECK(error.position <= len);
    FUZZ_CHECK(!is_good || dlr_utf8_is_valid(copy, len));
    count = walk(dlr_json_root(text), is_good, 0);
    if (is_good) {
        check_compacted(text, count);
        check_listening(text);
    }
    free(copy);
    return 0;
}
