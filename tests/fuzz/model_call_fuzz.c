/* SPDX-License-Identifier: MIT */
/* Calls given as JSON, with properties and ids of all kinds. Whatever comes in:
 * it is refused with a sentence, or the event is one JSON object whose id can
 * be read back, the same in a buffer that grows and in one that does not. */
#include "base/json_check.h"
#include "model/calls.h"
#include "model/json_call.h"

#include "fuzz.h"

#include <string.h>

#define ROOM ((size_t)1 << 20)

static char storage[ROOM];

static const struct dlr_stamp stamp = {"018f0000-0000-7000-8000-000000000001",
                                       "2026-03-04T05:06:07.089Z"};

static void check_event(const struct dlr_call *call)
{
    datalyr_error error = {0};
    struct dlr_buf fixed;
    struct dlr_buf out;
    struct dlr_buf id;
    datalyr_status status;

    dlr_buf_init_fixed(&fixed, storage, sizeof storage);
    dlr_buf_init(&out, ROOM);
    dlr_buf_init(&id, ROOM);
    status = dlr_event_encode(call, &stamp, &fixed, &error);
    FUZZ_CHECK(dlr_event_encode(call, &stamp, &out, NULL) == status);
    if (status == DATALYR_OK) {
        FUZZ_CHECK(out.len == fixed.len &&
                   memcmp(out.ptr, fixed.ptr, out.len) == 0);
        FUZZ_CHECK(
            dlr_json_check_object(dlr_buf_text(&out), DLR_JSON_DEPTH, NULL));
        FUZZ_CHECK(dlr_event_read_id(dlr_buf_text(&out), &id) && id.len > 0);
    } else if (status == DATALYR_INVALID) {
        FUZZ_CHECK(error.status == DATALYR_INVALID && error.message[0] != '\0');
        FUZZ_CHECK(memchr(error.message, '\0', sizeof error.message) != NULL);
        FUZZ_CHECK(memchr(error.message, '\x1b', sizeof error.message) == NULL);
    }
    dlr_buf_clear(&out);
    dlr_buf_clear(&id);
}

/* The same bytes as properties between what a call and the client add. */
static void check_properties(const char *text, size_t len)
{
    datalyr_value given = datalyr_json(text, len);
    struct dlr_defaults defaults = {0};
    struct dlr_call call = {0};

    if (dlr_defaults_init(&defaults, &given, NULL) != DATALYR_OK) {
        dlr_defaults_clear(&defaults);
        defaults = (struct dlr_defaults){0};
    }
    call.anonymous_id = "anon_1";
    if (dlr_call_page(&call, "u", "url", given, NULL) == DATALYR_OK) {
        call.properties.defaults = &defaults;
        check_event(&call);
    }
    dlr_defaults_clear(&defaults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    datalyr_error error = {0};
    struct dlr_call call = {0};
    struct dlr_buf strings;
    datalyr_status status;

    dlr_buf_init(&strings, ROOM);
    status = dlr_call_from_json(&call, dlr_text_n(text, len), &strings, &error);
    if (status == DATALYR_OK) {
        check_event(&call);
    } else if (status == DATALYR_INVALID) {
        FUZZ_CHECK(error.message[0] != '\0');
    }
    dlr_buf_clear(&strings);
    check_properties(text, len);
    return 0;
}
