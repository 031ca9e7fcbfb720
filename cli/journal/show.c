/* SPDX-License-Identifier: MIT */
/*
 * Show and export: the pending events of a directory, as lines for people or
 * as the NDJSON that `datalyr import` takes back with the same ids.
 */
#include "base/json_read.h"
#include "base/time.h"
#include "journal/journal.h"
#include "say.h"

#include <inttypes.h>

struct printing {
    int dir;
    bool is_export;
    uint64_t count;
    uint64_t alive; /* owners that live: their events may be on their way */
    int code;
};

static void put_member(struct dlr_buf *line, struct dlr_text json,
                       struct dlr_text name, const char *label)
{
    struct dlr_json_value value = dlr_json_get(dlr_json_root(json), name);
    struct dlr_buf text;

    if (value.type != DLR_JSON_STRING) {
        return;
    }
    dlr_buf_init(&text, CLI_LINE_MAX);
    if (dlr_json_decode(value, &text)) {
        dlr_buf_append_string(line, label);
        cli_put_shown(line, dlr_buf_text(&text));
    }
    dlr_buf_clear(&text);
}

static void put_for_people(struct dlr_buf *line, struct dlr_text json,
                           int64_t accepted_ms)
{
    char time[DLR_TIME_TEXT_CAP];

    if (dlr_time_format_iso(accepted_ms, time)) {
        dlr_buf_append_string(line, time);
    }
    put_member(line, json, DLR_TEXT("event"), "  ");
    put_member(line, json, DLR_TEXT("userId"), "  user ");
    put_member(line, json, DLR_TEXT("anonymousId"), "  anonymous ");
    put_member(line, json, DLR_TEXT("eventId"), "  id ");
}

static bool print_event(void *self, struct dlr_text json, int64_t accepted_ms)
{
    struct printing *printing = self;
    struct dlr_buf line;

    dlr_buf_init(&line, CLI_LINE_MAX);
    if (printing->is_export) {
        dlr_buf_append_text(&line, json);
    } else if (cli_say_is_json()) {
        dlr_buf_append_string(&line, "{\"type\":\"event\",\"event\":");
        dlr_buf_append_text(&line, json);
        dlr_buf_append_char(&line, '}');
    } else {
        put_for_people(&line, json, accepted_ms);
    }
    dlr_buf_append_char(&line, '\n');
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
    printing->count += 1;
    return !cli_out_failed();
}

static bool print_owner(void *self, const struct cli_journal *journal)
{
    struct printing *printing = self;

    printing->alive += journal->is_alive ? 1 : 0;
    if (!journal->is_readable) {
        cli_note("note: %s is of another version of libdatalyr: left out",
                 journal->owner);
        return true;
    }
    printing->code =
        cli_journal_walk(printing->dir, journal->owner, print_event, printing);
    return printing->code == CLI_EXIT_OK && !cli_out_failed();
}

static int print_all(int dir, bool is_export)
{
    struct printing printing = {.dir = dir, .is_export = is_export};
    int code = cli_journal_each(dir, print_owner, &printing);

    if (printing.alive > 0) {
        cli_note("note: %" PRIu64 " of the owners are alive: what they hold "
                 "may be on its way",
                 printing.alive);
    }
    cli_note("%" PRIu64 " pending events", printing.count);
    return cli_out_finish(code == CLI_EXIT_OK ? printing.code : code);
}

int cli_journal_show(struct cli_args *args, int dir)
{
    (void)args;
    return print_all(dir, false);
}

int cli_journal_export(struct cli_args *args, int dir)
{
    (void)args;
    return print_all(dir, true);
}
