/* SPDX-License-Identifier: MIT */
/* Any bytes as a time, a duration and a size. What is read lies in its range,
 * and its own text reads as the same. */
#include "fuzz.h"

#include "base/time.h"
#include "base/units.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void check_time(int64_t ms)
{
    char text[DLR_TIME_TEXT_CAP];
    bool has_zone;
    int64_t back;

    FUZZ_CHECK(dlr_time_format_iso(ms, text));
    FUZZ_CHECK(dlr_time_parse(dlr_text_of(text), &back, &has_zone));
    FUZZ_CHECK(back == ms && has_zone);
}

static void check_units(struct dlr_text text)
{
    char storage[40];
    struct dlr_buf buf;
    uint64_t value;
    uint64_t back;

    dlr_buf_init_fixed(&buf, storage, sizeof storage);
    if (dlr_parse_duration_ms(text, &value)) {
        dlr_units_put_duration(&buf, value);
        FUZZ_CHECK(dlr_parse_duration_ms(dlr_buf_text(&buf), &back));
        FUZZ_CHECK(back == value);
    }
    dlr_buf_rewind(&buf, 0);
    if (dlr_parse_size_bytes(text, &value)) {
        dlr_units_put_size(&buf, value);
        FUZZ_CHECK(dlr_parse_size_bytes(dlr_buf_text(&buf), &back));
        FUZZ_CHECK(back == value);
    }
    FUZZ_CHECK(!buf.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = calloc(1, len == 0 ? 1 : len);
    struct dlr_text text = dlr_text_n(copy, len);
    int64_t ms;

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    if (dlr_time_parse(text, &ms, NULL)) {
        check_time(ms);
    }
    if (dlr_time_parse_http(text, INT64_C(1772600767089), &ms)) {
        check_time(ms);
    }
    if (len >= sizeof ms) {
        double number;

        memcpy(&number, copy, sizeof number);
        if (dlr_time_from_number(number, &ms)) {
            check_time(ms);
        }
    }
    check_units(text);
    free(copy);
    return 0;
}
