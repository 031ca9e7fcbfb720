/* SPDX-License-Identifier: MIT */
/* Any bytes as the path and query of a request: what is taken apart is inside
 * its copy, has no dots as segments, and filters name the parameter they do not
 * like. */
#include "fuzz.h"

#include "api/filter.h"
#include "http/target.h"

#include <stdlib.h>
#include <string.h>

static void check_inside(const struct dld_target *target, size_t len,
                         struct dlr_text text)
{
    FUZZ_CHECK(text.len == 0 || (text.ptr >= target->copy &&
                                 text.ptr + text.len <= target->copy + len));
}

static void check_segments(const struct dld_target *target, size_t len)
{
    FUZZ_CHECK(target->segment_count <= DLD_SEGMENTS_MAX);
    for (size_t i = 0; i < target->segment_count; i++) {
        struct dlr_text segment = target->segments[i];

        check_inside(target, len, segment);
        FUZZ_CHECK(segment.len > 0);
        FUZZ_CHECK(!dlr_text_equals(segment, DLR_TEXT(".")));
        FUZZ_CHECK(!dlr_text_equals(segment, DLR_TEXT("..")));
    }
}

static void check_filter(const struct dld_target *target, size_t len)
{
    struct dld_filter filter;
    struct dld_scan scan;
    const char *fault = NULL;

    dld_filter_init(&filter);
    for (size_t i = 0; i < target->param_count && fault == NULL; i++) {
        check_inside(target, len, target->params[i].name);
        check_inside(target, len, target->params[i].value);
        (void)dld_filter_take(&filter, &target->params[i], 1700000000000,
                              &fault);
    }
    FUZZ_CHECK(filter.prop_count <= DLD_FILTER_PROPS);
    dld_filter_to_scan(&filter, 1, &scan);
    FUZZ_CHECK(scan.workspace == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct dld_target target = {0};
    char *uri = calloc(1, len + 1);

    FUZZ_CHECK(uri != NULL);
    if (len > 0) {
        memcpy(uri, data, len);
    }
    dld_target_read(&target, uri);
    if (target.fault == NULL) {
        check_segments(&target, strlen(uri));
        FUZZ_CHECK(target.param_count <= DLD_PARAMS_MAX);
        check_filter(&target, strlen(uri));
    }
    dld_target_clear(&target);
    free(uri);
    return 0;
}
