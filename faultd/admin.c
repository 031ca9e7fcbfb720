/* SPDX-License-Identifier: MIT */
/*
 * Admin: the routes under /__, through which a test changes the rules while
 * requests are running and reads the ledger.
 *
 *     GET    /__faults           the rules and how often each had a say
 *     PUT    /__faults           replaces the rules by those in the body
 *     POST   /__faults           adds those in the body
 *     DELETE /__faults           no rules
 *     POST   /__faults/release   lets held answers go
 *     POST   /__faults/reset     no rules, an empty ledger
 *     GET    /__ledger           the counts; with ?requests=5&timeout=10s it
 *                                answers when the counts are that high
 *     GET    /__events           one line per event id
 *     GET    /__requests         one line per request
 */
#include "admin.h"

#include "base/json_write.h"
#include "base/units.h"
#include "status.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_ADMIN_BYTES ((size_t)1 << 30)

static void put_problem(struct dlf_connection *connection, int status,
                        const char *problem)
{
    struct dlr_buf body;

    dlr_buf_init(&body, 4096);
    dlr_buf_append_string(&body, "{\"error\":");
    if (!dlr_json_put_text(&body, problem, strlen(problem))) {
        dlr_buf_append_string(&body, "\"not UTF-8\"");
    }
    dlr_buf_append_string(&body, "}\n");
    dlf_status_put(&connection->out, status, dlr_buf_text(&body));
    dlr_buf_clear(&body);
}

static void put_rules(const struct dlf_server *server, struct dlr_buf *out)
{
    dlr_buf_printf(out, "{\"seed\":%" PRIu64 ",\"rules\":[",
                   server->settings.seed);
    for (size_t i = 0; i < server->rules.count; i++) {
        const struct dlf_rule *rule = &server->rules.items[i];

        dlr_buf_append_string(out, i == 0 ? "{\"rule\":" : ",{\"rule\":");
        if (!dlr_json_put_text(out, rule->text, strlen(rule->text))) {
            dlr_buf_append_string(out, "\"\"");
        }
        dlr_buf_printf(
            out, ",\"applied\":%" PRId64 ",\"left\":", rule->applied_count);
        if (rule->left_count < 0) {
            dlr_buf_append_string(out, "null}");
        } else {
            dlr_buf_printf(out, "%" PRId64 "}", rule->left_count);
        }
    }
    dlr_buf_append_string(out, "]}\n");
}

typedef void (*put_state)(const struct dlf_server *server, struct dlr_buf *out);

static void put_counts(const struct dlf_server *server, struct dlr_buf *out)
{
    dlf_ledger_put_counts(&server->ledger, out);
}

static void put_events(const struct dlf_server *server, struct dlr_buf *out)
{
    dlf_ledger_put_events(&server->ledger, out);
}

static void put_visits(const struct dlf_server *server, struct dlr_buf *out)
{
    dlf_ledger_put_visits(&server->ledger, out);
}

static void answer_state(struct dlf_connection *connection, int status,
                         put_state put)
{
    struct dlr_buf body;

    dlr_buf_init(&body, MAX_ADMIN_BYTES);
    put(connection->server, &body);
    dlf_status_put(&connection->out, status, dlr_buf_text(&body));
    dlr_buf_clear(&body);
}

static void change_rules(struct dlf_connection *connection,
                         const struct dlf_request *request, bool should_replace)
{
    struct dlf_server *server = connection->server;
    struct dlf_rules before = server->rules;
    char problem[256];

    if (should_replace) {
        dlf_rules_reset(&server->rules, server->settings.seed);
    }
    if (!dlf_rules_add(&server->rules, request->body.ptr, request->body.len,
                       problem)) {
        server->rules = before;
        put_problem(connection, 400, problem);
        return;
    }
    answer_state(connection, 200, put_rules);
}

static bool is_method(const struct dlf_request *request, const char *method)
{
    return dlr_text_equals(request->method, dlr_text_of(method));
}

static void answer_faults(struct dlf_connection *connection,
                          const struct dlf_request *request)
{
    struct dlf_server *server = connection->server;

    if (is_method(request, "PUT")) {
        change_rules(connection, request, true);
    } else if (is_method(request, "POST")) {
        change_rules(connection, request, false);
    } else if (is_method(request, "DELETE")) {
        dlf_rules_reset(&server->rules, server->settings.seed);
        answer_state(connection, 200, put_rules);
    } else if (is_method(request, "GET")) {
        answer_state(connection, 200, put_rules);
    } else {
        put_problem(connection, 405, "GET, PUT, POST or DELETE");
    }
}

/* Reads one `name=number` of the query into what is awaited. */
static bool add_awaited(struct dlf_connection *connection, struct dlr_text pair)
{
    const char *sign = memchr(pair.ptr, '=', pair.len);
    struct dlf_awaited *awaited;
    struct dlr_text value;

    if (sign == NULL || connection->awaited_count == DLF_MAX_AWAITED) {
        return false;
    }
    value = dlr_text_n(sign + 1, pair.len - (size_t)(sign + 1 - pair.ptr));
    pair.len = (size_t)(sign - pair.ptr);
    if (dlr_text_equals(pair, DLR_TEXT("timeout"))) {
        return true; /* read by await_counts() */
    }
    awaited = &connection->awaited[connection->awaited_count++];
    awaited->count = dlf_ledger_count(&connection->server->ledger, pair);
    return awaited->count != NULL && dlr_parse_count(value, &awaited->at_least);
}

static void await_counts(struct dlf_connection *connection,
                         const struct dlf_request *request)
{
    struct dlr_text query = request->query;
    struct dlr_text timeout = dlf_http_query(query, DLR_TEXT("timeout"));
    uint64_t timeout_ms = 0;

    connection->awaited_count = 0;
    while (query.len > 0) {
        const char *end = memchr(query.ptr, '&', query.len);
        size_t len = end == NULL ? query.len : (size_t)(end - query.ptr);

        if (!add_awaited(connection, dlr_text_n(query.ptr, len))) {
            put_problem(connection, 400,
                        "await a count of the ledger, as in "
                        "?requests=5&timeout=10s");
            return;
        }
        len += end == NULL ? 0 : 1;
        query.ptr += len;
        query.len -= len;
    }
    if (timeout.len > 0 && (!dlr_parse_duration_ms(timeout, &timeout_ms) ||
                            timeout_ms > 3600000)) {
        put_problem(connection, 400, "a timeout is at most an hour");
        return;
    }
    connection->due_ms = connection->server->now_ms + (int64_t)timeout_ms;
    connection->phase = DLF_AWAITING;
}

void dlf_admin_end_wait(struct dlf_connection *connection, bool is_reached)
{
    answer_state(connection, is_reached ? 200 : 504, put_counts);
}

/* Forgets rules and ledger; requests that are running stay running. */
static void reset(struct dlf_server *server)
{
    for (struct dlf_connection *connection = server->connections;
         connection != NULL; connection = connection->next) {
        connection->visit = 0;
    }
    dlf_rules_reset(&server->rules, server->settings.seed);
    dlf_ledger_reset(&server->ledger, server->now_ms);
}

bool dlf_admin_answer(struct dlf_connection *connection,
                      const struct dlf_request *request)
{
    struct dlr_text path = request->path;

    if (dlr_text_equals(path, DLR_TEXT("/__faults"))) {
        answer_faults(connection, request);
    } else if (dlr_text_equals(path, DLR_TEXT("/__faults/release"))) {
        connection->server->should_release = true; /* the loop does it */
        answer_state(connection, 200, put_counts);
    } else if (dlr_text_equals(path, DLR_TEXT("/__faults/reset"))) {
        reset(connection->server);
        answer_state(connection, 200, put_counts);
    } else if (dlr_text_equals(path, DLR_TEXT("/__ledger"))) {
        await_counts(connection, request);
    } else if (dlr_text_equals(path, DLR_TEXT("/__events"))) {
        answer_state(connection, 200, put_events);
    } else if (dlr_text_equals(path, DLR_TEXT("/__requests"))) {
        answer_state(connection, 200, put_visits);
    } else if (dlr_text_starts_with(path, DLR_TEXT("/__"))) {
        put_problem(connection, 404, "no such admin route");
    } else {
        return false;
    }
    return true;
}
