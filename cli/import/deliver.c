/* SPDX-License-Identifier: MIT */
/*
 * Deliver: from the mapper into the library, and what happens around it: the
 * rate, the progress, the position, signals. See run.h.
 */
#include "import/run.h"

#include "say.h"
#include "stop.h"

#include <time.h>

#define SAVE_EVERY_MS    1000
#define PACE_SLICE_MS    20
#define LONGEST_KNOWN_ID 256

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000,
                             .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL); /* a signal may cut it short */
}

static struct cli_state read_state(const struct cli_import *import)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    if (import->session.client != NULL) {
        (void)datalyr_stats(import->session.client, &ledger); /* both valid */
    }
    return (struct cli_state){
        .done_bytes = import->done_bytes +
                      (import->input == NULL ? 0 : import->input->read_bytes),
        .total_bytes = import->total_bytes,
        .accepted = ledger.accepted,
        .delivered = ledger.delivered,
        .rejected = import->rejects.count,
    };
}

void cli_import_tick(struct cli_import *import)
{
    int64_t now_ms = cli_now_ms();
    bool is_asked = cli_stop_takes_state_request();

    if (is_asked || cli_progress_is_due(&import->progress, now_ms)) {
        struct cli_state state = read_state(import);

        cli_progress_show(&import->progress, &state, is_asked);
    }
    if (!import->is_dry && now_ms - import->saved_ms >= SAVE_EVERY_MS) {
        import->saved_ms = now_ms;
        cli_settled_read(&import->settled, import->marks);
        (void)cli_position_write(&import->position, import->marks);
    }
    import->must_stop |=
        cli_stop_is_wanted() || cli_out_failed() ||
        cli_rejects_failed(&import->rejects) ||
        (!import->is_dry && cli_session_end(&import->session) != CLI_END_NONE);
}

/* Holds --rate: events are due at even distances, and what could not be sent in
 * time is not made up for later than a tenth of a second. */
static void pace(struct cli_import *import)
{
    int64_t now_ms;
    int64_t due_ms;

    if (import->rate == 0) {
        return;
    }
    now_ms = cli_now_ms();
    due_ms =
        import->paced_ms + (int64_t)(import->paced_count * 1000 / import->rate);
    if (import->paced_ms == 0 || now_ms - due_ms > 100) {
        import->paced_ms = now_ms;
        import->paced_count = 0;
        due_ms = now_ms;
    }
    while (due_ms > now_ms && !cli_stop_is_wanted()) {
        sleep_ms(due_ms - now_ms < PACE_SLICE_MS ? due_ms - now_ms
                                                 : PACE_SLICE_MS);
        now_ms = cli_now_ms();
    }
    import->paced_count++;
}

static bool show_event(struct cli_import *import)
{
    dlr_buf_rewind(&import->line, 0);
    cli_event_put_json(&import->event, &import->line);
    dlr_buf_append_char(&import->line, '\n');
    cli_out(dlr_buf_text(&import->line));
    import->event_count++;
    import->must_stop |= cli_out_failed();
    return !import->must_stop;
}

/* The library refused it for good. */
static void refuse(struct cli_import *import, const struct cli_raw *raw,
                   datalyr_status status, const datalyr_error *error)
{
    dlr_buf_rewind(&import->problem, 0);
    dlr_buf_append_string(&import->problem, error->message[0] != '\0'
                                                ? error->message
                                                : datalyr_status_text(status));
    cli_import_reject(import, raw);
}

bool cli_import_deliver(struct cli_import *import, const struct cli_raw *raw,
                        bool ends_record)
{
    const char *event_id = cli_event_text(&import->event, CLI_FIELD_EVENT_ID);
    struct cli_settled_item item = {
        .file = raw->file,
        .record = raw->number,
        .hash = ends_record ? cli_settled_hash(raw->bytes) : 0,
        .ends_record = ends_record,
    };
    datalyr_error error = {0};
    datalyr_status status;

    if (import->is_dry) {
        return show_event(import);
    }
    pace(import);
    if (strlen(event_id) > LONGEST_KNOWN_ID) {
        /* The library sends it shortened, so that it is not known again. */
        cli_settled_freeze(&import->settled);
    }
    cli_settled_add(&import->settled, &item, event_id);
    for (;;) {
        status =
            cli_event_record(&import->event, import->session.client, &error);
        if (status != DATALYR_QUEUE_FULL) {
            break;
        }
        cli_import_tick(import);
        if (import->must_stop) {
            /* Not recorded: a later run begins before it. */
            cli_settled_freeze(&import->settled);
            return false;
        }
    }
    import->event_count++;
    if (status != DATALYR_OK) {
        cli_settled_note(&import->settled, event_id, true);
        refuse(import, raw, status, &error);
    }
    return !import->must_stop;
}

void cli_import_reject(struct cli_import *import, const struct cli_raw *raw)
{
    struct cli_reject reject = {
        .file = cli_import_file_name(import),
        .line = raw->line,
        .reason = dlr_buf_text(&import->problem),
        .original = raw->bytes,
    };

    cli_progress_clear(&import->progress);
    if (!cli_rejects_add(&import->rejects, &reject)) {
        import->must_stop = true;
    }
}
