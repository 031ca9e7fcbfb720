/* SPDX-License-Identifier: MIT */
/*
 * Expect: `datalyr expect`, an assertion about a collector for tests: events
 * that fit come in time, or do not come, or come in an order.
 *
 * DESIGN
 * The collector does the waiting and names the nearest misses; here it is only
 * asked and its answer made an exit code and sentences.
 */
#include "commands.h"
#include "read/event_line.h"
#include "read/query.h"
#include "say.h"
#include "session.h"
#include "stop.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>

#define TIMEOUT_DEFAULT "5s"
#define TIMEOUT_MAX_MS  60000

struct expect {
    struct cli_fetch fetch;
    struct dlr_buf line;
    const char *count;
    const char *timeout;
    const char *order; /* what is left of --order */
    int64_t until_ms;
};

static struct dlr_json_value answer_of(const struct expect *expect)
{
    return dlr_json_root(dlr_buf_text(&expect->fetch.body));
}

static void print_events(struct expect *expect)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(answer_of(expect), DLR_TEXT("events")));
    struct dlr_json_value event;

    while (dlr_json_next_element(&iter, &event)) {
        cli_event_line_print(event, &expect->line);
    }
}

/* What came closest, and what about it is different. */
static void print_misses(struct expect *expect)
{
    struct dlr_json_iter iter = dlr_json_iterate(
        dlr_json_get(answer_of(expect), DLR_TEXT("nearMisses")));
    struct dlr_json_value miss;

    while (dlr_json_next_element(&iter, &miss)) {
        struct dlr_json_value event = dlr_json_get(miss, DLR_TEXT("event"));
        struct dlr_text differs = {"", 0};

        (void)dlr_json_plain_text(dlr_json_get(miss, DLR_TEXT("differs")),
                                  &differs);
        if (cli_say_is_json()) {
            dlr_buf_rewind(&expect->line, 0);
            cli_event_line_put_json(miss, "near_miss", &expect->line);
            cli_out(dlr_buf_text(&expect->line));
            continue;
        }
        dlr_buf_rewind(&expect->line, 0);
        cli_event_line_put(event, &expect->line);
        cli_note("close, but for %.*s: %.*s", (int)differs.len, differs.ptr,
                 (int)expect->line.len - 1, expect->line.ptr);
    }
}

static int ask(struct expect *expect, const char *count, const char *timeout,
               const char *cursor)
{
    int code;

    cli_fetch_begin(&expect->fetch, "/api/v1/wait");
    code = cli_query_add(&expect->fetch, cursor == NULL);
    cli_fetch_add(&expect->fetch, DLR_TEXT("count"), dlr_text_of(count));
    cli_fetch_add(&expect->fetch, DLR_TEXT("timeout"), dlr_text_of(timeout));
    if (cursor != NULL) {
        cli_fetch_add(&expect->fetch, DLR_TEXT("cursor"), dlr_text_of(cursor));
    }
    if (code != CLI_EXIT_OK) {
        return code;
    }
    if (!cli_fetch_run(&expect->fetch) ||
        (expect->fetch.status != 200 && expect->fetch.status != 408)) {
        return cli_fetch_complain(&expect->fetch);
    }
    return CLI_EXIT_OK;
}

static int64_t count_of(const struct expect *expect)
{
    int64_t count = 0;

    (void)dlr_json_to_int64(dlr_json_get(answer_of(expect), DLR_TEXT("count")),
                            &count);
    return count;
}

static int expect_some(struct expect *expect)
{
    int code = ask(expect, expect->count, expect->timeout, NULL);

    if (code != CLI_EXIT_OK) {
        return code;
    }
    print_events(expect);
    if (expect->fetch.status == 200) {
        return CLI_EXIT_OK;
    }
    print_misses(expect);
    return cli_fail(CLI_EXIT_SOME_NOT,
                    "%" PRId64 " of %s events came within %s", count_of(expect),
                    expect->count, expect->timeout);
}

static int expect_none(struct expect *expect)
{
    int code = ask(expect, "1", expect->timeout, NULL);

    if (code != CLI_EXIT_OK || expect->fetch.status == 408) {
        return code;
    }
    print_events(expect);
    return cli_fail(CLI_EXIT_SOME_NOT, "an event came that should not");
}

/* Takes the names of the events that came off the front of --order. */
static void match_order(struct expect *expect)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(answer_of(expect), DLR_TEXT("events")));
    struct dlr_json_value event;

    while (expect->order[0] != '\0' && dlr_json_next_element(&iter, &event)) {
        size_t len = strcspn(expect->order, ",");

        if (dlr_json_string_equals(dlr_json_get(event, DLR_TEXT("event")),
                                   dlr_text_n(expect->order, len))) {
            expect->order += len + (expect->order[len] == ',' ? 1 : 0);
            cli_event_line_print(event, &expect->line);
        }
    }
}

static int expect_order(struct expect *expect)
{
    char cursor[64] = "";

    while (expect->order[0] != '\0') {
        int64_t left_ms = expect->until_ms - cli_now_ms();
        char timeout[32];
        struct dlr_text text;
        int code;

        (void)snprintf(timeout, sizeof timeout, "%dms",
                       left_ms < 1 ? 1 : (int)left_ms);
        code = ask(expect, "1", timeout, cursor[0] == '\0' ? NULL : cursor);
        if (code != CLI_EXIT_OK) {
            return code;
        }
        if (expect->fetch.status == 408) {
            return cli_fail(CLI_EXIT_SOME_NOT,
                            "%s did not come in this order within %s: still "
                            "missing %s",
                            cli_args_value(expect->fetch.args, "order"),
                            expect->timeout, expect->order);
        }
        match_order(expect);
        if (dlr_json_plain_text(
                dlr_json_get(answer_of(expect), DLR_TEXT("cursor")), &text) &&
            text.len < sizeof cursor) {
            memcpy(cursor, text.ptr, text.len);
            cursor[text.len] = '\0';
        }
    }
    return CLI_EXIT_OK;
}

static int read_flags(struct expect *expect, const struct cli_args *args)
{
    uint64_t ms;
    uint64_t count;

    expect->count = cli_args_value(args, "count");
    expect->timeout = cli_args_value(args, "timeout");
    expect->order = cli_args_value(args, "order");
    expect->count = expect->count == NULL ? "1" : expect->count;
    expect->timeout =
        expect->timeout == NULL ? TIMEOUT_DEFAULT : expect->timeout;
    if (!dlr_parse_count(dlr_text_of(expect->count), &count) || count == 0) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--count is %s: give a number; for no "
                        "events at all there is --none",
                        expect->count);
    }
    if (!dlr_parse_duration_ms(dlr_text_of(expect->timeout), &ms) ||
        ms > TIMEOUT_MAX_MS) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--timeout is %s: give a time up to 60s",
                        expect->timeout);
    }
    expect->until_ms = cli_now_ms() + (int64_t)ms;
    return CLI_EXIT_OK;
}

static int run(struct cli_args *args)
{
    struct expect expect = {0};
    int code = read_flags(&expect, args);

    if (code != CLI_EXIT_OK) {
        return code;
    }
    dlr_buf_init(&expect.line, CLI_LINE_MAX);
    cli_stop_install();
    if (!cli_fetch_open(&expect.fetch, args)) {
        code = cli_fail(CLI_EXIT_LOCAL, "out of memory");
    } else if (cli_args_has(args, "none")) {
        code = expect_none(&expect);
    } else if (expect.order != NULL) {
        code = expect_order(&expect);
    } else {
        code = expect_some(&expect);
    }
    cli_fetch_close(&expect.fetch);
    dlr_buf_clear(&expect.line);
    return cli_out_finish(code);
}

static const struct cli_flag flags[] = {
    {"count", "N", "so many events at least; default: 1"},
    {"none", NULL, "no event may come, for the whole of --timeout"},
    {"order", "A,B,C", "events of these names, one after the other"},
    {"timeout", "TIME", "how long they have; default: 5s, at most 60s"},
    CLI_QUERY_FLAGS,
    CLI_FETCH_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr expect event:purchase revenue=99.99 --count 1 --timeout 5s",
     "a purchase of that amount"},
    {"datalyr expect user:u1 --order signup,purchase", "in this order"},
    {"datalyr expect event:error --none --timeout 2s", "nothing of the kind"},
};

const struct cli_command cmd_expect = {
    .name = "expect",
    .usage = "[FILTER...] [FLAGS]",
    .summary = "wait until events are stored, or fail and say what came close",
    .about = CLI_QUERY_ABOUT " Exit code 0 if it is as expected, 1 if not.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .max_arguments = CLI_ANY_NUMBER,
    .run = run,
};
