/* SPDX-License-Identifier: MIT */
/*
 * Body: slices of the log as request bodies.
 *
 * DESIGN
 * A single event is sent from where it lies in the log. A batch is copied once,
 * between `{"events":[` and the send time; a compressed body replaces the plain
 * one. before_send sees every event on its way into a body.
 */
#include "base/json_check.h"
#include "base/mem.h"
#include "base/time.h"
#include "os/ids.h"
#include "sender/state.h"

#include <string.h>

/* Below this gzip saves less than a packet. */
#define GZIP_MIN_BYTES 2048

/* Around the events: brackets, batch id, time. */
#define WRAPPER_BYTES 128

struct datalyr_replacement {
    struct dlr_buf text;
    datalyr_status status;
    bool is_given;
};

datalyr_status datalyr_replace(datalyr_replacement *replacement,
                               const char *json, size_t len)
{
    if (replacement == NULL) {
        return DATALYR_INVALID;
    }
    dlr_buf_rewind(&replacement->text, 0);
    replacement->is_given = true;
    replacement->status = DATALYR_INVALID;
    if (json == NULL || !dlr_json_compact(dlr_text_n(json, len), DLR_JSON_DEPTH,
                                          &replacement->text, NULL)) {
        if (replacement->text.failed) {
            replacement->status = DATALYR_NOMEM;
        }
        return replacement->status;
    }
    if (replacement->text.ptr[0] == '{') {
        replacement->status = DATALYR_OK;
    }
    return replacement->status;
}

/* Asks the hook about one event. False: it must not leave, or with a failed body
 * there is no memory to ask or to replace, which is no reason to drop it. */
static bool ask(struct dlr_sender *sender, struct dlr_job *job,
                struct dlr_text json, struct datalyr_replacement *replacement,
                struct dlr_text *out)
{
    const datalyr_hooks *hooks = &sender->settings.hooks;
    datalyr_decision decision;

    *out = json;
    dlr_records_reset(&sender->records);
    if (!dlr_records_add(&sender->records, json)) {
        job->body.failed = true;
        return false;
    }
    replacement->is_given = false;
    decision = hooks->before_send(dlr_records_view(&sender->records),
                                  replacement, hooks->user_data);
    dlr_records_reset(&sender->records);
    if (decision == DATALYR_REPLACE) {
        *out = dlr_buf_text(&replacement->text);
        job->body.failed =
            job->body.failed ||
            (replacement->is_given && replacement->status == DATALYR_NOMEM);
        return replacement->is_given && replacement->status == DATALYR_OK;
    }
    return decision == DATALYR_SEND;
}

static void put_separator(struct dlr_job *job, bool *is_first)
{
    if (job->is_batch && !*is_first) {
        dlr_buf_append_char(&job->body, ',');
    }
    *is_first = false;
}

static void put_events(struct dlr_sender *sender, struct dlr_job *job)
{
    struct datalyr_replacement replacement = {.status = DATALYR_OK};
    struct dlr_walk walk = dlr_slice_walk(&job->slice);
    bool has_hook = sender->settings.hooks.before_send != NULL;
    bool is_first = true;
    struct dlr_position at;
    struct dlr_text json;

    dlr_buf_init(&replacement.text, DLR_RECORD_MAX_BYTES);
    while (!job->body.failed && dlr_walk_next(&walk, &at, &json)) {
        struct dlr_text text = json;

        if (has_hook && !ask(sender, job, json, &replacement, &text)) {
            if (job->body.failed) {
                break;
            }
            dlr_queue_drop_one(sender->queue, &job->slice, at,
                               DATALYR_DROP_BEFORE_SEND);
            continue;
        }
        put_separator(job, &is_first);
        dlr_buf_append_text(&job->body, text);
    }
    dlr_buf_clear(&replacement.text);
}

static void put_batch_end(struct dlr_sender *sender, struct dlr_job *job)
{
    char time[DLR_TIME_TEXT_CAP];

    if (job->batch_id[0] == '\0' && !dlr_ids_make_v4(job->batch_id)) {
        memcpy(job->batch_id, "00000000-0000-4000-8000-000000000000",
               DLR_UUID_CAP);
    }
    (void)dlr_time_format_iso(dlr_clock_wall_ms(&sender->clock), time);
    dlr_buf_append_string(&job->body, "],\"batchId\":\"");
    dlr_buf_append_string(&job->body, job->batch_id);
    dlr_buf_append_string(&job->body, "\",\"timestamp\":\"");
    dlr_buf_append_string(&job->body, time);
    dlr_buf_append_string(&job->body, "\"}");
}

/* Points the request at the record itself. */
static void use_in_place(struct dlr_job *job)
{
    struct dlr_walk walk = dlr_slice_walk(&job->slice);
    struct dlr_position at;
    struct dlr_text json = {"", 0};

    (void)dlr_walk_next(&walk, &at, &json);
    job->request.body = json.ptr;
    job->request.body_len = json.len;
    job->plain_bytes = json.len;
}

static bool should_compress(const struct dlr_sender *sender, size_t len)
{
    switch (sender->settings.compression) {
    case DATALYR_COMPRESSION_NONE:
        return false;
    case DATALYR_COMPRESSION_GZIP:
        return true;
    case DATALYR_COMPRESSION_DEFAULT:
    case DATALYR_COMPRESSION_AUTO:
        break;
    }
    return sender->accepts_gzip && len > GZIP_MIN_BYTES;
}

/* Bodies and those kept for the next ones share one budget. */
static void release(struct dlr_sender *sender, struct dlr_buf *body)
{
    size_t budget = sender->settings.body_budget;
    size_t used = sender->body_bytes < budget ? sender->body_bytes : budget;

    dlr_pool_give(&sender->pool, body, budget - used,
                  dlr_sender_now_ms(sender));
}

/* Replaces the body by its compressed form; keeps it where that fails or does
 * not make it smaller, which costs bandwidth and nothing else. */
static void compress_body(struct dlr_sender *sender, struct dlr_job *job)
{
    struct dlr_buf packed;

    if (sender->gzip == NULL && dlr_gzip_new(&sender->gzip) != DATALYR_OK) {
        return;
    }
    dlr_pool_take(&sender->pool, &packed);
    if (dlr_gzip_pack(sender->gzip, job->request.body, job->request.body_len,
                      &packed) != DATALYR_OK ||
        packed.len >= job->request.body_len) {
        release(sender, &packed);
        return;
    }
    release(sender, &job->body);
    job->body = packed;
    job->request.body = packed.ptr;
    job->request.body_len = packed.len;
    job->request.is_gzip = true;
}

static bool build_copy(struct dlr_sender *sender, struct dlr_job *job,
                       bool *is_failed)
{
    dlr_pool_take(&sender->pool, &job->body);
    (void)dlr_buf_reserve(&job->body, job->slice.bytes + WRAPPER_BYTES);
    if (job->is_batch) {
        dlr_buf_append_string(&job->body, "{\"events\":[");
    }
    put_events(sender, job);
    if (job->slice.live == 0) {
        return false;
    }
    if (job->is_batch) {
        put_batch_end(sender, job);
    }
    *is_failed = job->body.failed;
    job->request.body = job->body.ptr;
    job->request.body_len = job->body.len;
    job->plain_bytes = job->body.len;
    return !job->body.failed;
}

bool dlr_body_build(struct dlr_sender *sender, struct dlr_job *job,
                    bool *is_failed)
{
    bool is_plain_single =
        !job->is_batch && sender->settings.hooks.before_send == NULL;

    *is_failed = false;
    job->request.is_gzip = false;
    if (is_plain_single) {
        use_in_place(job);
    } else if (!build_copy(sender, job, is_failed)) {
        release(sender, &job->body);
        return false;
    }
    if (should_compress(sender, job->request.body_len)) {
        compress_body(sender, job);
    }
    job->request.batch_size = job->is_batch ? job->slice.live : 0;
    /* A packed body counts by its memory too, which is no less than the part of
     * the log that it was made of: the budget bounds both. */
    sender->body_bytes += job->body.cap;
    if (sender->body_bytes + sender->pool.bytes >
        sender->settings.body_budget) {
        dlr_pool_clear(&sender->pool);
    }
    return true;
}

void dlr_body_release(struct dlr_sender *sender, struct dlr_job *job)
{
    sender->body_bytes -= job->body.cap;
    release(sender, &job->body);
    job->request.body = NULL;
    job->request.body_len = 0;
}
