/* SPDX-License-Identifier: MIT */
/*
 * Watch: GET /api/v1/events/stream. Goes on behind Last-Event-ID or `cursor`;
 * without either it begins with the next event that comes in.
 */
#include "api/api.h"

#include "api/live.h"

/* False when the answer is an error already. */
static bool read_params(struct dld_work *work, struct dld_filter *filter)
{
    const struct dld_target *target = &work->request->target;

    dld_filter_init(filter);
    for (size_t i = 0; i < target->param_count; i++) {
        const char *fault = NULL;

        if (!dld_filter_take(filter, &target->params[i],
                             work->request->received_ms, &fault)) {
            fault = "the parameter is not known";
        }
        if (fault != NULL) {
            dld_api_bad_param(work, target->params[i].name, fault);
            return false;
        }
    }
    return true;
}

static bool find_place(struct dld_work *work, const struct dld_filter *filter,
                       const struct dld_store_stats *stats, uint64_t *after)
{
    struct dlr_text last = dld_request_header(work->request, "Last-Event-ID");
    struct dlr_text value;

    if (last.len > 0) {
        return dld_cursor_read(last, after);
    }
    if (dld_request_param(work->request, "cursor", &value) ||
        filter->after > 0) {
        *after = filter->after;
        return true;
    }
    *after = stats->last_seq;
    return true;
}

void dld_api_watch(struct dld_work *work)
{
    struct dld_store *store = work->api->options.store;
    struct dld_store_stats stats;
    struct dld_filter filter;
    uint64_t after = 0;

    if (!read_params(work, &filter)) {
        return;
    }
    if (!store->stats(store->self, work->workspace, &stats)) {
        dld_api_store_failed(work, DATALYR_IO, NULL);
        return;
    }
    if (!find_place(work, &filter, &stats, &after)) {
        dld_reply_error(work->request, 400,
                        "Last-Event-ID is not one of our cursors", NULL,
                        "Last-Event-ID");
        return;
    }
    if (dld_stream_open(work, after, &work->stream) != DATALYR_OK) {
        dld_reply_error(work->request, 503, "out of memory", NULL, NULL);
        return;
    }
    work->request->reply.status = 200;
    work->request->reply.content_type = "text/event-stream";
    dld_reply_header(work->request, "Cache-Control", "no-store");
    dld_reply_header(work->request, "X-Accel-Buffering", "no");
    dld_live_watch(work->api->live, work->stream);
}
