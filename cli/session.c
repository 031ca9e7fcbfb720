/* SPDX-License-Identifier: MIT */
/*
 * Session: see session.h.
 *
 * DESIGN
 * The library goes on trying for as long as its settings say; a person at a
 * terminal wants to know sooner that the address is wrong. So waiting ends
 * early in three cases that time does not cure: the key was refused; nobody
 * has ever answered and a whole round of attempts is over; events are being
 * given up for a reason that lies with the server and not with the event.
 *
 * LOCKING
 * Hooks run on the library's thread, so what they note is guarded by `lock`,
 * which is never held while the library is called.
 */
#include "session.h"

#include "base/escape.h"
#include "base/units.h"
#include "say.h"
#include "stop.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* One round is four attempts, about 3.5 to 7 seconds of pauses; where settings
 * make rounds shorter, the time decides. */
#define ROUND_ATTEMPTS 4
#define UNREACHED_MS   4000
#define SLICE_MS       50

int64_t cli_now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The last one's, where the bodies are still there. */
static void keep_id(struct cli_session *session, const datalyr_record *events,
                    size_t count)
{
    const char *id =
        count == 0 || events == NULL ? "" : events[count - 1].event_id;
    size_t len = strlen(id);

    if (len == 0) {
        return;
    }
    if (len >= sizeof session->event_id) {
        len = sizeof session->event_id - 1;
    }
    memcpy(session->event_id, id, len);
    session->event_id[len] = '\0';
}

static void settle(const struct cli_session *session,
                   const struct cli_settlement *settlement)
{
    if (session->on_settled != NULL) {
        session->on_settled(session->self, settlement);
    }
}

static void note_delivered(const datalyr_record *events, size_t count,
                           void *user_data)
{
    struct cli_session *session = user_data;

    pthread_mutex_lock(&session->lock);
    session->has_answer = true;
    keep_id(session, events, count);
    pthread_mutex_unlock(&session->lock);
    settle(session, &(struct cli_settlement){.events = events,
                                             .count = count,
                                             .is_delivered = true,
                                             .is_final = true});
}

static bool is_key_problem(int32_t http_status)
{
    return http_status == 401 || http_status == 403;
}

/* 400, 413 and 422 are about one event; what else is permanent is about the
 * key, the address or a proxy, and would cost every event that follows. */
static bool is_about_the_event(int32_t http_status)
{
    return http_status == 400 || http_status == 413 || http_status == 422;
}

static void note_failure(const datalyr_failure *failure, void *user_data)
{
    struct cli_session *session = user_data;
    int64_t now_ms = cli_now_ms();

    pthread_mutex_lock(&session->lock);
    if (session->first_failure_ms == 0) {
        session->first_failure_ms = now_ms;
    }
    session->has_answer |= failure->http_status != 0;
    session->http_status = failure->http_status;
    (void)snprintf(session->message, sizeof session->message, "%s",
                   failure->message == NULL ? "" : failure->message);
    if (is_key_problem(failure->http_status)) {
        session->end = CLI_END_REFUSED;
    } else if (!session->has_answer &&
               (failure->attempt >= ROUND_ATTEMPTS ||
                failure->retry_in_ms < 0 ||
                now_ms - session->first_failure_ms > UNREACHED_MS)) {
        session->end = CLI_END_UNREACHED;
    }
    pthread_mutex_unlock(&session->lock);
}

static void note_drop(const datalyr_record *events, size_t count,
                      datalyr_drop_reason reason, void *user_data)
{
    struct cli_session *session = user_data;
    bool is_events_own = reason == DATALYR_DROP_REJECTED_BY_SERVER ||
                         reason == DATALYR_DROP_BEFORE_SEND;

    pthread_mutex_lock(&session->lock);
    is_events_own |= reason == DATALYR_DROP_PERMANENT_CLIENT_ERROR &&
                     is_about_the_event(session->http_status);
    session->drop_reason = reason;
    if (!is_events_own && session->end == CLI_END_NONE) {
        session->end = CLI_END_LOST;
    }
    keep_id(session, events, count);
    pthread_mutex_unlock(&session->lock);
    settle(session, &(struct cli_settlement){
                        .events = events,
                        .count = count,
                        .is_final = is_events_own,
                        .reason = datalyr_drop_reason_name(reason)});
}

static void note_log(datalyr_log_level level, const char *message,
                     void *user_data)
{
    (void)user_data;
    /* Errors come back as the verdict, in our words; with --debug the library
     * prints its own lines. */
    if (level == DATALYR_LOG_WARN) {
        cli_note("note: %s", message);
    }
}

bool cli_session_is_off(const struct cli_args *args)
{
    const char *text = cli_args_setting(args, "enabled");
    datalyr_config probe = {DATALYR_CONFIG_INIT};
    datalyr_error ignored;

    return text != NULL &&
           datalyr_config_set(&probe, "enabled", text, &ignored) ==
               DATALYR_OK &&
           probe.enabled == DATALYR_OFF;
}

int cli_session_open(struct cli_session *session, const struct cli_args *args,
                     datalyr_config *config)
{
    datalyr_error error;
    const char *hint = "datalyr doctor";

    session->args = args;
    session->has_journal =
        config->journal_dir != NULL || cli_args_decides(args, "journal_dir");
    session->is_disabled = cli_session_is_off(args);
    (void)pthread_mutex_init(&session->lock, NULL); /* default kind: cannot */
    config->hooks.on_delivered = note_delivered;
    config->hooks.on_error = note_failure;
    config->hooks.on_drop = note_drop;
    config->hooks.user_data = session;
    if (strcmp(cli_args_setting(args, "debug"), "true") != 0) {
        config->hooks.on_log = note_log;
    }
    if (datalyr_open(config, &session->client, &error) == DATALYR_OK) {
        return CLI_EXIT_OK;
    }
    if (config->api_key == NULL && !cli_args_decides(args, "api_key")) {
        hint = "export DATALYR_API_KEY=dk_your_api_key";
    }
    return cli_fail_try(error.status == DATALYR_IO ? CLI_EXIT_LOCAL
                                                   : CLI_EXIT_USAGE,
                        hint, "%s", error.message);
}

enum cli_end cli_session_end(struct cli_session *session)
{
    enum cli_end end;

    pthread_mutex_lock(&session->lock);
    end = session->end;
    pthread_mutex_unlock(&session->lock);
    return end;
}

int64_t cli_session_budget_ms(const struct cli_args *args)
{
    const char *text = cli_args_setting(args, "close_timeout_ms");
    uint64_t ms;

    if (text == NULL || !dlr_parse_duration_ms(dlr_text_of(text), &ms) ||
        ms == DLR_UNLIMITED) {
        return 30000;
    }
    return (int64_t)ms;
}

void cli_session_wait(struct cli_session *session, int64_t timeout_ms)
{
    int64_t until_ms = cli_now_ms() + timeout_ms;

    while (datalyr_flush(session->client, SLICE_MS) > 0) {
        if (cli_session_end(session) != CLI_END_NONE || cli_stop_is_wanted() ||
            cli_now_ms() >= until_ms) {
            return;
        }
    }
}

void cli_session_close(struct cli_session *session, int64_t timeout_ms,
                       datalyr_ledger *ledger)
{
    if (session->client == NULL) {
        return;
    }
    *ledger = (datalyr_ledger){DATALYR_LEDGER_INIT};
    /* What could not be delivered is in the ledger. */
    (void)datalyr_close_within(&session->client, timeout_ms, ledger);
}

static int say_refused(const struct cli_session *session)
{
    return cli_fail_try(CLI_EXIT_REFUSED, "datalyr doctor",
                        "%s refused the key (HTTP %d): check "
                        "DATALYR_API_KEY, --api-key-file or --api-key",
                        cli_args_setting(session->args, "host"),
                        (int)session->http_status);
}

static int say_unreached(const struct cli_session *session)
{
    return cli_fail_try(
        CLI_EXIT_UNREACHED, "datalyr doctor", "cannot reach %s: %s",
        cli_args_setting(session->args, "host"),
        session->message[0] == '\0' ? "no answer in time" : session->message);
}

int cli_session_verdict(struct cli_session *session,
                        const datalyr_ledger *ledger)
{
    uint64_t dropped = datalyr_ledger_dropped(ledger);
    uint64_t forgotten = ledger->refused[DATALYR_REFUSED_DISABLED];

    if (forgotten > 0) {
        cli_note("note: nothing was sent: enabled is false; events checked and "
                 "forgotten: %llu",
                 (unsigned long long)forgotten);
    }
    if (dropped == 0 && (ledger->pending == 0 || session->has_journal)) {
        if (ledger->pending > 0) {
            cli_note("%llu events wait in the journal and are sent later",
                     (unsigned long long)ledger->pending);
        }
        return CLI_EXIT_OK;
    }
    if (session->end == CLI_END_REFUSED) {
        return say_refused(session);
    }
    if (!session->has_answer && ledger->delivered == 0) {
        return say_unreached(session);
    }
    if (cli_stop_is_wanted()) {
        return CLI_EXIT_SOME_NOT; /* the interruption itself is said */
    }
    return cli_fail_try(CLI_EXIT_SOME_NOT, "datalyr doctor",
                        "%llu of %llu events were not delivered (%s)%s%s",
                        (unsigned long long)(dropped + ledger->pending),
                        (unsigned long long)ledger->accepted,
                        datalyr_drop_reason_name(session->drop_reason),
                        session->message[0] == '\0' ? "" : ": ",
                        session->message);
}
