/* SPDX-License-Identifier: MIT */
/*
 * Position: see position.h.
 *
 * FORMAT
 * {"type":"position","files":[{"name":…,"records":n,"hash":"16 hex digits"}]}.
 * Written beside itself and renamed, so that it is whole at any moment. A file
 * is known again by the hash of the last record that was done.
 */
#include "import/position.h"

#include "base/json_check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/sha256.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)16 << 20)

/* Makes the folders on the way to a file. */
static bool make_folders(char *path)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            *at = '/';
            return false;
        }
        *at = '/';
    }
    return true;
}

void cli_position_init(struct cli_position *position, const char *path,
                       struct dlr_text identity)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char hash[DLR_SHA256_HEX_CAP];

    position->path[0] = '\0';
    if (path != NULL) {
        (void)snprintf(position->path, sizeof position->path, "%s", path);
        return;
    }
    dlr_sha256_hex(identity.ptr, identity.len, hash);
    if (state != NULL && state[0] == '/') {
        (void)snprintf(position->path, sizeof position->path,
                       "%s/datalyr/import-%.16s.json", state, hash);
    } else if (home != NULL && home[0] == '/') {
        (void)snprintf(position->path, sizeof position->path,
                       "%s/.local/state/datalyr/import-%.16s.json", home, hash);
    }
    if (position->path[0] != '\0' && !make_folders(position->path)) {
        position->path[0] = '\0';
    }
}

static bool read_all(const char *path, struct dlr_buf *text)
{
    FILE *file = fopen(path, "r");
    size_t got;

    if (file == NULL) {
        return false;
    }
    do {
        char *room = dlr_buf_reserve(text, 4096);

        got = room == NULL ? 0 : fread(room, 1, 4096, file);
        text->len += got;
    } while (got > 0);
    (void)fclose(file); /* only read from */
    return !text->failed;
}

static bool read_hash(struct dlr_json_value value, uint64_t *hash)
{
    struct dlr_text text;
    char digits[17] = "";
    char *end = NULL;

    if (!dlr_json_plain_text(value, &text) || text.len != 16) {
        return false;
    }
    memcpy(digits, text.ptr, 16);
    *hash = strtoull(digits, &end, 16);
    return *end == '\0';
}

static void take_file(const struct cli_position *position,
                      struct dlr_json_value file, struct cli_mark *marks)
{
    struct dlr_json_value name = dlr_json_get(file, DLR_TEXT("name"));
    int64_t records;
    uint64_t hash;

    if (!dlr_json_to_int64(dlr_json_get(file, DLR_TEXT("records")), &records) ||
        records < 0 ||
        !read_hash(dlr_json_get(file, DLR_TEXT("hash")), &hash)) {
        return;
    }
    for (size_t i = 0; i < position->file_count; i++) {
        if (dlr_json_string_equals(name, dlr_text_of(position->names[i]))) {
            marks[i] = (struct cli_mark){(uint64_t)records, hash};
        }
    }
}

bool cli_position_read(const struct cli_position *position,
                       struct cli_mark *marks)
{
    struct dlr_buf text;
    struct dlr_json_iter iter;
    struct dlr_json_value file;
    bool is_read;

    if (position->path[0] == '\0') {
        return false;
    }
    dlr_buf_init(&text, FILE_MAX_BYTES);
    is_read = read_all(position->path, &text) &&
              dlr_json_check_object(dlr_buf_text(&text), DLR_JSON_DEPTH, NULL);
    if (is_read) {
        iter = dlr_json_iterate(dlr_json_get(dlr_json_root(dlr_buf_text(&text)),
                                             DLR_TEXT("files")));
        while (dlr_json_next_element(&iter, &file)) {
            take_file(position, file, marks);
        }
    }
    dlr_buf_clear(&text);
    return is_read;
}

static void put_marks(const struct cli_position *position,
                      const struct cli_mark *marks, struct dlr_buf *out)
{
    dlr_buf_append_string(out, "{\"type\":\"position\",\"files\":[");
    for (size_t i = 0; i < position->file_count; i++) {
        dlr_buf_append_string(out, i == 0 ? "\n{\"name\":" : ",\n{\"name\":");
        if (!dlr_json_put_text(out, position->names[i],
                               strlen(position->names[i]))) {
            dlr_buf_append_string(out, "null"); /* a name that is no UTF-8 */
        }
        dlr_buf_printf(out,
                       ",\"records\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\"}",
                       marks[i].records, marks[i].hash);
    }
    dlr_buf_append_string(out, "\n]}\n");
}

static bool write_whole(const char *path, struct dlr_text text)
{
    FILE *file = fopen(path, "w");
    bool is_written;

    if (file == NULL) {
        return false;
    }
    is_written = fwrite(text.ptr, 1, text.len, file) == text.len;
    return fclose(file) == 0 && is_written;
}

bool cli_position_write(struct cli_position *position,
                        const struct cli_mark *marks)
{
    char beside[sizeof position->path + 32];
    struct dlr_buf text;
    bool is_written;

    if (position->path[0] == '\0') {
        return false;
    }
    (void)snprintf(beside, sizeof beside, "%s.%ld", position->path,
                   (long)getpid());
    dlr_buf_init(&text, FILE_MAX_BYTES);
    put_marks(position, marks, &text);
    is_written = !text.failed && write_whole(beside, dlr_buf_text(&text)) &&
                 rename(beside, position->path) == 0;
    if (!is_written) {
        position->error = errno;
        (void)remove(beside); /* may not even be there */
    }
    dlr_buf_clear(&text);
    return is_written;
}

void cli_position_remove(const struct cli_position *position)
{
    if (position->path[0] != '\0') {
        (void)remove(position->path); /* there may be none */
    }
}
