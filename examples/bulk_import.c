/* SPDX-License-Identifier: MIT */
/*
 * Bulk import: history, at the speed of the server and in constant memory.
 *
 *   bulk_import EVENTS.ndjson
 *
 * A line is {"userId":…,"eventName":…,"properties":{…},"timestamp":…}. For
 * files in a usual form `datalyr import` does this and more; a program of your
 * own is for a database, or for a form that only you have.
 *
 * What makes it safe for millions of lines: overflow = block (reading waits
 * when the queue is full), an event id for every line (a second run, or a run
 * that is broken off and started again, stores nothing twice), and a look at
 * the ledger at the end.
 */
#include "ledger_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

struct import {
    datalyr_client *client;
    const char *name; /* of the file */
    unsigned long line_number;
};

/* One line as the JSON that datalyr_track_json() takes. Numbers are copied
 * digit for digit, because nothing reads them as numbers on the way. */
static char *translate(const struct import *import, yyjson_val *line,
                       size_t *len)
{
    static const char *const names[][2] = {{"userId", "userId"},
                                           {"eventName", "event"},
                                           {"properties", "properties"},
                                           {"timestamp", "timestamp"}};
    yyjson_mut_doc *made = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *event = yyjson_mut_obj(made);
    char event_id[300];
    char *text;

    (void)snprintf(event_id, sizeof event_id, "import-%.200s-%lu", import->name,
                   import->line_number);
    (void)yyjson_mut_obj_add_strcpy(made, event, "eventId", event_id);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        yyjson_val *value = yyjson_obj_get(line, names[i][0]);

        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(made, event, names[i][1],
                                         yyjson_val_mut_copy(made, value));
        }
    }
    text = yyjson_mut_val_write(event, YYJSON_WRITE_NOFLAG, len);
    yyjson_mut_doc_free(made);
    return text; /* NULL when any of these had no memory */
}

/* False when it makes no sense to go on. */
static bool import_line(struct import *import, const char *line, size_t len)
{
    yyjson_doc *document = yyjson_read(line, len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(document);
    datalyr_status status = DATALYR_INVALID;
    datalyr_error error = {.message = "not a JSON object"};
    size_t text_len = 0;
    char *text = NULL;

    import->line_number++;
    if (yyjson_is_obj(root)) {
        text = translate(import, root, &text_len);
    }
    if (text != NULL) {
        status = datalyr_track_json(import->client, text, text_len, &error);
    }
    if (status != DATALYR_OK) {
        fprintf(stderr, "bulk_import: %s:%lu: %s\n", import->name,
                import->line_number, error.message);
    }
    free(text);
    yyjson_doc_free(document);
    /* A bad line is one line. A queue that stayed full is the server. */
    return status == DATALYR_OK || status == DATALYR_INVALID ||
           status == DATALYR_TOO_LARGE;
}

static bool import_all(struct import *import, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool goes_on = true;

    while (goes_on && (len = getline(&line, &capacity, file)) > 0) {
        goes_on = import_line(import, line, (size_t)len);
    }
    free(line);
    return goes_on && ferror(file) == 0;
}

static int run(FILE *file, const char *name)
{
    datalyr_config config = {
        DATALYR_CONFIG_INIT,
        .flush_at = 100,         /* larger batches */
        .max_queue_size = 10000, /* more in hand while a request is going */
        .overflow = DATALYR_BLOCK,
    };
    struct import import = {.name = name};
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    bool is_complete;

    if (datalyr_open(&config, &import.client, &error) != DATALYR_OK) {
        fprintf(stderr, "bulk_import: %s\n", error.message);
        return EXIT_FAILURE;
    }
    is_complete = import_all(&import, file);
    (void)datalyr_close_within(&import.client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return is_complete && last.delivered == last.calls ? EXIT_SUCCESS
                                                       : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *slash;
    FILE *file;
    int result;

    if (argc != 2) {
        fputs("usage: bulk_import EVENTS.ndjson\n", stderr);
        return 2;
    }
    file = fopen(argv[1], "r");
    if (file == NULL) {
        fprintf(stderr, "bulk_import: %s: %s\n", argv[1], strerror(errno));
        return EXIT_FAILURE;
    }
    slash = strrchr(argv[1], '/');
    result = run(file, slash == NULL ? argv[1] : slash + 1);
    (void)fclose(file); /* was only read */
    return result;
}
