/* SPDX-License-Identifier: MIT */
/*
 * Rejects: see rejects.h.
 *
 * FORMAT
 * NDJSON. A record: {"type":"rejected","reason":…,"file":…,"line":…,
 * "original":…}, or "original_base64" where the bytes are no UTF-8. An event
 * that was given up: {"type":"dropped","reason":…,"event":{…}}, the event as it
 * was on the wire, which import reads back under the same event id.
 */
#include "import/rejects.h"

#include "base/json_write.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>

/* Six bytes for one is the worst that escaping does to a record. */
#define LINE_MAX_BYTES ((size_t)128 << 20)
#define SHOWN_MAX      10

int cli_rejects_open(struct cli_rejects *rejects, const char *path,
                     bool goes_on)
{
    *rejects = (struct cli_rejects){.path = path};
    (void)pthread_mutex_init(&rejects->lock, NULL); /* default kind: cannot */
    dlr_buf_init(&rejects->line, LINE_MAX_BYTES);
    if (path == NULL) {
        return CLI_EXIT_OK;
    }
    rejects->file = fopen(path, goes_on ? "a" : "w");
    if (rejects->file == NULL) {
        return cli_fail(CLI_EXIT_LOCAL, "--rejects %s cannot be written: %s",
                        path, strerror(errno));
    }
    return CLI_EXIT_OK;
}

static void put_base64(struct dlr_text bytes, struct dlr_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = 0;
        char four[4];

        for (size_t j = 0; j < 3; j++) {
            group = group << 8 |
                    (i + j < bytes.len ? (unsigned char)bytes.ptr[i + j] : 0U);
        }
        for (size_t j = 0; j < 4; j++) {
            four[j] =
                i + j > bytes.len ? '=' : digits[group >> (18 - 6 * j) & 63];
        }
        dlr_buf_append(out, four, sizeof four);
    }
}

static void put_original(struct dlr_text original, struct dlr_buf *out)
{
    size_t mark = out->len;

    dlr_buf_append_string(out, ",\"original\":");
    if (dlr_json_put_text(out, original.ptr, original.len)) {
        return;
    }
    dlr_buf_rewind(out, mark);
    dlr_buf_append_string(out, ",\"original_base64\":\"");
    put_base64(original, out);
    dlr_buf_append_char(out, '"');
}

/* A reason may quote bytes of the record; what is no UTF-8 is made visible. */
static void put_reason(struct dlr_text reason, struct dlr_buf *out)
{
    char shown[2048];
    struct dlr_buf text;

    if (dlr_json_put_text(out, reason.ptr, reason.len)) {
        return;
    }
    dlr_buf_init_fixed(&text, shown, sizeof shown);
    cli_put_shown(&text, reason);
    if (!dlr_json_put_text(out, text.ptr, text.len)) {
        dlr_buf_append_string(out, "\"not UTF-8\"");
    }
}

/* Writes the line and lets it reach the file: there are few, and one that is
 * lost in a buffer when the process is killed was never reported. */
static void write_line(struct cli_rejects *rejects)
{
    struct dlr_buf *line = &rejects->line;

    if (rejects->error == 0 &&
        (fwrite(line->ptr, 1, line->len, rejects->file) != line->len ||
         fflush(rejects->file) != 0)) {
        rejects->error = errno == 0 ? EIO : errno;
    }
}

static void show(struct cli_rejects *rejects, const struct cli_reject *reject)
{
    if (++rejects->shown_count <= SHOWN_MAX) {
        cli_note("%s:%" PRIu64 ": %.*s", reject->file, reject->line,
                 (int)reject->reason.len, reject->reason.ptr);
    } else if (rejects->shown_count == SHOWN_MAX + 1) {
        cli_note("further rejected records are only counted; --rejects FILE "
                 "keeps them all");
    }
}

bool cli_rejects_add(struct cli_rejects *rejects,
                     const struct cli_reject *reject)
{
    struct dlr_buf *line = &rejects->line;
    bool is_good;

    pthread_mutex_lock(&rejects->lock);
    rejects->count++;
    dlr_buf_rewind(line, 0);
    dlr_buf_append_string(line, "{\"type\":\"rejected\",\"reason\":");
    put_reason(reject->reason, line);
    dlr_buf_append_string(line, ",\"file\":");
    put_reason(dlr_text_of(reject->file), line);
    dlr_buf_printf(line, ",\"line\":%" PRIu64, reject->line);
    if (rejects->file != NULL) {
        put_original(reject->original, line);
    }
    dlr_buf_append_string(line, "}\n");
    if (rejects->file != NULL) {
        write_line(rejects);
    } else if (cli_say_is_json()) {
        cli_out(dlr_buf_text(line));
    }
    is_good = rejects->error == 0;
    pthread_mutex_unlock(&rejects->lock);
    if (rejects->file == NULL) {
        show(rejects, reject);
    }
    return is_good;
}

void cli_rejects_add_dropped(struct cli_rejects *rejects, const char *reason,
                             struct dlr_text json)
{
    struct dlr_buf *line = &rejects->line;

    if (rejects->file == NULL) {
        return;
    }
    pthread_mutex_lock(&rejects->lock);
    dlr_buf_rewind(line, 0);
    dlr_buf_printf(
        line, "{\"type\":\"dropped\",\"reason\":\"%s\",\"event\":", reason);
    dlr_buf_append_text(line, json);
    dlr_buf_append_string(line, "}\n");
    write_line(rejects);
    pthread_mutex_unlock(&rejects->lock);
}

bool cli_rejects_failed(struct cli_rejects *rejects)
{
    bool failed;

    pthread_mutex_lock(&rejects->lock);
    failed = rejects->error != 0;
    pthread_mutex_unlock(&rejects->lock);
    return failed;
}

int cli_rejects_close(struct cli_rejects *rejects)
{
    int code = CLI_EXIT_OK;

    if (rejects->file != NULL && fclose(rejects->file) != 0 &&
        rejects->error == 0) {
        rejects->error = errno;
    }
    rejects->file = NULL;
    if (rejects->error != 0) {
        code = cli_fail_try(CLI_EXIT_LOCAL, "df -h .",
                            "--rejects %s cannot be written: %s", rejects->path,
                            strerror(rejects->error));
    }
    dlr_buf_clear(&rejects->line);
    return code;
}
