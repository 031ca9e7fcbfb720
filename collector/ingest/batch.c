/* SPDX-License-Identifier: MIT */
/*
 * Batch: decides by the body what came, never by the path.
 *
 * DESIGN
 * The body is checked and made compact in one pass; events are slices of the
 * compact text, so what is stored is what was sent but for white space between
 * tokens: numbers keep their digits, strings their escapes. One bad event is a
 * verdict on that event; only a body that cannot be read is refused as a whole.
 */
#include "ingest/batch.h"

#include "base/hash.h"
#include "base/json_check.h"
#include "base/mem.h"
#include "os/ids.h"

#include <string.h>

static void refuse_body(struct dld_batch_fault *fault, int status,
                        const char *error, const char *hint)
{
    *fault = (struct dld_batch_fault){
        .status = status, .error = error, .hint = hint};
}

static bool make_compact(struct dlr_text body, size_t max_depth,
                         struct dld_batch *batch, struct dld_batch_fault *fault)
{
    struct dlr_json_error error = {0};

    dlr_buf_init(&batch->text, body.len + 1);
    if (dlr_buf_reserve(&batch->text, body.len + 1) == NULL) {
        refuse_body(fault, 503, "out of memory", NULL);
        return false;
    }
    if (!dlr_json_compact(body, max_depth, &batch->text, &error)) {
        refuse_body(fault, 400,
                    error.message == NULL ? "the body is not JSON"
                                          : error.message,
                    "send one event object or {\"events\":[...]}");
        fault->position = error.position;
        fault->has_position = true;
        return false;
    }
    batch->body = dlr_buf_text(&batch->text);
    return true;
}

/* The list of events in the body; the root itself for a single one. */
static struct dlr_json_value find_events(struct dld_batch *batch)
{
    /* The body is compact and one value: its first byte says which, and it is
     * not walked to find its end. */
    char first = batch->body.len < 2 ? '0' : batch->body.ptr[0];
    struct dlr_json_value root = {
        first == '['   ? DLR_JSON_ARRAY
        : first == '{' ? DLR_JSON_OBJECT
                       : DLR_JSON_NUMBER,
        batch->body,
    };
    struct dlr_json_value events = {0};

    if (root.type == DLR_JSON_ARRAY) {
        return root;
    }
    events = dlr_json_get(root, DLR_TEXT("events"));
    if (events.type == DLR_JSON_ARRAY) {
        return events;
    }
    batch->is_single = true;
    return root;
}

static size_t count_events(struct dlr_json_value events, size_t limit)
{
    struct dlr_json_iter iter = dlr_json_iterate(events);
    struct dlr_json_value event;
    size_t count = 0;

    while (count <= limit && dlr_json_next_element(&iter, &event)) {
        count++;
    }
    return count;
}

static bool make_arena(struct dld_batch *batch)
{
    /* A bound, not an estimate: rows point into it, so it cannot move. Pages
     * that nothing is written to cost nothing. */
    size_t cap = batch->body.len + batch->event_count * DLD_EVENT_ARENA_EXTRA;

    batch->arena_storage = dlr_malloc(cap);
    dlr_buf_init_fixed(&batch->arena, batch->arena_storage, cap);
    return batch->arena_storage != NULL;
}

static bool make_lists(struct dld_batch *batch)
{
    size_t count = batch->event_count;

    batch->rows = dlr_calloc(count, sizeof *batch->rows);
    batch->indexes = dlr_calloc(count, sizeof *batch->indexes);
    batch->verdicts = dlr_calloc(count, sizeof *batch->verdicts);
    return batch->rows != NULL && batch->indexes != NULL &&
           batch->verdicts != NULL && make_arena(batch);
}

static bool add_refusal(struct dld_batch *batch, uint32_t index,
                        const struct dld_event *event,
                        const struct dld_event_fault *fault)
{
    if (batch->refusals == NULL) {
        batch->refusals =
            dlr_calloc(batch->event_count, sizeof *batch->refusals);
        if (batch->refusals == NULL) {
            return false;
        }
    }
    batch->refusals[batch->refusal_count++] =
        (struct dld_batch_refusal){index, event->id, *fault};
    return true;
}

/* An event without id and without time cannot be told from a repetition of
 * itself: it gets an id of its own. */
static struct dlr_text make_id(struct dld_batch *batch, int64_t now_ms)
{
    char id[DLR_UUID_CAP];
    size_t mark = batch->arena.len;

    if (!dlr_ids_make_v7(now_ms, id)) {
        return (struct dlr_text){0};
    }
    dlr_buf_append(&batch->arena, id, DLR_UUID_LEN);
    return batch->arena.failed
               ? (struct dlr_text){0}
               : dlr_text_n(batch->arena.ptr + mark, DLR_UUID_LEN);
}

/* Devices with a wrong clock must not sort behind everything for years. What
 * they said stays in the document. */
#define FUTURE_MAX_MS (24 * 60 * 60 * 1000)

static int64_t settle_time(const struct dld_event *event, int64_t now_ms)
{
    if (!event->has_time || event->time_ms > now_ms + FUTURE_MAX_MS) {
        return now_ms;
    }
    return event->time_ms;
}

static bool add_row(struct dld_batch *batch, uint32_t index,
                    const struct dld_event *event,
                    const struct dld_batch_origin *origin)
{
    /* Tells a redelivery from another event under the same id; no secret. */
    static const struct dlr_hash_key content_key = {{0}};
    struct dld_row *row = &batch->rows[batch->row_count];

    *row = (struct dld_row){
        .workspace = origin->workspace,
        .flags =
            origin->flags | (event->is_id_derived ? DLD_ROW_ID_DERIVED : 0u),
        .time_ms = settle_time(event, origin->received_ms),
        .received_ms = origin->received_ms,
        .content_hash = dlr_hash(&content_key, event->doc.ptr, event->doc.len),
        .id = event->id,
        .name = event->name,
        .user = event->user,
        .anonymous = event->anonymous,
        .link = event->link,
        .doc = event->doc,
    };
    if (row->id.len == 0) {
        row->id = make_id(batch, origin->received_ms);
    }
    batch->indexes[batch->row_count++] = index;
    return row->id.len > 0;
}

static bool add_event(struct dld_batch *batch, uint32_t index,
                      struct dlr_text doc,
                      const struct dld_batch_origin *origin)
{
    struct dld_event event;
    struct dld_event_fault fault;

    dld_event_read(doc, &batch->arena, &event, &fault);
    if (batch->arena.failed) {
        return false;
    }
    if (batch->workspace.len == 0) {
        batch->workspace = event.workspace;
    }
    if (fault.error != NULL) {
        return add_refusal(batch, index, &event, &fault);
    }
    return add_row(batch, index, &event, origin);
}

static bool read_events(struct dld_batch *batch, struct dlr_json_value events,
                        const struct dld_batch_origin *origin)
{
    struct dlr_json_iter iter = dlr_json_iterate(events);
    struct dlr_json_value event;
    uint32_t index = 0;
    bool is_read = true;

    if (batch->is_single) {
        return add_event(batch, 0, events.text, origin);
    }
    while (is_read && dlr_json_next_element(&iter, &event)) {
        is_read = add_event(batch, index++, event.text, origin);
    }
    return is_read;
}

void dld_batch_read(struct dlr_text body, const struct dld_batch_limits *limits,
                    const struct dld_batch_origin *origin,
                    struct dld_batch *batch, struct dld_batch_fault *fault)
{
    struct dlr_json_value events;

    memset(batch, 0, sizeof *batch);
    memset(fault, 0, sizeof *fault);
    if (!make_compact(body, limits->max_depth, batch, fault)) {
        return;
    }
    events = find_events(batch);
    if (batch->is_single && events.type != DLR_JSON_OBJECT) {
        refuse_body(fault, 400, "the body is neither an event nor a batch",
                    "send one event object or {\"events\":[...]}");
        return;
    }
    batch->event_count =
        batch->is_single ? 1 : count_events(events, limits->max_events);
    if (batch->event_count > limits->max_events) {
        refuse_body(fault, 413, "the batch has too many events",
                    "split it: X-Datalyr-Batch in each answer says how many "
                    "are taken");
        return;
    }
    if (batch->event_count == 0) {
        return;
    }
    if (!make_lists(batch) || !read_events(batch, events, origin)) {
        refuse_body(fault, 503, "out of memory", NULL);
    }
}

void dld_batch_clear(struct dld_batch *batch)
{
    dlr_buf_clear(&batch->text);
    dlr_free(batch->arena_storage);
    dlr_free(batch->rows);
    dlr_free(batch->indexes);
    dlr_free(batch->verdicts);
    dlr_free(batch->refusals);
    memset(batch, 0, sizeof *batch);
}
