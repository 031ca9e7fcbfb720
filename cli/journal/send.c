/* SPDX-License-Identifier: MIT */
/*
 * Send: `datalyr journal send DIR`, delivers what dead processes left; with
 * --watch it stays and delivers what short-lived ones go on leaving.
 *
 * DESIGN
 * A client that is opened on the directory takes over the journals of dead
 * owners by itself. This command looks first what there is for its own host
 * and key, opens a client when there is something, and waits until all of it
 * is settled. Journals for other destinations are named and left.
 */
#include "journal/journal.h"
#include "say.h"
#include "session.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two looks at the directory with --watch. */
#define WATCH_MS 500
#define SLICE_MS 20

struct survey {
    uint8_t destination[DLR_DESTINATION_BYTES];
    uint64_t ours;   /* events of dead owners for our destination */
    uint64_t others; /* events of dead owners for another one */
    uint64_t alive;  /* owners that live */
};

static void nap(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL); /* shorter is fine: the loop looks again */
}

static bool count_owner(void *self, const struct cli_journal *journal)
{
    struct survey *survey = self;

    if (journal->is_alive) {
        survey->alive += 1;
    } else if (memcmp(journal->destination, survey->destination,
                      DLR_DESTINATION_BYTES) == 0) {
        survey->ours += journal->pending;
    } else {
        survey->others += journal->pending;
    }
    return true;
}

static int look(int dir, const datalyr_config *config,
                const struct cli_args *args, struct survey *survey)
{
    const char *key = config->api_key;
    const char *host = config->host;

    memset(survey, 0, sizeof *survey);
    if (key == NULL) {
        key = getenv("DATALYR_API_KEY");
    }
    if (host == NULL) {
        host = cli_args_setting(args, "host");
    }
    if (key != NULL && host != NULL) {
        dlr_journal_destination(host, key, survey->destination);
    }
    return cli_journal_each(dir, count_owner, survey);
}

static void read_ledger(struct cli_session *session, datalyr_ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->size = sizeof *ledger;
    (void)datalyr_stats(session->client, ledger); /* the client is open */
}

/* Waits until `expected` events were taken over and all are settled. */
static void wait_for(struct cli_session *session, uint64_t expected)
{
    datalyr_ledger ledger;

    do {
        nap(SLICE_MS);
        read_ledger(session, &ledger);
    } while ((ledger.recovered < expected || ledger.pending > 0) &&
             cli_session_end(session) == CLI_END_NONE && !cli_stop_is_wanted());
}

static void print_ledger(const datalyr_ledger *ledger)
{
    struct dlr_buf line;

    dlr_buf_init(&line, 512);
    dlr_buf_printf(
        &line,
        cli_say_is_json()
            ? "{\"type\":\"ledger\",\"recovered\":%" PRIu64
              ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64
              ",\"pending\":%" PRIu64 ",\"duplicates\":%" PRIu64 "}\n"
            : "recovered=%" PRIu64 " delivered=%" PRIu64 " dropped=%" PRIu64
              " pending=%" PRIu64 " duplicates=%" PRIu64 "\n",
        ledger->recovered, ledger->delivered, datalyr_ledger_dropped(ledger),
        ledger->pending, ledger->duplicates);
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
}

/* Opens a client on the directory and delivers what it takes over. */
static int deliver(struct cli_args *args, uint64_t expected)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    struct cli_session session = {0};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int code = cli_args_config(args, &config);

    if (code == CLI_EXIT_OK) {
        config.journal_dir = args->arguments[1];
        code = cli_session_open(&session, args, &config);
    }
    if (code == CLI_EXIT_OK) {
        wait_for(&session, expected);
        cli_session_close(&session, 0, &ledger);
        print_ledger(&ledger);
        code = ledger.pending == 0 && datalyr_ledger_dropped(&ledger) == 0
                   ? CLI_EXIT_OK
                   : cli_session_verdict(&session, &ledger);
        if (code == CLI_EXIT_OK && ledger.pending > 0) {
            code = CLI_EXIT_SOME_NOT;
        }
    }
    datalyr_config_clear(&config);
    return code;
}

static int send_once(struct cli_args *args, int dir, const struct survey *found)
{
    (void)dir;
    if (found->ours > 0) {
        return deliver(args, found->ours);
    }
    if (found->alive > 0 && found->others == 0) {
        return cli_fail_try(CLI_EXIT_LOCAL, "datalyr journal list DIRECTORY",
                            "the owner of the journal in %s is alive and "
                            "delivers it itself",
                            args->arguments[1]);
    }
    if (found->others > 0) {
        return cli_fail_try(CLI_EXIT_SOME_NOT, "datalyr journal list DIRECTORY",
                            "%" PRIu64 " events in %s are for another host or "
                            "key: give the --host and key that recorded them",
                            found->others, args->arguments[1]);
    }
    cli_note("nothing to send in %s", args->arguments[1]);
    return CLI_EXIT_OK;
}

static int watch(struct cli_args *args, int dir, const datalyr_config *config)
{
    struct survey found;
    int code = CLI_EXIT_OK;

    cli_note("watching %s; stop with Ctrl-C", args->arguments[1]);
    while (!cli_stop_is_wanted()) {
        code = look(dir, config, args, &found);
        if (code != CLI_EXIT_OK) {
            return code;
        }
        if (found.ours > 0) {
            code = deliver(args, found.ours);
            /* A refused key or a dead host is told and tried again: what waits
             * is safe on disk. */
        }
        for (int waited = 0; waited < WATCH_MS && !cli_stop_is_wanted();
             waited += SLICE_MS) {
            nap(SLICE_MS);
        }
    }
    return cli_out_finish(code);
}

int cli_journal_send(struct cli_args *args, int dir)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    struct survey found;
    int code = cli_args_config(args, &config);

    cli_stop_install();
    if (code == CLI_EXIT_OK && cli_args_has(args, "watch")) {
        code = watch(args, dir, &config);
    } else if (code == CLI_EXIT_OK) {
        code = look(dir, &config, args, &found);
        if (code == CLI_EXIT_OK) {
            code = cli_out_finish(send_once(args, dir, &found));
        }
    }
    datalyr_config_clear(&config);
    return cli_stop_is_wanted() ? CLI_EXIT_INTERRUPTED : code;
}
