/* SPDX-License-Identifier: MIT */
/*
 * Log: each request as one line of JSON in a file, written before the answer
 * leaves, so that a client which has its answer finds its request there.
 */
#include "log.h"

#include "base/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#define MAX_LINE_BYTES ((size_t)512 << 20)

/* Text that may be anything: what is not UTF-8 becomes an empty string. */
static void put_text(struct dlr_buf *out, struct dlr_text text)
{
    if (!dlr_json_put_text(out, text.ptr, text.len)) {
        dlr_buf_append_string(out, "\"\"");
    }
}

static void put_headers(struct dlr_buf *out, struct dlr_text head)
{
    struct dlr_text name;
    struct dlr_text value;
    const char *comma = "";

    while (dlf_http_next_header(&head, &name, &value)) {
        dlr_buf_append_string(out, comma);
        put_text(out, name);
        dlr_buf_append_char(out, ':');
        put_text(out, value);
        comma = ",";
    }
}

static void write_all(int fd, struct dlr_text text)
{
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* a full disk must not stop the server */
        }
        text.ptr += written;
        text.len -= (size_t)written;
    }
}

void dlf_log_request(const struct dlf_connection *connection,
                     const struct dlf_request *request, struct dlr_text body)
{
    const struct dlf_server *server = connection->server;
    struct dlr_buf line;

    if (server->log_fd < 0) {
        return;
    }
    dlr_buf_init(&line, MAX_LINE_BYTES);
    dlr_buf_printf(&line,
                   "{\"request\":%" PRIu64 ",\"at_ms\":%" PRId64
                   ",\"status\":%u,\"method\":",
                   server->ledger.counts.requests,
                   server->now_ms - server->ledger.start_ms,
                   (unsigned)connection->status);
    put_text(&line, request->method);
    dlr_buf_append_string(&line, ",\"path\":");
    put_text(&line, request->path);
    dlr_buf_append_string(&line, ",\"headers\":{");
    put_headers(&line, request->head);
    dlr_buf_append_string(&line, "},\"body\":");
    put_text(&line, body);
    dlr_buf_append_string(&line, "}\n");
    write_all(server->log_fd, dlr_buf_text(&line));
    dlr_buf_clear(&line);
}
