/* SPDX-License-Identifier: MIT */
/*
 * HTTP: a reader without state. It is given everything that came so far and
 * says whether a request is complete. Reading the head again for each piece of
 * a large body costs less than a state machine costs to understand.
 */
#include "http.h"

#include "base/number.h"

/* Above the largest batch a client may be set up to send. */
#define MAX_BODY_BYTES ((size_t)64 << 20)

static struct dlr_text cut(struct dlr_text *rest, const char *at, size_t gap)
{
    struct dlr_text piece = dlr_text_n(rest->ptr, (size_t)(at - rest->ptr));
    size_t taken = piece.len + gap;

    rest->ptr += taken;
    rest->len -= taken;
    return piece;
}

/* Takes what stands before `byte` (or all of it) and the byte. */
static struct dlr_text take_until(struct dlr_text *rest, char byte)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, byte, rest->len);

    if (at == NULL) {
        return cut(rest, rest->ptr + rest->len, 0);
    }
    return cut(rest, at, 1);
}

bool dlf_http_next_header(struct dlr_text *head, struct dlr_text *name,
                          struct dlr_text *value)
{
    struct dlr_text line;

    if (head->len == 0) {
        return false;
    }
    line = take_until(head, '\n');
    *name = dlr_text_trim(take_until(&line, ':'));
    *value = dlr_text_trim(line);
    return true;
}

struct dlr_text dlf_http_query(struct dlr_text query, struct dlr_text name)
{
    while (query.len > 0) {
        struct dlr_text value = take_until(&query, '&');
        struct dlr_text key = take_until(&value, '=');

        if (dlr_text_equals(key, name)) {
            return value;
        }
    }
    return DLR_TEXT("");
}

static bool read_header(struct dlf_request *request, struct dlr_text name,
                        struct dlr_text value)
{
    uint64_t len = 0;

    if (dlr_text_equals_nocase(name, DLR_TEXT("Content-Length"))) {
        if (!dlr_number_read_uint64(value.ptr, value.len, &len) ||
            len > MAX_BODY_BYTES) {
            return false;
        }
        request->content_len = (size_t)len;
    } else if (dlr_text_equals_nocase(name, DLR_TEXT("Transfer-Encoding"))) {
        request->is_chunked = true;
    } else if (dlr_text_equals_nocase(name, DLR_TEXT("Content-Encoding"))) {
        request->is_gzipped = dlr_text_equals_nocase(value, DLR_TEXT("gzip"));
    } else if (dlr_text_equals_nocase(name, DLR_TEXT("Expect"))) {
        request->expects_continue = true;
    } else if (dlr_text_equals_nocase(name, DLR_TEXT("Connection"))) {
        request->wants_close = dlr_text_equals_nocase(value, DLR_TEXT("close"));
    } else if (dlr_text_equals_nocase(name, DLR_TEXT("X-API-Key"))) {
        request->api_key = value;
    }
    return true;
}

static bool read_head(struct dlr_text head, struct dlf_request *request)
{
    struct dlr_text line = take_until(&head, '\n');
    struct dlr_text rest;
    struct dlr_text name;
    struct dlr_text value;

    request->method = take_until(&line, ' ');
    rest = take_until(&line, ' ');
    request->path = take_until(&rest, '?');
    request->query = rest;
    request->head = head;
    if (request->path.len == 0 ||
        !dlr_text_starts_with(line, DLR_TEXT("HTTP/1."))) {
        return false;
    }
    rest = head;
    while (dlf_http_next_header(&rest, &name, &value)) {
        if (!read_header(request, name, value)) {
            return false;
        }
    }
    return true;
}

/* Length in hexadecimal; false for anything else. */
static bool read_chunk_len(struct dlr_text line, size_t *len)
{
    *len = 0;
    line = dlr_text_trim(line);
    for (size_t i = 0; i < line.len && line.ptr[i] != ';'; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = memchr(digits, line.ptr[i], 32);

        if (digit == NULL || *len > MAX_BODY_BYTES) {
            return false;
        }
        *len = *len * 16 + (size_t)(digit - digits) % 16;
    }
    return line.len > 0;
}

/* Walks over the chunks at `rest`, and when `to` is given moves them together
 * there. The trailer must be empty, as it always is from our kind of client. */
static enum dlf_reading walk_chunks(struct dlr_text rest, char *to,
                                    struct dlf_request *request)
{
    size_t whole = rest.len;
    size_t len = 0;

    request->content_len = 0;
    for (;;) {
        struct dlr_text line;

        if (rest.len == 0 || memchr(rest.ptr, '\n', rest.len) == NULL) {
            return DLF_READ_MORE;
        }
        line = take_until(&rest, '\n');
        if (!read_chunk_len(line, &len) ||
            request->content_len + len > MAX_BODY_BYTES) {
            return DLF_READ_BROKEN;
        }
        if (rest.len < len + 2) {
            return DLF_READ_MORE;
        }
        if (to != NULL) {
            memmove(to + request->content_len, rest.ptr, len);
        }
        request->content_len += len;
        rest.ptr += len + 2;
        rest.len -= len + 2;
        if (len == 0) {
            request->total_bytes += whole - rest.len;
            return DLF_READ_READY;
        }
    }
}

static enum dlf_reading read_chunked(struct dlr_buf *in, size_t body_at,
                                     struct dlf_request *request)
{
    struct dlr_text rest = dlr_text_n(in->ptr + body_at, in->len - body_at);
    struct dlf_request ignored = *request;
    enum dlf_reading reading = walk_chunks(rest, NULL, &ignored);

    if (reading != DLF_READ_READY) {
        return reading;
    }
    /* The lengths are read before the bytes move over them. */
    (void)walk_chunks(rest, in->ptr + body_at, request);
    request->body = dlr_text_n(in->ptr + body_at, request->content_len);
    return DLF_READ_READY;
}

enum dlf_reading dlf_http_read(struct dlr_buf *in, struct dlf_request *request)
{
    const char *end =
        in->len < 4 ? NULL : memmem(in->ptr, in->len, "\r\n\r\n", 4);
    size_t body_at;

    memset(request, 0, sizeof *request);
    if (end == NULL) {
        return in->len > 65536 ? DLF_READ_BROKEN : DLF_READ_MORE;
    }
    body_at = (size_t)(end - in->ptr) + 4;
    request->total_bytes = body_at;
    if (!read_head(dlr_text_n(in->ptr, body_at - 4), request)) {
        return DLF_READ_BROKEN;
    }
    if (request->is_chunked) {
        return read_chunked(in, body_at, request);
    }
    if (in->len - body_at < request->content_len) {
        return DLF_READ_MORE;
    }
    request->body = dlr_text_n(in->ptr + body_at, request->content_len);
    request->total_bytes += request->content_len;
    return DLF_READ_READY;
}
