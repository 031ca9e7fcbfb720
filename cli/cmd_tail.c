/* SPDX-License-Identifier: MIT */
/*
 * Tail: `datalyr tail`, events of a collector as they arrive.
 *
 * DESIGN
 * Pages by cursor until there is nothing more, then a wait for the next event
 * behind the cursor, which the collector answers when it has committed one. So
 * nothing is missed, whatever breaks in between: the cursor is all the state.
 */
#include "commands.h"
#include "read/event_line.h"
#include "read/query.h"
#include "say.h"
#include "session.h"
#include "stop.h"

#include "base/units.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PAGE_EVENTS "1000"
#define WAIT_TEXT   "20s"
#define PAUSE_MS    1000

struct tail {
    struct cli_fetch fetch;
    char cursor[64]; /* empty: not known yet */
    struct dlr_buf line;
    uint64_t wanted; /* --count; 0: no limit */
    uint64_t shown;
    int64_t until_ms; /* --timeout; 0: none */
    bool is_apart;    /* the connection is lost and that was said */
};

static void take_cursor(struct tail *tail, struct dlr_json_value answer)
{
    struct dlr_text text;

    if (dlr_json_plain_text(dlr_json_get(answer, DLR_TEXT("cursor")), &text) &&
        text.len < sizeof tail->cursor) {
        memcpy(tail->cursor, text.ptr, text.len);
        tail->cursor[text.len] = '\0';
    }
}

static bool is_enough(const struct tail *tail)
{
    return (tail->wanted > 0 && tail->shown >= tail->wanted) ||
           (tail->until_ms > 0 && cli_now_ms() >= tail->until_ms) ||
           cli_stop_is_wanted() || cli_out_failed();
}

static size_t show_events(struct tail *tail, struct dlr_json_value answer)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(dlr_json_get(answer, DLR_TEXT("events")));
    struct dlr_json_value event;
    size_t count = 0;

    while (!is_enough(tail) && dlr_json_next_element(&iter, &event)) {
        cli_event_line_print(event, &tail->line);
        tail->shown++;
        count++;
    }
    (void)fflush(stdout); /* failures are told at the end */
    return count;
}

static void pause_a_moment(void)
{
    struct timespec pause = {.tv_sec = PAUSE_MS / 1000};

    (void)nanosleep(&pause, NULL); /* a signal may cut it short */
}

/* Asks; a collector that was there before may come back. */
static bool ask(struct tail *tail, int *code)
{
    bool is_good = cli_fetch_run(&tail->fetch);

    *code = CLI_EXIT_OK;
    if (is_good && (tail->fetch.status == 200 || tail->fetch.status == 408)) {
        if (tail->is_apart) {
            cli_note("the collector is back; nothing was missed");
        }
        tail->is_apart = false;
        return true;
    }
    if (tail->cursor[0] == '\0' ||
        (tail->fetch.status >= 400 && tail->fetch.status < 500)) {
        *code = cli_fetch_complain(&tail->fetch);
        return false;
    }
    if (!tail->is_apart && !cli_stop_is_wanted()) {
        cli_note("the collector does not answer (%s); trying again",
                 tail->fetch.error);
    }
    tail->is_apart = true;
    if (!cli_stop_is_wanted()) {
        pause_a_moment();
    }
    return false;
}

/* Without --since: from now on. */
static int find_end(struct tail *tail)
{
    int code;

    if (cli_args_has(tail->fetch.args, "since")) {
        return CLI_EXIT_OK;
    }
    cli_fetch_begin(&tail->fetch, "/api/v1/stats");
    if (ask(tail, &code)) {
        take_cursor(tail, dlr_json_root(dlr_buf_text(&tail->fetch.body)));
    }
    return code;
}

static int begin_question(struct tail *tail, const char *path)
{
    int code;

    cli_fetch_begin(&tail->fetch, path);
    code = cli_query_add(&tail->fetch, tail->cursor[0] == '\0');
    if (tail->cursor[0] != '\0') {
        cli_fetch_add(&tail->fetch, DLR_TEXT("cursor"),
                      dlr_text_of(tail->cursor));
    }
    return code;
}

/* Shows what is there already. */
static int show_pages(struct tail *tail)
{
    bool has_more = true;

    while (has_more && !is_enough(tail)) {
        struct dlr_json_value answer;
        int code = begin_question(tail, "/api/v1/events");

        cli_fetch_add(&tail->fetch, DLR_TEXT("limit"), DLR_TEXT(PAGE_EVENTS));
        if (code != CLI_EXIT_OK || !ask(tail, &code)) {
            return code;
        }
        answer = dlr_json_root(dlr_buf_text(&tail->fetch.body));
        (void)show_events(tail, answer);
        take_cursor(tail, answer);
        (void)dlr_json_to_bool(dlr_json_get(answer, DLR_TEXT("more")),
                               &has_more);
    }
    return CLI_EXIT_OK;
}

/* Waits until there is something behind the cursor. */
static int wait_for_more(struct tail *tail)
{
    int64_t left_ms = tail->until_ms - cli_now_ms();
    char timeout[32] = WAIT_TEXT;
    int code = begin_question(tail, "/api/v1/wait");

    if (tail->until_ms > 0 && left_ms < 20000) {
        (void)snprintf(timeout, sizeof timeout, "%dms",
                       left_ms < 1 ? 1 : (int)left_ms);
    }
    cli_fetch_add(&tail->fetch, DLR_TEXT("timeout"), dlr_text_of(timeout));
    if (code == CLI_EXIT_OK) {
        (void)ask(tail, &code); /* what came is shown page by page */
    }
    return code;
}

static int follow(struct tail *tail)
{
    int code = find_end(tail);

    if (code == CLI_EXIT_OK && isatty(STDERR_FILENO) == 1) {
        cli_note("following %s (Ctrl-C ends it)", tail->fetch.collector);
    }
    while (code == CLI_EXIT_OK && !is_enough(tail)) {
        code = show_pages(tail);
        if (code == CLI_EXIT_OK && !is_enough(tail)) {
            code = wait_for_more(tail);
        }
    }
    return code;
}

static int read_flags(struct tail *tail, const struct cli_args *args)
{
    const char *count = cli_args_value(args, "count");
    const char *timeout = cli_args_value(args, "timeout");
    uint64_t ms;

    if (count != NULL && !dlr_parse_count(dlr_text_of(count), &tail->wanted)) {
        return cli_fail(CLI_EXIT_USAGE, "--count is %s: give a number", count);
    }
    if (timeout == NULL) {
        return CLI_EXIT_OK;
    }
    if (!dlr_parse_duration_ms(dlr_text_of(timeout), &ms) ||
        ms > (uint64_t)INT32_MAX) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--timeout is %s: give a time such as "
                        "30s",
                        timeout);
    }
    tail->until_ms = cli_now_ms() + (int64_t)ms;
    return CLI_EXIT_OK;
}

static int run(struct cli_args *args)
{
    struct tail tail = {0};
    int code = read_flags(&tail, args);

    if (code != CLI_EXIT_OK) {
        return code;
    }
    dlr_buf_init(&tail.line, CLI_LINE_MAX);
    cli_stop_install();
    code = cli_fetch_open(&tail.fetch, args)
               ? follow(&tail)
               : cli_fail(CLI_EXIT_LOCAL, "out of memory");
    if (code == CLI_EXIT_OK && tail.wanted > tail.shown &&
        !cli_stop_is_wanted()) {
        code = CLI_EXIT_SOME_NOT; /* the time was over before */
    }
    cli_fetch_close(&tail.fetch);
    dlr_buf_clear(&tail.line);
    if (cli_stop_is_wanted()) {
        code = CLI_EXIT_INTERRUPTED;
    }
    return cli_out_finish(code);
}

static const struct cli_flag flags[] = {
    {"count", "N", "end after N events; exit code 1 if fewer came in time"},
    {"timeout", "TIME", "end after this time"},
    CLI_QUERY_FLAGS,
    CLI_FETCH_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr tail event:purchase --since 10m", "purchases, ten minutes back"},
    {"datalyr tail user:user_123 --json | jq .properties", "one user"},
};

const struct cli_command cmd_tail = {
    .name = "tail",
    .usage = "[FILTER...] [FLAGS]",
    .summary = "show events of a collector as they arrive",
    .about = CLI_QUERY_ABOUT " Goes on by itself when the collector comes "
                             "back, from where it was.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .max_arguments = CLI_ANY_NUMBER,
    .run = run,
};
