/* SPDX-License-Identifier: MIT */
/*
 * Events: the list of what came in, in order of arrival.
 */
#include "api/api.h"

#include "api/filter.h"
#include "api/render.h"
#include "base/number.h"
#include "os/clock.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     10000

struct listing {
    struct dld_filter filter;
    struct dld_scan scan;
    uint64_t limit;
    int64_t deadline_ns; /* 0: none */
    struct dlr_buf body;
    struct dlr_buf arena;
    uint64_t count;
    uint64_t last_seq; /* of the last row seen, shown or not */
    bool is_partial;
    bool has_more;
};

static bool show(void *self, const struct dld_row *row)
{
    struct listing *listing = self;
    struct dld_event event;

    if (listing->deadline_ns != 0 &&
        dlr_clock_monotonic_ns() > listing->deadline_ns) {
        listing->is_partial = true;
        return false;
    }
    if (!dld_render_read(row, &listing->arena, &event)) {
        listing->body.failed = true;
        return false;
    }
    if (!dld_filter_matches(&listing->filter, row, &event)) {
        listing->last_seq = row->seq;
        return true;
    }
    if (listing->count == listing->limit) {
        listing->has_more = true;
        return false;
    }
    dlr_buf_append_string(&listing->body, listing->count == 0 ? "" : ",");
    dld_render_event(&listing->body, row, &event);
    listing->last_seq = row->seq;
    listing->count++;
    return !listing->body.failed;
}

static const char *take_order(struct listing *listing, struct dlr_text value)
{
    listing->scan.descending = dlr_text_equals(value, DLR_TEXT("desc"));
    return listing->scan.descending || dlr_text_equals(value, DLR_TEXT("asc"))
               ? NULL
               : "order is asc or desc";
}

static const char *take_limit(struct listing *listing, struct dlr_text value)
{
    return dlr_number_read_uint64(value.ptr, value.len, &listing->limit) &&
                   listing->limit >= 1 && listing->limit <= LIMIT_MAX
               ? NULL
               : "limit is a number from 1 to 10000";
}

/* False when the answer is an error already. */
static bool read_params(struct dld_work *work, struct listing *listing)
{
    const struct dld_target *target = &work->request->target;
    bool is_down = false;

    listing->limit = LIMIT_DEFAULT;
    dld_filter_init(&listing->filter);
    for (size_t i = 0; i < target->param_count; i++) {
        const struct dld_param *param = &target->params[i];
        const char *fault = NULL;

        if (dlr_text_equals(param->name, DLR_TEXT("limit"))) {
            fault = take_limit(listing, param->value);
        } else if (dlr_text_equals(param->name, DLR_TEXT("order"))) {
            fault = take_order(listing, param->value);
            is_down = listing->scan.descending;
        } else if (!dld_filter_take(&listing->filter, param,
                                    work->request->received_ms, &fault)) {
            fault = "the parameter is not known";
        }
        if (fault != NULL) {
            dld_api_bad_param(work, param->name, fault);
            return false;
        }
    }
    dld_filter_to_scan(&listing->filter, work->workspace, &listing->scan);
    listing->scan.descending = is_down;
    if (is_down) {
        /* A cursor names the place to go on from, in either direction. */
        listing->scan.before = listing->scan.after;
        listing->scan.after = 0;
    }
    return true;
}

static void answer(struct dld_work *work, struct listing *listing)
{
    struct dlr_buf *body = &listing->body;
    uint64_t cursor = listing->last_seq;

    dlr_buf_append_char(body, ']');
    if (cursor == 0) {
        cursor = listing->filter.after;
    }
    dld_render_cursor(body, "cursor", cursor);
    dld_render_bool(body, "more", listing->has_more || listing->is_partial);
    dld_render_bool(body, "partial", listing->is_partial);
    dlr_buf_append_char(body, '}');
    dld_reply_json(work->request, 200, body);
}

void dld_api_events(struct dld_work *work)
{
    struct dld_store *store = work->api->options.store;
    struct listing listing = {0};
    datalyr_error error = {0};
    datalyr_status status;

    if (!read_params(work, &listing)) {
        return;
    }
    if (dld_filter_is_costly(&listing.filter)) {
        listing.deadline_ns =
            dlr_clock_monotonic_ns() +
            (int64_t)work->api->options.query_time_ms * 1000000;
    }
    dlr_buf_init(&listing.body, DLD_ANSWER_MAX);
    dlr_buf_init(&listing.arena, DLD_ANSWER_MAX);
    dlr_buf_append_string(&listing.body, "{\"events\":[");
    status = store->scan(store->self, &listing.scan, show, &listing, &error);
    if (status == DATALYR_OK) {
        answer(work, &listing);
    } else {
        dld_api_store_failed(work, status, &error);
    }
    dlr_buf_clear(&listing.body);
    dlr_buf_clear(&listing.arena);
}
