/* SPDX-License-Identifier: MIT */
/*
 * Reply: the answers that every route gives in the same form.
 */
#include "base/json_write.h"
#include "http/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_BODY_MAX 8192

void dld_reply_header(struct dld_request *request, const char *name,
                      const char *format, ...)
{
    struct dld_reply *reply = &request->reply;
    va_list args;
    int len;

    if (reply->header_count == DLD_REPLY_HEADERS) {
        return;
    }
    va_start(args, format);
    len = vsnprintf(reply->headers[reply->header_count].value,
                    DLD_REPLY_HEADER_CAP, format, args);
    va_end(args);
    /* A value that was cut would be another value. */
    if (len >= 0 && len < DLD_REPLY_HEADER_CAP) {
        reply->headers[reply->header_count].name = name;
        reply->header_count++;
    }
}

void dld_reply_json(struct dld_request *request, int status,
                    struct dlr_buf *body)
{
    struct dld_reply *reply = &request->reply;

    if (body->failed) {
        dlr_buf_clear(body);
        dld_reply_error(request, 503, "the answer does not fit into memory",
                        "ask for less: limit=100", "limit");
        return;
    }
    dlr_buf_clear(&reply->body);
    reply->status = status;
    reply->content_type = "application/json";
    reply->body = *body;
    memset(body, 0, sizeof *body);
}

static void put_member(struct dlr_buf *body, const char *name,
                       const char *value)
{
    if (value == NULL) {
        return;
    }
    dlr_buf_append_char(body, ',');
    (void)dlr_json_put_key(body, name, strlen(name));
    if (!dlr_json_put_text(body, value, strlen(value))) {
        dlr_buf_append_string(body, "\"\"");
    }
}

void dld_reply_error(struct dld_request *request, int status, const char *error,
                     const char *hint, const char *field)
{
    struct dlr_buf body;

    dlr_buf_init(&body, ERROR_BODY_MAX);
    dlr_buf_append_string(&body, "{\"success\":false");
    put_member(&body, "error", error);
    put_member(&body, "hint", hint);
    put_member(&body, "field", field);
    dlr_buf_append_char(&body, '}');
    if (body.failed) {
        dlr_buf_clear(&body);
        dld_reply_constant(request, status, "application/json",
                           "{\"success\":false}", 17);
        return;
    }
    dld_reply_json(request, status, &body);
    if (status == 503 || status == 429) {
        dld_reply_header(request, "Retry-After", "1");
    }
}

void dld_reply_constant(struct dld_request *request, int status,
                        const char *content_type, const void *bytes, size_t len)
{
    dlr_buf_clear(&request->reply.body);
    request->reply.status = status;
    request->reply.content_type = content_type;
    request->reply.constant = bytes;
    request->reply.constant_len = len;
}
