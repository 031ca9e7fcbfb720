/* SPDX-License-Identifier: MIT */
/*
 * Render: properties and context are copied byte for byte from what came in;
 * nothing parses and prints a number on the way.
 */
#include "api/render.h"

#include "base/json_write.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>

static void put_name(struct dlr_buf *out, const char *name)
{
    /* The first member follows a brace, the others a value. */
    if (out->len > 0 && out->ptr[out->len - 1] != '{') {
        dlr_buf_append_char(out, ',');
    }
    (void)dlr_json_put_key(out, name, strlen(name));
}

void dld_render_string(struct dlr_buf *out, struct dlr_text text)
{
    if (!dlr_json_put_text(out, text.len == 0 ? "" : text.ptr, text.len)) {
        dlr_buf_append_string(out, "\"\"");
    }
}

void dld_render_text(struct dlr_buf *out, const char *name,
                     struct dlr_text text)
{
    put_name(out, name);
    dld_render_string(out, text);
}

void dld_render_time(struct dlr_buf *out, const char *name, int64_t time_ms)
{
    char text[DLR_TIME_TEXT_CAP];

    if (dlr_time_format_iso(time_ms, text)) {
        dld_render_text(out, name, dlr_text_of(text));
    }
}

void dld_render_number(struct dlr_buf *out, const char *name, uint64_t number)
{
    put_name(out, name);
    (void)dlr_json_put_uint64(out, number);
}

void dld_render_bool(struct dlr_buf *out, const char *name, bool value)
{
    put_name(out, name);
    (void)dlr_json_put_bool(out, value);
}

void dld_render_cursor(struct dlr_buf *out, const char *name, uint64_t seq)
{
    put_name(out, name);
    dlr_buf_printf(out, "\"c%" PRIu64 "\"", seq);
}

bool dld_render_read(const struct dld_row *row, struct dlr_buf *arena,
                     struct dld_event *event)
{
    struct dld_event_fault fault;

    /* Room first: texts point into the arena while it is filled. */
    dlr_buf_rewind(arena, 0);
    if (dlr_buf_reserve(arena, row->doc.len + DLD_EVENT_ARENA_EXTRA) == NULL) {
        return false;
    }
    dld_event_read(row->doc, arena, event, &fault);
    event->id = row->id;
    return true;
}

static void put_optional(struct dlr_buf *out, const char *name,
                         struct dlr_text text)
{
    if (text.len > 0) {
        dld_render_text(out, name, text);
    }
}

static void put_object(struct dlr_buf *out, const char *name,
                       struct dlr_json_value value)
{
    put_name(out, name);
    dlr_buf_append_text(out, value.text);
}

void dld_render_members(struct dlr_buf *out, const struct dld_row *row,
                        const struct dld_event *event)
{
    put_optional(out, "userId", event->user);
    put_optional(out, "anonymousId", event->anonymous);
    dld_render_text(out, "eventId", row->id);
    dld_render_text(out, "event", event->name);
    if (event->properties.type == DLR_JSON_OBJECT) {
        put_object(out, "properties", event->properties);
    } else {
        put_name(out, "properties");
        dlr_buf_append_string(out, "{}");
    }
    if (event->context.type == DLR_JSON_OBJECT) {
        put_object(out, "context", event->context);
    }
    dld_render_time(out, "timestamp",
                    event->has_time ? event->time_ms : row->time_ms);
    put_optional(out, "sessionId", event->session);
    dld_render_time(out, "receivedAt", row->received_ms);
    dld_render_cursor(out, "cursor", row->seq);
}

void dld_render_event(struct dlr_buf *out, const struct dld_row *row,
                      const struct dld_event *event)
{
    dlr_buf_append_char(out, '{');
    dld_render_members(out, row, event);
    dlr_buf_append_char(out, '}');
}
