/* SPDX-License-Identifier: MIT */
/*
 * Error handling: there is nothing to catch, and nothing disappears.
 *
 *   error_handling [DEAD-LETTERS]
 *
 * Around `await datalyr.track()` in Node people write try and catch, but what
 * goes wrong on the way never gets there. In C there are three places, and each
 * fault shows in exactly one:
 *
 *   the call's result   the event is no event; nothing was queued
 *   on_error            an attempt failed; the library tries again by itself
 *   on_drop             the library gave up: here is the event, whole
 */
#include "ledger_line.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hooks run on the library's thread, one at a time, so the file needs no lock.
 * Keep them short: the next delivery waits for them. */
struct sink {
    FILE *dead_letters;
};

static void tell_error(const datalyr_failure *failure, void *user_data)
{
    (void)user_data;
    fprintf(stderr, "attempt %d for %zu events: %s; %s\n",
            (int)failure->attempt, failure->count, failure->message,
            failure->retry_in_ms < 0 ? "no retry" : "will try again");
}

/* A line a dropped event: `datalyr import FILE` sends them later, with the ids
 * they have, so that nothing counts twice. */
static void keep_dropped(const datalyr_record *events, size_t count,
                         datalyr_drop_reason reason, void *user_data)
{
    struct sink *sink = user_data;

    fprintf(stderr, "%zu events given up: %s\n", count,
            datalyr_drop_reason_name(reason));
    for (size_t i = 0; events != NULL && i < count; i++) {
        fprintf(sink->dead_letters, "%s\n", events[i].json);
    }
}

static void track_purchase(datalyr_client *client, const char *user_id,
                           double revenue)
{
    datalyr_error error;
    datalyr_event event = {
        DATALYR_EVENT_INIT,
        .user_id = user_id,
        .event = "purchase",
        .properties = DATALYR_OBJECT({"revenue", DATALYR(revenue)}),
    };

    /* datalyr_track() says whether, this one also says why. */
    if (datalyr_track_e(client, &event, &error) != DATALYR_OK) {
        fprintf(stderr, "refused: %s\n", error.message);
    }
}

static int work(struct sink *sink)
{
    datalyr_config config = {
        DATALYR_CONFIG_INIT,
        .hooks = {.on_error = tell_error,
                  .on_drop = keep_dropped,
                  .user_data = sink},
    };
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "error_handling: %s\n", error.message);
        return EXIT_FAILURE;
    }
    track_purchase(client, "user_123", 99.99);
    track_purchase(client, NULL, 99.99);       /* whose? */
    track_purchase(client, "user_123", NAN);   /* how much? */
    track_purchase(client, "user_\xFF", 9.99); /* not UTF-8 */

    (void)datalyr_close_within(&client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return datalyr_ledger_dropped(&last) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "dead-letters.ndjson";
    struct sink sink = {fopen(path, "a")};
    int result;

    if (sink.dead_letters == NULL) {
        fprintf(stderr, "error_handling: %s: %s\n", path, strerror(errno));
        return EXIT_FAILURE;
    }
    result = work(&sink);
    if (fclose(sink.dead_letters) != 0) {
        fprintf(stderr, "error_handling: %s: %s\n", path, strerror(errno));
        result = EXIT_FAILURE;
    }
    return result;
}
