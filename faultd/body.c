/* SPDX-License-Identifier: MIT */
/*
 * Body: gunzip and JSON.
 */
#include "body.h"

#include <yyjson.h>
#include <zlib.h>

/* A bomb must not take the machine that runs the tests. */
#define MAX_UNPACKED_BYTES ((size_t)256 << 20)
#define UNPACK_STEP        ((size_t)256 << 10)

static bool unpack_all(z_stream *stream, struct dlr_buf *out)
{
    int result = Z_OK;

    while (result == Z_OK) {
        char *room = dlr_buf_reserve(out, UNPACK_STEP);

        if (room == NULL) {
            return false;
        }
        stream->next_out = (Bytef *)room;
        stream->avail_out = (uInt)UNPACK_STEP;
        result = inflate(stream, Z_NO_FLUSH);
        out->len += UNPACK_STEP - stream->avail_out;
        if (result == Z_OK && stream->avail_in == 0 && stream->avail_out > 0) {
            return false; /* it stops before its end */
        }
    }
    return result == Z_STREAM_END && stream->avail_in == 0;
}

static bool unpack(struct dlr_text bytes, struct dlr_buf *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes.ptr,
                       .avail_in = (uInt)bytes.len};
    bool is_whole;

    dlr_buf_init(out, MAX_UNPACKED_BYTES);
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        return false;
    }
    is_whole = unpack_all(&stream, out);
    (void)inflateEnd(&stream); /* can only fail for a stream not begun */
    return is_whole;
}

bool dlf_body_read(struct dlf_body *body, struct dlr_text bytes,
                   bool is_gzipped)
{
    yyjson_val *root;

    memset(body, 0, sizeof *body);
    body->text = bytes;
    if (is_gzipped) {
        if (!unpack(bytes, &body->unpacked)) {
            return false;
        }
        body->text = dlr_buf_text(&body->unpacked);
    }
    body->doc = yyjson_read(body->text.ptr, body->text.len, 0);
    root = yyjson_doc_get_root(body->doc);
    if (!yyjson_is_obj(root)) {
        return false;
    }
    body->list = yyjson_obj_get(root, "events");
    if (!yyjson_is_arr(body->list)) {
        body->list = NULL;
    }
    body->event_count = body->list == NULL ? 1 : yyjson_arr_size(body->list);
    return body->event_count > 0;
}

void dlf_body_clear(struct dlf_body *body)
{
    yyjson_doc_free(body->doc);
    dlr_buf_clear(&body->unpacked);
    memset(body, 0, sizeof *body);
}

static struct dlf_event read_event(yyjson_val *event)
{
    yyjson_val *id = yyjson_obj_get(event, "eventId");
    const char *name = yyjson_get_str(yyjson_obj_get(event, "event"));
    struct dlf_event found = {
        dlr_text_n(yyjson_get_str(id), yyjson_get_len(id)),
        name == NULL ? "" : name};

    return found;
}

void dlf_body_each(const struct dlf_body *body,
                   bool (*each)(void *self, size_t index,
                                const struct dlf_event *event),
                   void *self)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with(body->list);
    struct dlf_event event;

    if (body->list == NULL && body->event_count == 1) {
        event = read_event(yyjson_doc_get_root(body->doc));
        (void)each(self, 0, &event);
        return;
    }
    for (size_t i = 0; i < body->event_count; i++) {
        event = read_event(yyjson_arr_iter_next(&iter));
        if (!each(self, i, &event)) {
            return;
        }
    }
}

struct search {
    const char *name;
    bool is_found;
};

static bool compare_name(void *self, size_t index,
                         const struct dlf_event *event)
{
    struct search *search = self;

    (void)index;
    search->is_found = strcmp(event->name, search->name) == 0;
    return !search->is_found;
}

bool dlf_body_has_name(const void *body, const char *name)
{
    struct search search = {name, false};

    dlf_body_each(body, compare_name, &search);
    return search.is_found;
}
