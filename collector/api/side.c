/* SPDX-License-Identifier: MIT */
/*
 * Side: answered with "nothing is switched on". Session replay and heatmaps
 * stay off: those SDKs would send them to the vendor's host, whatever ours is.
 */
#include "api/side.h"

/* By the last segment of the path, and the one before it if that matters. */
static const struct {
    enum dld_method method;
    const char *before;
    const char *last;
    const char *body;
} sides[] = {
    {DLD_METHOD_POST, NULL, "container-scripts",
     "{\"scripts\":[],\"pixels\":null,\"config\":{}}"},
    {DLD_METHOD_GET, NULL, "sdk-consent-policy", "{}"},
    {DLD_METHOD_POST, "attribution", "lookup", "{\"found\":false}"},
    {DLD_METHOD_POST, "attribution", "deferred-lookup", "{\"found\":false}"},
};

/* The segment that many places before the end. */
static bool is_segment(const struct dld_target *target, size_t from_end,
                       const char *name)
{
    return target->segment_count >= from_end &&
           dlr_text_equals(target->segments[target->segment_count - from_end],
                           dlr_text_of(name));
}

bool dld_side_find(const struct dld_request *request, struct dlr_text *body)
{
    const struct dld_target *target = &request->target;

    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        if (request->method == sides[i].method &&
            is_segment(target, 1, sides[i].last) &&
            (sides[i].before == NULL ||
             is_segment(target, 2, sides[i].before))) {
            *body = dlr_text_of(sides[i].body);
            return true;
        }
    }
    return false;
}
