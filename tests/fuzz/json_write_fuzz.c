/* SPDX-License-Identifier: MIT */
/* Any bytes as a string, and any eight as a double: what is written must be JSON
 * and read back as the same; what cannot be written must leave no trace. */
#include "fuzz.h"

#include "base/json_check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void check_text(const char *text, size_t len)
{
    struct dlr_buf written;
    bool is_valid = dlr_utf8_is_valid(text, len);

    dlr_buf_init(&written, 6 * len + 2);
    FUZZ_CHECK(dlr_json_put_text(&written, text, len) == is_valid);
    FUZZ_CHECK(!written.failed);
    if (is_valid) {
        struct dlr_json_value root = dlr_json_root(dlr_buf_text(&written));

        FUZZ_CHECK(dlr_json_check(dlr_buf_text(&written), 0, NULL));
        FUZZ_CHECK(dlr_json_string_equals(root, dlr_text_n(text, len)));
    } else {
        FUZZ_CHECK(written.len == 0);
    }
    dlr_buf_clear(&written);
}

static void check_double(double value)
{
    char storage[40];
    struct dlr_buf buf;
    double back;

    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    FUZZ_CHECK(dlr_json_put_double(&buf, value) == (isfinite(value) != 0));
    if (isfinite(value)) {
        FUZZ_CHECK(dlr_json_check(dlr_buf_text(&buf), 0, NULL));
        FUZZ_CHECK(
            dlr_json_to_double(dlr_json_root(dlr_buf_text(&buf)), &back));
        FUZZ_CHECK(memcmp(&back, &value, sizeof back) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = calloc(1, len == 0 ? 1 : len);
    double value;

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    check_text(copy, len);
    for (size_t at = 0; at + sizeof value <= len; at += sizeof value) {
        memcpy(&value, copy + at, sizeof value);
        check_double(value);
    }
    free(copy);
    return 0;
}
