/* SPDX-License-Identifier: MIT */
/*
 * Answer: an ingest request, from its bytes to the bytes of the answer.
 *
 * DESIGN
 * What the server does with the events is decided before the way the answer
 * takes: an answer that is cut, slow or held has stored its events, one that
 * never was (hang, reset, closed before) has not, and `commit-unanswered` is
 * the case between the two that a client has to live with.
 */
#include "answer.h"

#include "base/json_write.h"
#include "base/time.h"
#include "body.h"
#include "log.h"
#include "os/clock.h"
#include "status.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_ANSWER_BYTES ((size_t)256 << 20)

/* Control characters, an escape sequence that would clear a terminal, and a
 * character that turns the direction of text: what a broken proxy might send
 * and what must not reach a log as it is. */
#define GARBAGE "\x1b[2J\x07<html>\xe2\x80\xae{\"success\":tru\x01\xff\xfe"

/* Bytes after an answer that nobody asked for. */
#define TRAILING "\r\n\x1b[31mHTTP/9.9 what is this\r\n\r\n"

struct ingest {
    struct dlf_connection *connection;
    const struct dlf_request *request;
    struct dlf_plan plan;
    struct dlf_body body;
    int status;
    bool should_store;
    uint64_t accepted_count;
    uint64_t duplicate_count;
    uint64_t rejected_count;
    struct dlr_buf rejected; /* JSON */
};

/* What a server without any fault would say. */
static int judge(const struct ingest *ingest)
{
    const struct dlf_settings *settings = &ingest->connection->server->settings;
    const struct dlf_request *request = ingest->request;

    if (!dlr_text_equals(request->method, DLR_TEXT("POST"))) {
        return 405;
    }
    if (settings->api_key != NULL &&
        !dlr_text_equals(request->api_key, dlr_text_of(settings->api_key))) {
        return 401;
    }
    if (request->is_gzipped && !settings->has_gzip) {
        return 415;
    }
    if (ingest->body.event_count == 0) {
        return 400;
    }
    if (ingest->body.list == NULL) {
        return 200;
    }
    if (settings->batch_max == 0) {
        return 400;
    }
    return ingest->body.event_count > (size_t)settings->batch_max ? 413 : 200;
}

static bool stores(enum dlf_ending ending)
{
    switch (ending) {
    case DLF_END_KEEP:
    case DLF_END_CLOSE_AFTER:
    case DLF_END_CLOSE_HALF_WAY:
    case DLF_END_CLOSE_IN_HEADERS:
    case DLF_END_COMMIT_UNANSWERED:
    case DLF_END_HOLD:
        return true;
    case DLF_END_CLOSE_BEFORE:
    case DLF_END_RESET:
    case DLF_END_HANG:
        return false;
    }
    return false;
}

static void put_rejection(struct ingest *ingest, size_t index,
                          struct dlr_text id)
{
    struct dlr_buf *out = &ingest->rejected;

    dlr_buf_printf(
        out, "%s{\"index\":%zu,\"eventId\":", out->len == 0 ? "" : ",", index);
    (void)dlr_json_put_text(out, id.ptr, id.len); /* was JSON before */
    dlr_buf_append_string(out, ",\"error\":\"a rule says so\"}");
}

/* An event without an id still is one: it gets the place where it came. */
static struct dlr_text name_event(const struct ingest *ingest, size_t index,
                                  const struct dlf_event *event, char made[64])
{
    if (event->id.len > 0) {
        return event->id;
    }
    (void)snprintf(made, 64, "#%" PRIu64 ".%zu",
                   ingest->connection->server->ledger.counts.requests, index);
    return dlr_text_of(made);
}

static bool settle_event(void *self, size_t index,
                         const struct dlf_event *event)
{
    struct ingest *ingest = self;
    struct dlf_server *server = ingest->connection->server;
    char made[64];
    struct dlr_text id = name_event(ingest, index, event, made);
    struct dlf_entry *entry =
        dlf_ledger_entry(&server->ledger, id, server->now_ms);

    server->ledger.counts.events++;
    if (entry == NULL) {
        return true; /* out of memory: counted, not stored, not answered for */
    }
    entry->seen_count++;
    if (!ingest->should_store) {
        return true;
    }
    if (dlf_plan_rejects(&ingest->plan, server->settings.seed, entry->hash,
                         event->name)) {
        entry->rejected_count++;
        server->ledger.counts.rejected++;
        ingest->rejected_count++;
        put_rejection(ingest, index, id);
    } else if (dlf_ledger_store(&server->ledger, entry)) {
        ingest->accepted_count++;
    } else {
        ingest->duplicate_count++;
    }
    return true;
}

static void put_date(struct dlr_buf *out, int64_t ms)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began so */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct dlr_civil civil;

    if (!dlr_time_to_civil(ms, &civil)) {
        return;
    }
    dlr_buf_printf(out, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                   days + (ms / 86400000) % 7 * 3, (int)civil.day,
                   months + (civil.month - 1) * 3, (int)civil.year,
                   (int)civil.hour, (int)civil.minute, (int)civil.second);
}

/* A date has whole seconds: it is rounded up, so that "in two seconds" is not
 * one and a bit. */
static void put_retry_after(struct dlr_buf *out,
                            const struct dlf_effect *effect)
{
    if (effect->retry_after_ms < 0) {
        return;
    }
    dlr_buf_append_string(out, "Retry-After: ");
    if (effect->is_retry_after_date) {
        put_date(out, dlr_clock_realtime_ms() + effect->retry_after_ms + 999);
    } else {
        dlr_buf_printf(out, "%" PRId64, (effect->retry_after_ms + 999) / 1000);
    }
    dlr_buf_append_string(out, "\r\n");
}

static void put_usual_body(struct dlr_buf *out, const struct ingest *ingest)
{
    if (ingest->status == 204 || ingest->status == 304) {
        return;
    }
    if (ingest->status >= 300) {
        dlr_buf_printf(out, "{\"success\":false,\"error\":\"%s\"}",
                       dlf_status_text(ingest->status));
        return;
    }
    dlr_buf_printf(out,
                   "{\"success\":true,\"accepted\":%" PRIu64
                   ",\"duplicates\":%" PRIu64,
                   ingest->accepted_count, ingest->duplicate_count);
    if (ingest->rejected_count > 0) {
        dlr_buf_append_string(out, ",\"rejected\":[");
        dlr_buf_append_text(out, dlr_buf_text(&ingest->rejected));
        dlr_buf_append_char(out, ']');
    }
    dlr_buf_append_char(out, '}');
}

static void put_body(struct dlr_buf *out, const struct ingest *ingest)
{
    const struct dlf_effect *effect = &ingest->plan.effect;
    char *room;

    switch (effect->body) {
    case DLF_BODY_USUAL:
    case DLF_BODY_HALF:
        put_usual_body(out, ingest);
        return;
    case DLF_BODY_EMPTY:
        return;
    case DLF_BODY_GARBAGE:
        dlr_buf_append(out, GARBAGE, sizeof GARBAGE - 1);
        return;
    case DLF_BODY_TEXT:
        dlr_buf_append_string(out, effect->body_text);
        return;
    case DLF_BODY_BYTES:
        room = dlr_buf_reserve(out, (size_t)effect->body_bytes);
        if (room != NULL) {
            memset(room, 'x', (size_t)effect->body_bytes);
            out->len += (size_t)effect->body_bytes;
        }
        return;
    }
}

static void put_head(struct dlr_buf *out, const struct ingest *ingest,
                     size_t body_len)
{
    const struct dlf_settings *settings = &ingest->connection->server->settings;
    const struct dlf_effect *effect = &ingest->plan.effect;

    dlr_buf_printf(out, "HTTP/1.1 %d %s\r\n", ingest->status,
                   dlf_status_text(ingest->status));
    dlr_buf_append_string(out, "Content-Type: application/json\r\n");
    if (ingest->status != 204 && ingest->status != 304) {
        dlr_buf_printf(out, "Content-Length: %zu\r\n", body_len);
    }
    if (settings->batch_max > 0) {
        dlr_buf_printf(out, "X-Datalyr-Batch: %" PRId64 "\r\n",
                       settings->batch_max);
    }
    if (settings->has_gzip) {
        dlr_buf_append_string(out, "Accept-Encoding: gzip\r\n");
    }
    put_retry_after(out, effect);
    if (effect->location[0] != '\0') {
        dlr_buf_printf(out, "Location: %s\r\n", effect->location);
    }
    if (effect->header[0] != '\0') {
        dlr_buf_printf(out, "%s\r\n", effect->header);
    }
    if (ingest->connection->ending == DLF_END_CLOSE_AFTER) {
        dlr_buf_append_string(out, "Connection: close\r\n");
    }
    dlr_buf_append_string(out, "\r\n");
}

/* Where the answer stops, if it does not go to its end. */
static size_t cut_point(const struct ingest *ingest, size_t head_len,
                        size_t whole)
{
    switch (ingest->connection->ending) {
    case DLF_END_CLOSE_HALF_WAY:
        return whole / 2;
    case DLF_END_CLOSE_IN_HEADERS:
        return head_len;
    case DLF_END_CLOSE_BEFORE:
    case DLF_END_RESET:
    case DLF_END_COMMIT_UNANSWERED:
        return 0;
    case DLF_END_KEEP:
    case DLF_END_CLOSE_AFTER:
    case DLF_END_HANG:
    case DLF_END_HOLD:
        break;
    }
    if (ingest->plan.effect.body == DLF_BODY_HALF) {
        return head_len + (whole - head_len) / 2;
    }
    return whole;
}

static void put_answer(struct ingest *ingest)
{
    struct dlf_connection *connection = ingest->connection;
    struct dlr_buf *out = &connection->out;
    struct dlr_buf body = {0};
    size_t head_len;
    size_t whole;

    dlr_buf_init(&body, MAX_ANSWER_BYTES);
    put_body(&body, ingest);
    put_head(out, ingest, body.len);
    head_len = out->len;
    dlr_buf_append_text(out, dlr_buf_text(&body));
    whole = out->len;
    connection->stop_at = cut_point(ingest, head_len, whole);
    if ((ingest->plan.effect.says & DLF_SAYS_TRAILING) != 0 &&
        connection->stop_at == whole) {
        dlr_buf_append(out, TRAILING, sizeof TRAILING - 1);
        connection->stop_at = out->len;
    }
    dlr_buf_clear(&body);
}

static void note_visit(struct ingest *ingest)
{
    struct dlf_server *server = ingest->connection->server;
    struct dlf_visit *visit = dlf_ledger_visit(&server->ledger, server->now_ms);
    struct dlf_counts *counts = &server->ledger.counts;

    counts->requests++;
    counts->body_bytes += ingest->request->body.len;
    counts->batches += ingest->body.list != NULL ? 1 : 0;
    counts->gzipped += ingest->request->is_gzipped ? 1 : 0;
    counts->malformed += ingest->body.event_count == 0 ? 1 : 0;
    ingest->connection->visit = 0;
    if (visit != NULL) {
        visit->event_count = (uint32_t)ingest->body.event_count;
        visit->body_bytes = (uint32_t)ingest->request->body.len;
        visit->is_batch = ingest->body.list != NULL;
        visit->is_gzipped = ingest->request->is_gzipped;
        ingest->connection->visit = server->ledger.visit_count;
    }
}

static void make_plan(struct ingest *ingest)
{
    char path[DLF_MAX_WORD] = "";
    const struct dlf_request *request = ingest->request;
    struct dlf_facts facts = {.path = path,
                              .body_bytes = request->body.len,
                              .event_count = ingest->body.event_count,
                              .has_name = dlf_body_has_name,
                              .request = &ingest->body};

    if (request->path.len < sizeof path) {
        memcpy(path, request->path.ptr, request->path.len);
    }
    dlf_rules_plan(&ingest->connection->server->rules, &facts, &ingest->plan);
}

void dlf_answer_ingest(struct dlf_connection *connection,
                       const struct dlf_request *request)
{
    struct ingest ingest = {.connection = connection, .request = request};
    const struct dlf_effect *effect = &ingest.plan.effect;

    (void)dlf_body_read(&ingest.body, request->body, request->is_gzipped);
    note_visit(&ingest);
    make_plan(&ingest);
    dlr_buf_init(&ingest.rejected, MAX_ANSWER_BYTES);
    ingest.status = effect->status != 0 ? effect->status : judge(&ingest);
    ingest.should_store = ingest.status < 300 && stores(effect->ending);
    connection->status = (uint16_t)ingest.status;
    connection->ending = effect->ending;
    if (effect->ending == DLF_END_KEEP && request->wants_close) {
        connection->ending = DLF_END_CLOSE_AFTER;
    }
    connection->bytes_per_second = effect->bytes_per_second;
    connection->due_ms = connection->server->now_ms + effect->delay_ms;
    dlf_body_each(&ingest.body, settle_event, &ingest);
    put_answer(&ingest);
    dlf_log_request(connection, request, ingest.body.text);
    dlr_buf_clear(&ingest.rejected);
    dlf_body_clear(&ingest.body);
}
