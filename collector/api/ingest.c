/* SPDX-License-Identifier: MIT */
/*
 * Ingest: a POST with events, from the key to the verdicts.
 */
#include "api/api.h"

#include "api/access.h"
#include "api/origin.h"
#include "api/render.h"
#include "base/escape.h"
#include "base/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_limit(struct dld_request *request,
                      const struct dld_limit_answer *answer,
                      const struct dld_limit *limit)
{
    int64_t reset_s =
        request->received_ms / 1000 + (int64_t)answer->reset_seconds;

    if (limit->per_second == 0) {
        return;
    }
    dld_reply_header(request, "X-RateLimit-Limit", "%" PRIu64,
                     limit->per_second);
    dld_reply_header(request, "X-RateLimit-Remaining", "%" PRIu64,
                     answer->remaining);
    dld_reply_header(request, "X-RateLimit-Reset", "%" PRId64, reset_s);
}

static void refuse_key(struct dld_work *work, struct dlr_text key)
{
    atomic_fetch_add(&work->api->counts.unauthorised, 1);
    dld_reply_error(work->request, 401,
                    key.len == 0 ? "the request has no API key"
                                 : "the API key is not known",
                    key.len == 0
                        ? "send the header X-API-Key: dk_..."
                        : "compare it with the key file beside the store",
                    "X-API-Key");
}

/* What the vendor's mobile SDKs are willing to wait. */
#define RETRY_MAX_S 30

static void take_token(struct dld_work *work, struct dlr_text key)
{
    struct dld_request *request = work->request;
    struct dld_limit_answer answer = dld_keys_take(
        work->api->options.keys, key, request->started_ns / 1000000);

    answer.wait_seconds =
        answer.wait_seconds < RETRY_MAX_S ? answer.wait_seconds : RETRY_MAX_S;

    if (!answer.is_allowed) {
        atomic_fetch_add(&work->api->counts.limited, 1);
        dld_reply_error(request, 429, "too many requests",
                        "send batches, or fewer requests a second", NULL);
        request->reply.header_count = 0;
        dld_reply_header(request, "Retry-After", "%" PRIu64,
                         answer.wait_seconds);
    }
    add_limit(request, &answer, dld_keys_limit(work->api->options.keys));
}

/* A page without a key: its origin is what speaks for it. */
static void begin_page(struct dld_work *work)
{
    struct dlr_text site = dld_request_header(work->request, "Origin");

    switch (dld_origin_check(&work->api->options.origins, work->request)) {
    case DLD_ORIGIN_NONE:
        refuse_key(work, (struct dlr_text){0});
        return;
    case DLD_ORIGIN_FOREIGN:
        atomic_fetch_add(&work->api->counts.unauthorised, 1);
        dld_reply_error(work->request, 403, "this origin may not send events",
                        "start datalyrd with --allow-origin and the origin",
                        "Origin");
        return;
    case DLD_ORIGIN_ALLOWED:
        work->workspace = DLD_DEFAULT_WORKSPACE;
        work->is_page = true;
        take_token(work, site);
        return;
    }
}

/* Decided on the head: a body nobody may send is not read. */
void dld_api_begin_ingest(struct dld_work *work)
{
    struct dlr_text key = dld_access_key(work->request);
    uint32_t roles;

    if (key.len == 0) {
        begin_page(work);
        return;
    }

    dlr_mask_key(key, work->request->key_label);
    if (!dld_keys_find(work->api->options.keys, key, &work->workspace,
                       &roles) ||
        (roles & (DLD_ROLE_WRITE | DLD_ROLE_ADMIN)) == 0) {
        refuse_key(work, key);
    } else {
        work->roles = roles;
        take_token(work, key);
    }
}

/* Every answer tells a sender that asks what may come: libdatalyr goes over to
 * batches and gzip when it sees these. */
void dld_api_add_offers(struct dld_work *work)
{
    dld_reply_header(work->request, "X-Datalyr-Batch", "%zu",
                     work->api->options.limits.max_events);
    dld_reply_header(work->request, "Accept-Encoding", "gzip");
    dld_origin_add_headers(&work->api->options.origins, work->request);
}

static void put_refusals(struct dlr_buf *body, const struct dld_batch *batch)
{
    dlr_buf_append_string(body, ",\"rejected\":[");
    for (size_t i = 0; i < batch->refusal_count; i++) {
        const struct dld_batch_refusal *refusal = &batch->refusals[i];

        dlr_buf_append_string(body, i == 0 ? "{" : ",{");
        dld_render_number(body, "index", refusal->index);
        if (refusal->id.len > 0) {
            dld_render_text(body, "eventId", refusal->id);
        }
        dld_render_text(body, "error", dlr_text_of(refusal->fault.error));
        if (refusal->fault.field != NULL) {
            dld_render_text(body, "field", dlr_text_of(refusal->fault.field));
        }
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
}

static void answer_verdicts(struct dld_work *work)
{
    const struct dld_batch *batch = &work->batch;
    struct dld_api_counts *counts = &work->api->counts;
    struct dlr_buf body;
    size_t accepted = 0;

    for (size_t i = 0; i < batch->row_count; i++) {
        accepted += batch->verdicts[i] == DLD_STORED ? 1 : 0;
    }
    atomic_fetch_add(&counts->accepted, accepted);
    atomic_fetch_add(&counts->duplicates, batch->row_count - accepted);
    atomic_fetch_add(&counts->rejected, batch->refusal_count);
    dlr_buf_init(&body, DLD_ANSWER_MAX);
    dlr_buf_append_string(&body, "{\"success\":true");
    dld_render_number(&body, "accepted", accepted);
    dld_render_number(&body, "duplicates", batch->row_count - accepted);
    put_refusals(&body, batch);
    dlr_buf_append_char(&body, '}');
    dld_reply_json(work->request, 200, &body);
}

/* One event that is refused: nothing is left to succeed. */
static void answer_refusal(struct dld_work *work)
{
    const struct dld_batch_refusal *refusal = &work->batch.refusals[0];
    struct dlr_buf body;

    atomic_fetch_add(&work->api->counts.rejected, 1);
    dlr_buf_init(&body, DLD_ANSWER_MAX);
    dlr_buf_append_string(&body, "{\"success\":false");
    dld_render_text(&body, "error", dlr_text_of(refusal->fault.error));
    dld_render_text(&body, "hint", dlr_text_of(refusal->fault.hint));
    if (refusal->fault.field != NULL) {
        dld_render_text(&body, "field", dlr_text_of(refusal->fault.field));
    }
    dlr_buf_append_string(&body, ",\"accepted\":0,\"duplicates\":0");
    put_refusals(&body, &work->batch);
    dlr_buf_append_char(&body, '}');
    dld_reply_json(work->request, 400, &body);
}

static void answer_batch(struct dld_work *work)
{
    if (work->batch.is_single && work->batch.refusal_count > 0) {
        answer_refusal(work);
    } else {
        answer_verdicts(work);
    }
}

static void on_written(void *self, struct dld_job *job)
{
    struct dld_work *work = self;

    if (job->status == DATALYR_OK) {
        answer_batch(work);
    } else {
        dld_reply_error(
            work->request, 503, "the store cannot take events at the moment",
            "nothing of this request is stored; send it again", NULL);
    }
    dld_request_resume(work->request);
}

static void refuse_batch(struct dld_work *work,
                         const struct dld_batch_fault *fault)
{
    char error[160];

    if (fault->has_position) {
        (void)snprintf(error, sizeof error, "%s (byte %zu)", fault->error,
                       fault->position);
    } else {
        (void)snprintf(error, sizeof error, "%s", fault->error);
    }
    dld_reply_error(work->request, fault->status, error, fault->hint, NULL);
}

/* A page names its workspace in its events; one we do not know (or one of the
 * placeholders of old SDKs) is the default one. */
static void enter_workspace(struct dld_work *work)
{
    uint32_t number =
        dld_keys_find_workspace(work->api->options.keys, work->batch.workspace);

    if (number != 0) {
        work->workspace = number;
    }
    for (size_t i = 0; i < work->batch.row_count; i++) {
        work->batch.rows[i].workspace = work->workspace;
    }
}

void dld_api_ingest(struct dld_work *work)
{
    struct dld_request *request = work->request;
    struct dld_batch_origin origin = {
        .workspace = work->workspace,
        .flags = work->is_page ? 0u : DLD_ROW_KEYED,
        .received_ms = request->received_ms,
    };
    struct dld_batch_fault fault;

    dld_batch_read(dlr_buf_text(&request->body), &work->api->options.limits,
                   &origin, &work->batch, &fault);
    if (fault.status != 0) {
        refuse_batch(work, &fault);
        return;
    }
    request->events = work->batch.event_count;
    if (work->is_page) {
        enter_workspace(work);
    }
    if (work->batch.row_count == 0 && work->batch.refusal_count == 0) {
        answer_batch(work);
        return;
    }
    work->job = (struct dld_job){
        .kind = DLD_JOB_APPEND,
        .workspace = work->workspace,
        .rows = work->batch.rows,
        .verdicts = work->batch.verdicts,
        .row_count = work->batch.row_count,
        .rejected = work->batch.refusal_count,
        .done = on_written,
        .self = work,
    };
    dld_request_defer(request);
    dld_writer_submit(work->api->options.writer, &work->job);
}
