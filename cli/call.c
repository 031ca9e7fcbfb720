/* SPDX-License-Identifier: MIT */
/*
 * Call: see call.h.
 *
 * DESIGN
 * One event, one process: the command waits until the event is settled and its
 * exit code says how. What goes to stdout is one line of data about the event.
 */
#include "call.h"

#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"
#include "pairs.h"
#include "say.h"
#include "session.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>

bool cli_read_time(struct dlr_text text, int64_t *ms)
{
    double number;

    if (dlr_number_read_double(text.ptr, text.len, &number)) {
        return dlr_time_from_number(number, ms);
    }
    return dlr_time_parse(text, ms, NULL);
}

static int read_options(struct cli_call *call)
{
    const char *timestamp = cli_args_value(call->args, "timestamp");
    int64_t ms;

    call->options = (datalyr_options){
        DATALYR_OPTIONS_INIT,
        .anonymous_id = cli_args_value(call->args, "anonymous"),
        .event_id = cli_args_value(call->args, "event-id"),
        .session_id = cli_args_value(call->args, "session"),
    };
    if (timestamp == NULL) {
        return CLI_EXIT_OK;
    }
    if (!cli_read_time(dlr_text_of(timestamp), &ms)) {
        return cli_fail_try(CLI_EXIT_USAGE,
                            "datalyr track … --timestamp 2026-03-04T05:06:07Z",
                            "--timestamp %s is no time: use ISO 8601, or "
                            "seconds or milliseconds since 1970",
                            timestamp);
    }
    call->options.timestamp_ms = ms == 0 ? DATALYR_TIMESTAMP_EPOCH : ms;
    return CLI_EXIT_OK;
}

/* One line about the event: what became of it, under which id. */
static void put_outcome(const struct cli_session *session,
                        const struct cli_args *args,
                        const datalyr_ledger *ledger)
{
    const char *outcome = ledger->delivered > 0  ? "delivered"
                          : ledger->pending > 0  ? "pending"
                          : session->is_disabled ? "disabled"
                                                 : "dropped";
    struct dlr_buf line;

    dlr_buf_init(&line, CLI_LINE_MAX);
    if (cli_say_is_json()) {
        dlr_buf_printf(&line,
                       "{\"type\":\"%s\",\"command\":\"%s\","
                       "\"eventId\":",
                       outcome, args->command->name);
        (void)dlr_json_put_text(&line, session->event_id,
                                strlen(session->event_id));
        dlr_buf_printf(&line, ",\"duplicate\":%s}\n",
                       ledger->duplicates > 0 ? "true" : "false");
    } else {
        dlr_buf_printf(&line, "%s=1 duplicates=%" PRIu64 " event_id=", outcome,
                       ledger->duplicates);
        cli_put_shown(&line, dlr_text_of(session->event_id));
        dlr_buf_append_char(&line, '\n');
    }
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
}

static int record_and_wait(const struct cli_call *call, datalyr_config *config,
                           cli_record_fn *record)
{
    struct cli_session session = {0};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_error error = {0};
    datalyr_status status;
    int code = cli_session_open(&session, call->args, config);

    if (code != CLI_EXIT_OK) {
        return code;
    }
    status = record(session.client, call, &error);
    if (status != DATALYR_OK) {
        char hint[64];

        (void)snprintf(hint, sizeof hint, "datalyr help %s",
                       call->args->command->name);
        (void)datalyr_close_within(&session.client, 0, NULL);
        return cli_fail_try(CLI_EXIT_USAGE, hint, "%s",
                            error.message[0] != '\0'
                                ? error.message
                                : datalyr_status_text(status));
    }
    /* In a journal the event is safe already, and this process is in no hurry
     * to deliver it: `datalyr journal send --watch` does. */
    if (!session.has_journal) {
        cli_session_wait(&session, cli_session_budget_ms(call->args));
    }
    cli_session_close(&session, 0, &ledger);
    put_outcome(&session, call->args, &ledger);
    code = cli_session_verdict(&session, &ledger);
    return code != CLI_EXIT_OK && cli_stop_is_wanted() ? CLI_EXIT_INTERRUPTED
                                                       : code;
}

int cli_call_run(const struct cli_args *args, const char *pair,
                 const char *whole, cli_record_fn *record)
{
    struct cli_call call = {.args = args};
    datalyr_config config = {DATALYR_CONFIG_INIT};
    struct dlr_buf properties;
    int code;

    dlr_buf_init(&properties, CLI_PAIRS_MAX);
    code = read_options(&call);
    if (code == CLI_EXIT_OK && pair != NULL) {
        code = cli_pairs_put(args, pair, whole, &properties);
        call.properties = datalyr_json(properties.ptr, properties.len);
    }
    if (code == CLI_EXIT_OK) {
        code = cli_args_config(args, &config);
    }
    if (code == CLI_EXIT_OK) {
        cli_stop_install();
        code = record_and_wait(&call, &config, record);
    }
    datalyr_config_clear(&config);
    dlr_buf_clear(&properties);
    return cli_out_finish(code);
}
