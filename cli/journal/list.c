/* SPDX-License-Identifier: MIT */
/* List: `datalyr journal list DIR`, a line for each owner. */
#include "base/time.h"
#include "journal/journal.h"
#include "say.h"

#include <inttypes.h>

static void put_time(struct dlr_buf *line, int64_t ms)
{
    char text[DLR_TIME_TEXT_CAP];

    dlr_buf_append_string(line, ms != 0 && dlr_time_format_iso(ms, text) ? text
                                                                         : "-");
}

static void put_destination(struct dlr_buf *line,
                            const struct cli_journal *journal)
{
    for (size_t i = 0; i < 4; i++) {
        dlr_buf_printf(line, "%02x", journal->destination[i]);
    }
}

static void put_json(struct dlr_buf *line, const struct cli_journal *journal)
{
    dlr_buf_printf(line,
                   "{\"type\":\"journal\",\"owner\":\"%s\",\"alive\":%s,"
                   "\"readable\":%s,\"pending\":%" PRIu64 ",\"bytes\":%" PRIu64
                   ",\"files\":%" PRIu64 ",\"damagedBytes\":%" PRIu64
                   ",\"destination\":\"",
                   journal->owner, journal->is_alive ? "true" : "false",
                   journal->is_readable ? "true" : "false", journal->pending,
                   journal->bytes, journal->files, journal->damaged_bytes);
    put_destination(line, journal);
    dlr_buf_append_string(line, "\",\"oldest\":");
    if (journal->oldest_ms == 0) {
        dlr_buf_append_string(line, "null");
    } else {
        dlr_buf_append_char(line, '"');
        put_time(line, journal->oldest_ms);
        dlr_buf_append_char(line, '"');
    }
    dlr_buf_append_string(line, "}\n");
}

static void put_text(struct dlr_buf *line, const struct cli_journal *journal)
{
    dlr_buf_printf(line,
                   "%s  %-7s  %8" PRIu64 " pending  %10" PRIu64 " bytes  to ",
                   journal->owner,
                   !journal->is_readable ? "unknown"
                   : journal->is_alive   ? "alive"
                                         : "dead",
                   journal->pending, journal->bytes);
    put_destination(line, journal);
    dlr_buf_append_string(line, "  oldest ");
    put_time(line, journal->oldest_ms);
    if (journal->damaged_bytes > 0) {
        dlr_buf_printf(line, "  %" PRIu64 " bytes damaged",
                       journal->damaged_bytes);
    }
    dlr_buf_append_char(line, '\n');
}

static bool print(void *self, const struct cli_journal *journal)
{
    size_t *count = self;
    struct dlr_buf line;

    *count += 1;
    dlr_buf_init(&line, CLI_LINE_MAX);
    if (cli_say_is_json()) {
        put_json(&line, journal);
    } else {
        put_text(&line, journal);
    }
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
    return !cli_out_failed();
}

int cli_journal_list(struct cli_args *args, int dir)
{
    size_t count = 0;
    int code = cli_journal_each(dir, print, &count);

    if (code == CLI_EXIT_OK && count == 0) {
        cli_note("%s holds no journal", args->arguments[1]);
    }
    return cli_out_finish(code);
}
