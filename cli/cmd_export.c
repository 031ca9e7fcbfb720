/* SPDX-License-Identifier: MIT */
/*
 * Export: `datalyr export`, stored events as NDJSON in the form that import
 * reads back under the same event ids. What the collector added for itself
 * (receivedAt, cursor) stays behind, so that exporting again what was imported
 * elsewhere gives the same lines.
 */
#include "commands.h"
#include "read/event_line.h"
#include "read/query.h"
#include "say.h"
#include "stop.h"

#include <inttypes.h>

#define PAGE_EVENTS "5000"

static bool is_collectors_own(struct dlr_json_value name)
{
    return dlr_json_string_equals(name, DLR_TEXT("receivedAt")) ||
           dlr_json_string_equals(name, DLR_TEXT("cursor"));
}

static void put_event(struct dlr_json_value event, struct dlr_buf *line)
{
    struct dlr_json_iter iter = dlr_json_iterate(event);
    struct dlr_json_value name;
    struct dlr_json_value value;

    dlr_buf_append_string(line,
                          cli_say_is_json() ? "{\"type\":\"event\"" : "{");
    while (dlr_json_next_member(&iter, &name, &value)) {
        if (is_collectors_own(name)) {
            continue;
        }
        if (line->ptr[line->len - 1] != '{') {
            dlr_buf_append_char(line, ',');
        }
        dlr_buf_append_text(line, name.text);
        dlr_buf_append_char(line, ':');
        dlr_buf_append_text(line, value.text);
    }
    dlr_buf_append_string(line, "}\n");
}

static uint64_t put_page(struct dlr_json_value answer, struct dlr_buf *line)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(answer, DLR_TEXT("events")));
    struct dlr_json_value event;
    uint64_t count = 0;

    while (dlr_json_next_element(&iter, &event)) {
        dlr_buf_rewind(line, 0);
        put_event(event, line);
        cli_out(dlr_buf_text(line));
        count++;
    }
    return count;
}

static int write_all(struct cli_fetch *fetch, struct dlr_buf *line)
{
    char cursor[64] = "";
    bool has_more = true;
    uint64_t count = 0;

    while (has_more && !cli_out_failed()) {
        struct dlr_json_value answer;
        struct dlr_text text;
        int code;

        cli_fetch_begin(fetch, "/api/v1/events");
        code = cli_query_add(fetch, cursor[0] == '\0');
        cli_fetch_add(fetch, DLR_TEXT("limit"), DLR_TEXT(PAGE_EVENTS));
        if (cursor[0] != '\0') {
            cli_fetch_add(fetch, DLR_TEXT("cursor"), dlr_text_of(cursor));
        }
        if (code != CLI_EXIT_OK) {
            return code;
        }
        if (!cli_fetch_run(fetch) || fetch->status != 200) {
            return cli_fetch_complain(fetch);
        }
        answer = dlr_json_root(dlr_buf_text(&fetch->body));
        count += put_page(answer, line);
        if (!dlr_json_to_bool(dlr_json_get(answer, DLR_TEXT("more")),
                              &has_more) ||
            !dlr_json_plain_text(dlr_json_get(answer, DLR_TEXT("cursor")),
                                 &text) ||
            text.len >= sizeof cursor) {
            return cli_fail(CLI_EXIT_UNREACHED,
                            "%s is no collector: its answer has no cursor",
                            fetch->collector);
        }
        memcpy(cursor, text.ptr, text.len);
        cursor[text.len] = '\0';
    }
    cli_note("%" PRIu64 " events, up to cursor %s", count, cursor);
    return CLI_EXIT_OK;
}

static int run(struct cli_args *args)
{
    struct cli_fetch fetch;
    struct dlr_buf line;
    int code;

    dlr_buf_init(&line, CLI_LINE_MAX);
    cli_stop_install();
    code = cli_fetch_open(&fetch, args)
               ? write_all(&fetch, &line)
               : cli_fail(CLI_EXIT_LOCAL, "out of memory");
    cli_fetch_close(&fetch);
    dlr_buf_clear(&line);
    return cli_out_finish(code);
}

static const struct cli_flag flags[] = {CLI_QUERY_FLAGS, CLI_FETCH_FLAGS};

static const struct cli_example examples[] = {
    {"datalyr export event:purchase --since 2026-01-01 > purchases.ndjson",
     "purchases of a year"},
    {"datalyr export --collector http://a:8484 | datalyr import - --source a "
     "--host http://b:8484/track",
     "from one collector to another"},
};

const struct cli_command cmd_export = {
    .name = "export",
    .usage = "[FILTER...] [FLAGS]",
    .summary = "write stored events of a collector as NDJSON",
    .about = CLI_QUERY_ABOUT " datalyr import reads the lines back under the "
                             "same event ids.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .max_arguments = CLI_ANY_NUMBER,
    .run = run,
};
