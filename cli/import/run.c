/* SPDX-License-Identifier: MIT */
/*
 * Run: from the files to the mapper; see run.h.
 *
 * DESIGN
 * Reading and mapping happen on this thread, delivery on the library's. Their
 * only meeting place is the queue: when it is full the recording call waits, so
 * memory stays constant and nothing is dropped to make room.
 */
#include "import/run.h"

#include "base/json_check.h"
#include "nearest.h"
#include "say.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>

/* A clock is asked once in so many records; at 400,000 a second that is about
 * every 0.6 ms. */
#define RECORDS_PER_TICK 256

static void worsen(struct cli_import *import, int code)
{
    if (code > import->code) {
        import->code = code;
    }
}

const char *cli_import_file_name(const struct cli_import *import)
{
    return import->input == NULL || strcmp(import->input->path, "-") == 0
               ? "stdin"
               : import->input->path;
}

/* Reads the header if the file is CSV. False after saying what is wrong. */
static bool begin_file(struct cli_import *import, struct cli_input *input,
                       struct cli_reader *reader)
{
    struct cli_raw raw;
    const char *reason;

    import->record.is_csv = false;
    if (!cli_reader_begin(reader, input, import->format)) {
        if (input->failed) {
            worsen(import,
                   cli_fail(CLI_EXIT_LOCAL, "%s %s",
                            cli_import_file_name(import), input->message));
        }
        return false; /* an empty file is no fault */
    }
    if (import->delimiter != '\0') {
        reader->delimiter = import->delimiter;
    }
    if (reader->format != CLI_FORMAT_CSV) {
        return true;
    }
    import->record.is_csv = true;
    if (cli_reader_next(reader, &raw) == CLI_READ_END) {
        return false;
    }
    reason = raw.reason;
    cli_csv_clear(&import->csv);
    if (reason == NULL &&
        cli_csv_begin(&import->csv, raw.bytes, reader->delimiter, &reason)) {
        return true;
    }
    worsen(import,
           cli_fail_try(CLI_EXIT_LOCAL, "datalyr help import",
                        "%s:%" PRIu64 ": %s", cli_import_file_name(import),
                        raw.line, reason));
    return false;
}

static bool has_column(const struct cli_csv *csv, struct dlr_text key)
{
    for (size_t i = 0; i < csv->count; i++) {
        if (dlr_text_equals(csv->keys[i], key)) {
            return true;
        }
    }
    return false;
}

/* Appends the spec with the missing name replaced by the nearest column. */
static void put_cure(const struct cli_import *import, const struct cli_map *map,
                     struct dlr_text missing, struct dlr_text nearest,
                     struct dlr_buf *out)
{
    struct cli_patch patch = {0, 0, NULL};
    struct dlr_buf spec;
    struct dlr_buf word;
    const char *at = strchr(map->spec, '=') + 1;

    dlr_buf_init(&spec, 16384);
    dlr_buf_init(&word, 65536);
    while (strncmp(at, missing.ptr, missing.len) != 0 && *at != '\0') {
        at++;
    }
    dlr_buf_append(&spec, map->spec, (size_t)(at - map->spec));
    dlr_buf_append_text(&spec, nearest);
    dlr_buf_append_string(&spec, *at == '\0' ? "" : at + missing.len);
    dlr_buf_append_string(&word, "--map ");
    if (dlr_buf_terminate(&spec) != NULL) {
        cli_put_quoted(&word, spec.ptr);
    }
    patch.instead = dlr_buf_terminate(&word);
    for (size_t i = 0; i < import->args->given_count; i++) {
        if (import->args->given[i].value == map->spec) {
            patch = cli_patch_given(import->args, &import->args->given[i],
                                    patch.instead);
        }
    }
    cli_args_put_again(import->args, patch, out);
    dlr_buf_clear(&spec);
    dlr_buf_clear(&word);
}

static void refuse_column(struct cli_import *import, const struct cli_map *map,
                          struct dlr_text missing)
{
    struct cli_nearest nearest = {.wanted = missing};
    struct dlr_buf again;

    for (size_t i = 0; i < import->csv.count; i++) {
        struct dlr_text key = import->csv.keys[i];

        cli_nearest_offer(&nearest, dlr_text_n(key.ptr + 1, key.len - 2));
    }
    dlr_buf_init(&again, CLI_LINE_MAX);
    if (nearest.best.len > 0) {
        put_cure(import, map, missing, nearest.best, &again);
    } else {
        dlr_buf_append_string(&again, "head -1 ");
        cli_put_quoted(&again, import->input->path);
    }
    worsen(import, cli_fail_try(CLI_EXIT_USAGE, dlr_buf_terminate(&again),
                                "--map %s: %s has no column %.*s%s%.*s%s",
                                map->spec, cli_import_file_name(import),
                                (int)missing.len, missing.ptr,
                                nearest.best.len == 0 ? "" : ": did you mean ",
                                (int)nearest.best.len, nearest.best.ptr,
                                nearest.best.len == 0 ? "" : "?"));
    dlr_buf_clear(&again);
}

/* Whether all columns of a choice are in the header; else the missing one. */
static bool is_complete(const struct cli_csv *csv,
                        const struct cli_choice *choice,
                        struct dlr_text *missing)
{
    for (size_t i = 0; i < choice->factor_count; i++) {
        const struct cli_factor *factor = &choice->factors[i];

        if (!factor->is_number && !has_column(csv, factor->key)) {
            *missing = factor->name;
            return false;
        }
    }
    return true;
}

/* Each map needs one choice at least whose columns are there: files of one
 * import may have different headers, which is what `a|b` is for. */
static bool check_columns(struct cli_import *import)
{
    for (size_t i = 0; i < import->mapper.maps.count; i++) {
        const struct cli_map *map = &import->mapper.maps.items[i];
        struct dlr_text missing = {NULL, 0};
        bool is_good = false;

        for (size_t j = 0; j < map->choice_count && !is_good; j++) {
            is_good = is_complete(&import->csv, &map->choices[j], &missing);
        }
        if (!is_good) {
            refuse_column(import, map, missing);
            return false;
        }
    }
    return true;
}

int cli_import_check_files(struct cli_import *import)
{
    for (size_t i = 0; i < import->file_count; i++) {
        struct cli_input input;
        struct cli_reader reader;

        if (strcmp(import->paths[i], "-") == 0) {
            continue; /* can be read only once */
        }
        import->input = &input;
        if (!cli_input_open(&input, import->paths[i])) {
            worsen(import, cli_fail(CLI_EXIT_LOCAL, "%s %s", input.path,
                                    input.message));
        } else if (begin_file(import, &input, &reader) &&
                   reader.format == CLI_FORMAT_CSV) {
            (void)check_columns(import); /* noted in `code` */
        }
        import->total_bytes += input.size_bytes;
        cli_input_close(&input);
        import->input = NULL;
        if (import->code != CLI_EXIT_OK) {
            break;
        }
    }
    return import->code;
}

/* One event of a record. False: stop reading. */
static bool run_item(struct cli_import *import, const struct cli_raw *raw,
                     bool ends_record)
{
    dlr_buf_rewind(&import->problem, 0);
    if (cli_mapper_run(&import->mapper, &import->record, &import->event,
                       &import->problem)) {
        return cli_import_deliver(import, raw, ends_record);
    }
    cli_import_reject(import, raw);
    return !import->must_stop;
}

static void run_items(struct cli_import *import, const struct cli_raw *raw)
{
    enum cli_item item;

    while ((item = cli_each_next(&import->each, &import->record)) !=
           CLI_ITEM_END) {
        if (item == CLI_ITEM_BAD) {
            dlr_buf_rewind(&import->problem, 0);
            dlr_buf_printf(&import->problem,
                           "item %" PRIu32 " of --each is no object",
                           import->record.item);
            cli_import_reject(import, raw);
        } else if (!run_item(import, raw, false)) {
            return;
        }
    }
}

static void run_json(struct cli_import *import, const struct cli_raw *raw)
{
    struct dlr_json_error wrong = {0};
    bool has_steps = import->each.step_count > 0;
    bool is_read =
        has_steps ? dlr_json_check_object(raw->bytes, DLR_JSON_DEPTH, &wrong)
                  : cli_record_read(&import->record, &wrong);

    if (is_read && has_steps) {
        cli_each_begin(&import->each, &import->record,
                       dlr_json_root(raw->bytes));
        run_items(import, raw);
    } else if (is_read) {
        (void)run_item(import, raw, true); /* stop is noted */
    } else if (wrong.message != NULL) {
        dlr_buf_rewind(&import->problem, 0);
        dlr_buf_printf(&import->problem, "no JSON object: %s at byte %zu",
                       wrong.message, wrong.position + 1);
        cli_import_reject(import, raw);
    } else {
        worsen(import, cli_fail(CLI_EXIT_LOCAL, "out of memory"));
        import->must_stop = true;
    }
}

static void run_record(struct cli_import *import, const struct cli_raw *raw)
{
    struct cli_record *record = &import->record;

    record->bytes = raw->bytes;
    record->number = raw->number;
    record->item = 0;
    record->scope_count = 0;
    if (!record->is_csv) {
        run_json(import, raw);
        return;
    }
    dlr_buf_rewind(&import->problem, 0);
    if (!cli_csv_split(&import->csv, raw->bytes, record, &import->problem)) {
        cli_import_reject(import, raw);
        return;
    }
    (void)run_item(import, raw, true); /* stop is noted */
}

static void end_record(struct cli_import *import, size_t file,
                       const struct cli_raw *raw)
{
    struct cli_settled_item item = {
        .file = file,
        .record = raw->number,
        .hash = cli_settled_hash(raw->bytes),
        .ends_record = true,
    };

    if (!import->is_dry && !import->must_stop) {
        cli_settled_add_done(&import->settled, &item);
    }
}

/* Passes by what an earlier run has settled. False if the file is not the one
 * that the position was noted for. */
static bool skip_settled(struct cli_import *import, struct cli_reader *reader,
                         size_t file)
{
    const struct cli_mark *mark = &import->marks[file];
    uint64_t header = import->record.is_csv ? 1 : 0;
    struct cli_raw raw = {0};

    while (reader->count - header < mark->records && !cli_stop_is_wanted()) {
        if (cli_reader_next(reader, &raw) == CLI_READ_END) {
            return false;
        }
    }
    return mark->records == 0 || cli_stop_is_wanted() ||
           cli_settled_hash(raw.bytes) == mark->hash;
}

static void read_records(struct cli_import *import, struct cli_reader *reader,
                         size_t file)
{
    uint64_t header = import->record.is_csv ? 1 : 0;
    enum cli_read read;
    struct cli_raw raw;

    while (!import->must_stop && !cli_stop_is_wanted() &&
           (read = cli_reader_next(reader, &raw)) != CLI_READ_END) {
        raw.number -= header;
        raw.file = file;
        if (read == CLI_READ_BAD) {
            dlr_buf_rewind(&import->problem, 0);
            dlr_buf_append_string(&import->problem, raw.reason);
            cli_import_reject(import, &raw);
            end_record(import, file, &raw);
        } else {
            uint64_t before = import->event_count;

            run_record(import, &raw);
            if (import->each.step_count > 0 || import->event_count == before) {
                end_record(import, file, &raw);
            }
        }
        if (import->rate > 0 || raw.number % RECORDS_PER_TICK == 0) {
            cli_import_tick(import);
        }
    }
    cli_import_tick(import);
}

static bool open_file(struct cli_import *import, struct cli_input *input,
                      struct cli_reader *reader, size_t file)
{
    if (!cli_input_open(input, import->paths[file])) {
        worsen(import, cli_fail(CLI_EXIT_LOCAL, "%s %s",
                                cli_import_file_name(import), input->message));
        return false;
    }
    return begin_file(import, input, reader);
}

static void run_file(struct cli_import *import, size_t file)
{
    struct cli_input input;
    struct cli_reader reader;
    bool is_open;

    import->input = &input;
    is_open = open_file(import, &input, &reader, file);
    cli_ids_init(&import->mapper.ids, dlr_text_of(import->names[file]));
    if (is_open && !skip_settled(import, &reader, file)) {
        cli_note("%s is not the file that was interrupted: it is read from "
                 "the beginning, what is stored already stays single",
                 cli_import_file_name(import));
        import->marks[file] = (struct cli_mark){0};
        cli_input_close(&input);
        is_open = strcmp(input.path, "-") != 0 &&
                  open_file(import, &input, &reader, file);
    }
    cli_settled_start(&import->settled, file, &import->marks[file]);
    if (is_open && (!import->record.is_csv || check_columns(import))) {
        read_records(import, &reader, file);
        if (input.failed) {
            worsen(import, cli_fail(CLI_EXIT_LOCAL,
                                    "%s %s; %" PRIu64 " records before that "
                                    "were read",
                                    cli_import_file_name(import), input.message,
                                    reader.count));
        }
    }
    import->done_bytes += input.read_bytes;
    import->input = NULL;
    cli_input_close(&input);
}

void cli_import_run(struct cli_import *import)
{
    for (size_t i = 0; i < import->file_count && !import->must_stop; i++) {
        run_file(import, i);
    }
}
