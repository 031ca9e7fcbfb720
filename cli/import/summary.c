/* SPDX-License-Identifier: MIT */
/*
 * Summary: see summary.h.
 *
 * DESIGN
 * The ledger line is the result, so it is the last line and goes to stdout;
 * what explains it goes to stderr before it. In a dry run stdout belongs to the
 * events, and the line goes to stderr.
 */
#include "import/summary.h"

#include "say.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* After Ctrl-C: long enough for what is on the wire to be answered. */
#define INTERRUPTED_WAIT_MS 3000
#define WAIT_SLICE_MS       250

void cli_summary_note_settled(void *self,
                              const struct cli_settlement *settlement)
{
    struct cli_import *import = self;

    if (settlement->events == NULL) {
        cli_settled_freeze(&import->settled);
        return;
    }
    for (size_t i = 0; i < settlement->count; i++) {
        const datalyr_record *event = &settlement->events[i];

        cli_settled_note(&import->settled, event->event_id,
                         settlement->is_final);
        if (!settlement->is_delivered) {
            cli_rejects_add_dropped(&import->rejects, settlement->reason,
                                    dlr_text_n(event->json, event->json_len));
        }
    }
}

/* Waits in slices so that progress and position go on meanwhile. */
static void wait_for_rest(struct cli_import *import)
{
    int64_t budget_ms = cli_session_budget_ms(import->args);
    int64_t until_ms;

    if (cli_stop_is_wanted()) {
        /* The wait of a session ends at once when a stop is wanted. */
        (void)datalyr_flush(import->session.client, INTERRUPTED_WAIT_MS);
        return;
    }
    until_ms = cli_now_ms() + budget_ms;
    while (cli_session_end(&import->session) == CLI_END_NONE &&
           !cli_stop_is_wanted() && cli_now_ms() < until_ms &&
           datalyr_flush(import->session.client, 0) > 0) {
        cli_session_wait(&import->session, WAIT_SLICE_MS);
        cli_import_tick(import);
    }
}

static double seconds_of(const struct cli_import *import)
{
    return (double)(cli_now_ms() - import->progress.started_ms) / 1000;
}

/* One member of the line, in the form that is asked for. */
static void put_count(struct dlr_buf *out, const char *name, uint64_t count)
{
    dlr_buf_printf(out, cli_say_is_json() ? ",\"%s\":%" PRIu64 : "%s=%" PRIu64,
                   name, count);
    if (!cli_say_is_json()) {
        dlr_buf_append_char(out, ' ');
    }
}

static void put_ledger(const struct cli_import *import,
                       const datalyr_ledger *ledger, struct dlr_buf *out)
{
    bool is_json = cli_say_is_json();
    double seconds = seconds_of(import);
    uint64_t ms = (uint64_t)(seconds * 1000 + 0.5);
    uint64_t rate =
        seconds > 0 ? (uint64_t)((double)ledger->delivered / seconds) : 0;

    dlr_buf_append_string(out, is_json ? "{\"type\":\"ledger\"" : "");
    put_count(out, "accepted", ledger->accepted);
    put_count(out, "delivered", ledger->delivered);
    put_count(out, "dropped", datalyr_ledger_dropped(ledger));
    put_count(out, "pending", ledger->pending);
    put_count(out, "rejected", import->rejects.count);
    put_count(out, "duplicates", ledger->duplicates);
    dlr_buf_printf(out,
                   is_json ? ",\"seconds\":%" PRIu64 ".%03d"
                           : "seconds=%" PRIu64 ".%03d ",
                   ms / 1000, (int)(ms % 1000));
    dlr_buf_printf(out,
                   is_json ? ",\"events_per_second\":%" PRIu64 "}\n"
                           : "events_per_second=%" PRIu64 "\n",
                   rate);
}

static void say_ledger(const struct cli_import *import,
                       const datalyr_ledger *ledger)
{
    char storage[512];
    struct dlr_buf line;

    dlr_buf_init_fixed(&line, storage, sizeof storage);
    if (!import->is_dry) {
        put_ledger(import, ledger, &line);
        cli_out(dlr_buf_text(&line));
        return;
    }
    cli_note("nothing was sent: %" PRIu64 " events, %" PRIu64
             " rejected records",
             import->event_count, import->rejects.count);
}

/* Names in --map that no record had are typing errors more often than not. */
static void say_unused_maps(const struct cli_import *import)
{
    for (size_t i = 0; i < import->mapper.maps.count; i++) {
        const struct cli_map *map = &import->mapper.maps.items[i];

        for (size_t j = 0; j < map->choice_count; j++) {
            const struct cli_choice *choice = &map->choices[j];

            for (size_t k = 0; k < choice->factor_count; k++) {
                const struct cli_factor *factor = &choice->factors[k];

                if (!factor->was_found && !factor->is_number) {
                    cli_note("note: --map %s: no record has %.*s", map->spec,
                             (int)factor->name.len, factor->name.ptr);
                }
            }
        }
    }
    if (import->each.step_count > 0 && !import->each.was_found) {
        cli_note("note: --each %s: no record has anything there",
                 cli_args_value(import->args, "each"));
    }
}

static void say_notes(const struct cli_import *import)
{
    say_unused_maps(import);
    if (import->mapper.untimed_count > 0 && !import->is_dry) {
        cli_note("note: %" PRIu64 " events have no time of their own and got "
                 "that of the import",
                 import->mapper.untimed_count);
    }
    if (import->rejects.count > 0 && import->event_count == 0) {
        cli_note("no record became an event; datalyr help import says how "
                 "--map names the columns");
    }
}

static int say_interrupted(const struct cli_import *import)
{
    struct dlr_buf again;
    bool has_resume = cli_args_has(import->args, "resume");

    dlr_buf_init(&again, CLI_LINE_MAX);
    cli_args_put_again(import->args, (struct cli_patch){0, 0, NULL}, &again);
    dlr_buf_append_string(&again, has_resume ? "" : " --resume");
    (void)cli_fail_try(CLI_EXIT_INTERRUPTED, dlr_buf_terminate(&again),
                       "interrupted; this goes on where it ended");
    dlr_buf_clear(&again);
    return CLI_EXIT_INTERRUPTED;
}

/* Keeps the position where there is more to do, and where --resume asks for it
 * (a log grows on); a finished import leaves nothing behind. */
static void keep_position(struct cli_import *import, int code)
{
    cli_settled_read(&import->settled, import->marks);
    if (code == CLI_EXIT_OK && !cli_args_has(import->args, "resume")) {
        cli_position_remove(&import->position);
    } else if (!cli_position_write(&import->position, import->marks) &&
               import->position.error != 0) {
        cli_note("note: the position cannot be written to %s: %s",
                 import->position.path, strerror(import->position.error));
    }
}

static int verdict(struct cli_import *import, const datalyr_ledger *ledger)
{
    int code = import->code;
    int sent = import->is_dry ? CLI_EXIT_OK
                              : cli_session_verdict(&import->session, ledger);
    int kept = cli_rejects_close(&import->rejects);

    if (code == CLI_EXIT_OK) {
        code = kept;
    }
    if (code == CLI_EXIT_OK || sent == CLI_EXIT_REFUSED ||
        sent == CLI_EXIT_UNREACHED) {
        code = sent == CLI_EXIT_OK ? code : sent;
    }
    if (code == CLI_EXIT_OK && import->rejects.count > 0) {
        code = CLI_EXIT_SOME_NOT;
    }
    return cli_stop_is_wanted() ? say_interrupted(import) : code;
}

int cli_summary_end(struct cli_import *import)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int code;

    if (!import->is_dry) {
        wait_for_rest(import);
        cli_progress_clear(&import->progress);
        cli_session_close(&import->session, 0, &ledger);
    }
    cli_progress_clear(&import->progress);
    say_notes(import);
    code = verdict(import, &ledger);
    if (!import->is_dry) {
        keep_position(import, code);
    }
    say_ledger(import, &ledger);
    return code;
}
