/* SPDX-License-Identifier: MIT */
/* Any bytes as text: the checker, the decoder and the escaper must agree on what
 * is UTF-8, and what was escaped must be harmless. */
#include "fuzz.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Walks character by character; false if one is broken. */
static bool decode_all(const char *text, size_t len, size_t *units)
{
    *units = 0;
    for (size_t at = 0; at < len;) {
        char again[4];
        uint32_t code;
        size_t step = dlr_utf8_decode(text + at, len - at, &code);

        if (step == 0) {
            return false;
        }
        FUZZ_CHECK(dlr_utf8_encode(code, again) == step);
        FUZZ_CHECK(memcmp(text + at, again, step) == 0);
        *units += code > 0xffff ? 2 : 1;
        at += step;
    }
    return true;
}

static void check_escaped(struct dlr_text text)
{
    struct dlr_buf escaped;
    char cut[32];
    size_t cut_len;

    dlr_buf_init(&escaped, 12 * text.len + 1);
    dlr_escape_put(&escaped, text);
    FUZZ_CHECK(!escaped.failed);
    FUZZ_CHECK(dlr_utf8_is_valid(escaped.ptr, escaped.len));
    for (size_t i = 0; i < escaped.len; i++) {
        FUZZ_CHECK((unsigned char)escaped.ptr[i] >= 0x20);
    }
    cut_len = dlr_escape_copy(text, cut, sizeof cut);
    FUZZ_CHECK(cut_len < sizeof cut && cut[cut_len] == '\0');
    FUZZ_CHECK(dlr_utf8_is_valid(cut, cut_len));
    dlr_buf_clear(&escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = calloc(1, len == 0 ? 1 : len);
    size_t units;
    bool is_valid;

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    is_valid = dlr_utf8_is_valid(copy, len);
    FUZZ_CHECK(decode_all(copy, len, &units) == is_valid);
    if (is_valid) {
        size_t cut = dlr_utf8_cut_utf16(copy, len, units / 2);

        FUZZ_CHECK(dlr_utf8_count_utf16(copy, len) == units);
        FUZZ_CHECK(dlr_utf8_is_valid(copy, cut));
        FUZZ_CHECK(dlr_utf8_count_utf16(copy, cut) <= units / 2);
    }
    check_escaped(dlr_text_n(copy, len));
    free(copy);
    return 0;
}
