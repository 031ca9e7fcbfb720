/* SPDX-License-Identifier: MIT */
/*
 * Session: a client for the time of one command, with what its hooks told. It
 * decides when waiting has no point any more and which exit code an outcome
 * has. What is sent is left to the commands.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "args.h"

#include <datalyr.h>
#include <pthread.h>

/* Why there is no point in going on. */
enum cli_end {
    CLI_END_NONE,
    CLI_END_REFUSED,   /* 401 or 403 */
    CLI_END_UNREACHED, /* no answer, although tried long enough */
    CLI_END_LOST       /* events are given up for a reason that is not theirs */
};

/* What became of some events. */
struct cli_settlement {
    const datalyr_record *events; /* NULL: the bodies are gone */
    size_t count;
    bool is_delivered;
    bool is_final;      /* sending them again would not help */
    const char *reason; /* why they were dropped */
};

struct cli_session {
    datalyr_client *client;
    const struct cli_args *args; /* lent */
    bool has_journal;
    bool is_disabled; /* the setting `enabled` is false: nothing is sent */

    /* Called from hooks, on the library's thread; may be NULL. */
    void (*on_settled)(void *self, const struct cli_settlement *settlement);
    void *self;

    pthread_mutex_t lock; /* guards what stands below */
    enum cli_end end;
    bool has_answer;          /* an answer of any kind has come */
    int64_t first_failure_ms; /* 0: none yet */
    int32_t http_status;      /* of the last failed attempt */
    char message[512];        /* of the last failed attempt, escaped */
    char event_id[800];       /* of the last event that was settled */
    datalyr_drop_reason drop_reason;
};

/* Opens the client; hooks of `config` are set here. Returns an exit code after
 * saying what is wrong. `session` is initialised by this and must not move. */
int cli_session_open(struct cli_session *session, const struct cli_args *args,
                     datalyr_config *config);

/* Whether the setting `enabled` is false: then nothing would be sent. */
bool cli_session_is_off(const struct cli_args *args);

/* Milliseconds of a clock that does not step. */
int64_t cli_now_ms(void);

enum cli_end cli_session_end(struct cli_session *session);

/* Waits until everything is settled, `timeout_ms` is over, waiting has no
 * point, or the user wants to stop. */
void cli_session_wait(struct cli_session *session, int64_t timeout_ms);

/* Closes within `timeout_ms` and fills the ledger. Further calls do nothing. */
void cli_session_close(struct cli_session *session, int64_t timeout_ms,
                       datalyr_ledger *ledger);

/* The exit code for a ledger, after saying on stderr why it is not 0. */
int cli_session_verdict(struct cli_session *session,
                        const datalyr_ledger *ledger);

/* The budget of close in milliseconds, as the settings have it. */
int64_t cli_session_budget_ms(const struct cli_args *args);

#endif
