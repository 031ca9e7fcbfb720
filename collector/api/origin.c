/* SPDX-License-Identifier: MIT */
/*
 * Origin: the origin is echoed, never "*": the browser SDK sends its requests
 * with credentials, and then a browser takes nothing less.
 */
#include "api/origin.h"

#include <string.h>

enum dld_origin_answer dld_origin_check(const struct dld_origins *origins,
                                        const struct dld_request *request)
{
    struct dlr_text origin = dld_request_header(request, "Origin");

    if (origin.len == 0) {
        return DLD_ORIGIN_NONE;
    }
    for (size_t i = 0; i < origins->count; i++) {
        if (strcmp(origins->items[i], "*") == 0 ||
            dlr_text_equals_nocase(dlr_text_of(origins->items[i]), origin)) {
            return DLD_ORIGIN_ALLOWED;
        }
    }
    return DLD_ORIGIN_FOREIGN;
}

void dld_origin_add_headers(const struct dld_origins *origins,
                            struct dld_request *request)
{
    struct dlr_text origin = dld_request_header(request, "Origin");

    if (origins->count > 0) {
        dld_reply_header(request, "Vary", "Origin");
    }
    if (dld_origin_check(origins, request) != DLD_ORIGIN_ALLOWED) {
        return;
    }
    dld_reply_header(request, "Access-Control-Allow-Origin", "%.*s",
                     (int)origin.len, origin.ptr);
    dld_reply_header(request, "Access-Control-Allow-Credentials", "true");
    dld_reply_header(request, "Access-Control-Expose-Headers", "Retry-After");
}

void dld_origin_preflight(const struct dld_origins *origins,
                          struct dld_request *request)
{
    dld_reply_constant(request, 204, NULL, "", 0);
    dld_origin_add_headers(origins, request);
    if (dld_origin_check(origins, request) == DLD_ORIGIN_ALLOWED) {
        dld_reply_header(request, "Access-Control-Allow-Methods",
                         "GET, POST, OPTIONS");
        dld_reply_header(request, "Access-Control-Allow-Headers",
                         "content-type, content-encoding, x-batch-size, "
                         "x-container-version, x-api-key, "
                         "x-datalyr-api-key, authorization");
        dld_reply_header(request, "Access-Control-Max-Age", "86400");
    }
}
