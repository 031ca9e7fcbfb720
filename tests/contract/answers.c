/* SPDX-License-Identifier: MIT */
/* Answer cases: what the server says, and what becomes of the events. */
#include "contract/contract.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 10

/* What on_error said first. */
struct failure {
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool has_happened;
    int64_t retry_in_ms;
};

static void note_failure(const datalyr_failure *failure, void *self)
{
    struct failure *first = self;

    pthread_mutex_lock(&first->lock);
    if (!first->has_happened) {
        first->has_happened = true;
        first->retry_in_ms = failure->retry_in_ms;
        pthread_cond_signal(&first->told);
    }
    pthread_mutex_unlock(&first->lock);
}

static bool await_failure(struct failure *first)
{
    struct timespec until;
    int result = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&first->lock);
    while (!first->has_happened && result == 0) {
        result = pthread_cond_timedwait(&first->told, &first->lock, &until);
    }
    pthread_mutex_unlock(&first->lock);
    return first->has_happened;
}

/* "$http_date+30" is the date of half a minute from now. */
static void expand_date(const char *value, char *out, size_t cap)
{
    static const char word[] = "$http_date+";
    struct tm parts;
    time_t when;
    char *end;

    if (strncmp(value, word, sizeof word - 1) != 0) {
        (void)snprintf(out, cap, "%s", value);
        return;
    }
    when = time(NULL) + strtol(value + sizeof word - 1, &end, 10);
    (void)gmtime_r(&when, &parts);
    (void)strftime(out, cap, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static void read_answer(struct dlr_json_value json, struct server_answer *out)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(json, DLR_TEXT("headers")));
    struct dlr_json_value name;
    struct dlr_json_value value;
    size_t len = 0;

    *out = (struct server_answer){0};
    out->status = (int)contract_integer(json, "status", 200);
    (void)dlr_json_to_bool(dlr_json_get(json, DLR_TEXT("close")),
                           &out->should_close);
    (void)contract_text(dlr_json_get(json, DLR_TEXT("body")), out->body,
                        sizeof out->body);
    while (dlr_json_next_member(&iter, &name, &value)) {
        char key[64];
        char text[128];
        char expanded[128];

        expand_date(contract_text(value, text, sizeof text), expanded,
                    sizeof expanded);
        len += (size_t)snprintf(out->headers + len, sizeof out->headers - len,
                                "%s: %s\r\n",
                                contract_text(name, key, sizeof key), expanded);
    }
}

static void set_answers(struct contract_case *one)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "answers"));
    struct dlr_json_value json;

    pthread_mutex_lock(&one->server->lock);
    while (dlr_json_next_element(&iter, &json)) {
        read_answer(json, &one->server->answers[one->server->answer_count++]);
    }
    pthread_mutex_unlock(&one->server->lock);
}

static bool check_retry(struct contract_case *one, struct failure *first)
{
    struct dlr_json_value expect = contract_get(one, "expect");
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(expect, DLR_TEXT("retry_in_ms")));
    struct dlr_json_value bound;
    int64_t least = -1;
    int64_t most = -1;

    if (dlr_json_next_element(&iter, &bound)) {
        (void)dlr_json_to_int64(bound, &least);
    }
    if (dlr_json_next_element(&iter, &bound)) {
        (void)dlr_json_to_int64(bound, &most);
    }
    if (!await_failure(first)) {
        return contract_fail(one, "no attempt failed");
    }
    return (first->retry_in_ms >= least && first->retry_in_ms <= most) ||
           contract_fail(one, "the retry comes in %lld ms, not in %lld to %lld",
                         (long long)first->retry_in_ms, (long long)least,
                         (long long)most);
}

static bool check_count(struct contract_case *one, const char *what,
                        uint64_t got, int64_t want)
{
    return (int64_t)got == want ||
           contract_fail(one, "%s: %llu, expected %lld", what,
                         (unsigned long long)got, (long long)want);
}

static bool check_settled(struct contract_case *one, datalyr_client *client)
{
    struct dlr_json_value expect = contract_get(one, "expect");
    struct dlr_json_value dropped = dlr_json_get(expect, DLR_TEXT("dropped"));
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    if (datalyr_flush(client, PATIENCE_S * 1000) != 0 ||
        datalyr_stats(client, &ledger) != DATALYR_OK) {
        return contract_fail(one, "not everything was settled");
    }
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        const char *reason = datalyr_drop_reason_name((datalyr_drop_reason)i);

        if (!check_count(one, reason, ledger.dropped[i],
                         contract_integer(dropped, reason, 0))) {
            return false;
        }
    }
    return check_count(one, "delivered", ledger.delivered,
                       contract_integer(expect, "delivered", 0)) &&
           check_count(one, "duplicates", ledger.duplicates,
                       contract_integer(expect, "duplicates", 0)) &&
           check_count(one, "requests", one->server->request_count,
                       contract_integer(expect, "requests", 1));
}

static bool track_all(struct contract_case *one, datalyr_client *client)
{
    int64_t count = contract_integer(one->json, "events", 1);

    for (int64_t i = 0; i < count; i++) {
        datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u",
                               .event = "contract"};

        if (datalyr_track(client, &event) != DATALYR_OK) {
            return contract_fail(one, "the event was refused");
        }
    }
    return true;
}

static bool run(struct contract_case *one, struct failure *first,
                datalyr_client *client)
{
    bool should_flush = true;

    (void)dlr_json_to_bool(contract_get(one, "flush"), &should_flush);
    if (!track_all(one, client)) {
        return false;
    }
    if (dlr_json_string_equals(
            dlr_json_get(contract_get(one, "expect"), DLR_TEXT("outcome")),
            DLR_TEXT("retry"))) {
        if (should_flush) {
            (void)datalyr_flush(client, 0);
        }
        return check_retry(one, first);
    }
    return check_settled(one, client);
}

bool contract_run_answers(struct contract_case *one)
{
    struct failure first = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .told = PTHREAD_COND_INITIALIZER};
    datalyr_config config;
    datalyr_client *client = NULL;
    datalyr_error error;
    bool is_ok = contract_configure(one, &config);

    set_answers(one);
    config.hooks.on_error = note_failure;
    config.hooks.user_data = &first;
    if (is_ok && datalyr_open(&config, &client, &error) != DATALYR_OK) {
        is_ok = contract_fail(one, "%s", error.message);
    }
    is_ok = is_ok && run(one, &first, client);
    (void)datalyr_close_within(&client, 0, NULL);
    datalyr_config_clear(&config);
    return is_ok;
}
