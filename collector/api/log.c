/* SPDX-License-Identifier: MIT */
/*
 * Log: bodies, queries and keys never get here; the path is a foreign text and
 * is escaped. Who was asked for is a hash, also when somebody is forgotten: the
 * log would remember what the store must not. `printf %s ID | sha256sum` finds
 * the lines of an id that is known.
 */
#include "api/log.h"

#include "api/render.h"
#include "base/escape.h"
#include "base/mem.h"
#include "ingest/keys.h"
#include "os/clock.h"
#include "os/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX       4096
#define PATH_MAX_SHOWN 1024

struct dld_log {
    FILE *file;
    bool is_own;
    struct dlr_mutex lock;
};

datalyr_status dld_log_open(const char *path, struct dld_log **out,
                            datalyr_error *error)
{
    struct dld_log *log = dlr_calloc(1, sizeof *log);

    *out = NULL;
    if (log == NULL || dlr_mutex_init(&log->lock) != 0) {
        dlr_free(log);
        return DATALYR_NOMEM;
    }
    log->is_own = strcmp(path, "-") != 0;
    log->file = log->is_own ? fopen(path, "ae") : stderr;
    if (log->file == NULL) {
        (void)snprintf(error->message, sizeof error->message,
                       "cannot write the log %.100s: %s", path,
                       strerror(errno));
        dlr_mutex_clear(&log->lock);
        dlr_free(log);
        return DATALYR_IO;
    }
    *out = log;
    return DATALYR_OK;
}

void dld_log_close(struct dld_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->is_own) {
        (void)fclose(log->file);
    }
    dlr_mutex_clear(&log->lock);
    dlr_free(log);
}

static void begin(struct dlr_buf *line, char *storage, const char *type)
{
    dlr_buf_init_fixed(line, storage, LINE_MAX);
    dlr_buf_append_char(line, '{');
    dld_render_time(line, "time", dlr_clock_realtime_ms());
    dld_render_text(line, "type", dlr_text_of(type));
}

/* A line is written in one piece, or not at all. */
static void end(struct dld_log *log, struct dlr_buf *line)
{
    dlr_buf_append_string(line, "}\n");
    if (line->failed) {
        return;
    }
    dlr_mutex_lock(&log->lock);
    (void)fwrite(line->ptr, 1, line->len, log->file);
    (void)fflush(log->file);
    dlr_mutex_unlock(&log->lock);
}

/* A user id or anonymous id in a path of ours. */
static bool is_id(const struct dld_target *target, size_t i)
{
    return i == 3 && dlr_text_equals(target->segments[0], DLR_TEXT("api")) &&
           (dlr_text_equals(target->segments[2], DLR_TEXT("users")) ||
            dlr_text_equals(target->segments[2], DLR_TEXT("anonymous")));
}

static void put_hash(struct dlr_buf *out, struct dlr_text id)
{
    uint8_t hash[DLD_KEY_HASH_BYTES];

    dld_keys_hash(id, hash);
    dlr_buf_append_string(out, "sha256:");
    for (size_t i = 0; i < sizeof hash; i++) {
        dlr_buf_printf(out, "%02x", hash[i]);
    }
}

/* The path, escaped. */
static void put_path(const struct dld_target *target, char *path, size_t cap)
{
    const char *raw = target->raw == NULL ? "" : target->raw;
    struct dlr_buf out;

    if (target->segment_count < 4 || !is_id(target, 3)) {
        (void)dlr_escape_copy(dlr_text_n(raw, strcspn(raw, "?")), path, cap);
        return;
    }
    dlr_buf_init_fixed(&out, path, cap - 1);
    for (size_t i = 0; i < target->segment_count && !out.failed; i++) {
        dlr_buf_append_char(&out, '/');
        if (is_id(target, i)) {
            put_hash(&out, target->segments[i]);
        } else {
            char part[128];

            (void)dlr_escape_copy(target->segments[i], part, sizeof part);
            dlr_buf_append_string(&out, part);
        }
    }
    path[out.len] = '\0';
}

void dld_log_request(struct dld_log *log, const struct dld_request *request,
                     bool is_sent)
{
    char storage[LINE_MAX];
    char path[PATH_MAX_SHOWN];
    struct dlr_buf line;
    int64_t took_ns = dlr_clock_monotonic_ns() - request->started_ns;

    if (log == NULL) {
        return;
    }
    put_path(&request->target, path, sizeof path);
    begin(&line, storage, "request");
    dld_render_text(&line, "method", dlr_text_of(request->method_name));
    dld_render_text(&line, "path", dlr_text_of(path));
    dld_render_number(&line, "status", (uint64_t)request->reply.status);
    dld_render_number(&line, "bytes", request->body_bytes);
    dld_render_number(&line, "events", request->events);
    dld_render_number(&line, "us", (uint64_t)took_ns / 1000);
    if (request->client[0] != '\0') {
        dld_render_text(&line, "client", dlr_text_of(request->client));
    }
    if (request->key_label[0] != '\0') {
        dld_render_text(&line, "key", dlr_text_of(request->key_label));
    }
    if (!is_sent) {
        dld_render_bool(&line, "sent", false);
    }
    end(log, &line);
}

void dld_log_failure(void *self, const datalyr_error *error)
{
    struct dld_log *log = self;
    char storage[LINE_MAX];
    char message[512];
    struct dlr_buf line;

    if (log == NULL) {
        return;
    }
    (void)dlr_escape_copy(dlr_text_of(error->message), message, sizeof message);
    begin(&line, storage, "error");
    dld_render_text(&line, "error", dlr_text_of(message));
    end(log, &line);
}
