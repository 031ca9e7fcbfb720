/* SPDX-License-Identifier: MIT */
/*
 * Batching: 100 events, far fewer requests, and nothing to do for it.
 *
 * A batch leaves when flush_at events wait or when the oldest has waited
 * flush_interval_ms. The vendor's ingest takes one event a request, so there the
 * library keeps up to max_in_flight requests going at once; a server that says
 * it takes batches (datalyrd does, in its first answer) gets batches from then
 * on. batch = DATALYR_BATCH_NEVER or _ALWAYS decides it by hand.
 */
#include "ledger_line.h"

#include <stdlib.h>

int main(void)
{
    datalyr_config config = {
        DATALYR_CONFIG_INIT,
        .flush_at = 20, /* as is the default */
        .flush_interval_ms = 10000,
    };
    datalyr_client *client = NULL;
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    int64_t left;

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "batching: %s\n", error.message);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < 100; i++) {
        char user[32];

        /* Encoded during the call: the buffer is ours again at once. */
        (void)snprintf(user, sizeof user, "user_%d", i);
        datalyr_track(client,
                      &(datalyr_event){
                          DATALYR_EVENT_INIT,
                          .user_id = user,
                          .event = "batch_event",
                          .properties = DATALYR_OBJECT({"index", DATALYR(i)}),
                      });
    }

    /* A fence: everything above is settled when it returns 0, also what was
     * already on the wire. Otherwise it is the number that is not, yet. */
    left = datalyr_flush(client, 5000);
    (void)datalyr_stats(client, &ledger); /* both arguments are there */
    printf("%" PRIu64 " events in %" PRIu64 " requests, %lld left\n",
           ledger.delivered, ledger.requests, (long long)left);

    (void)datalyr_close_within(&client, -1, &ledger);
    ledger_print(&ledger, ledger_now_seconds() - start);
    return left == 0 && ledger.delivered == ledger.calls ? EXIT_SUCCESS
                                                         : EXIT_FAILURE;
}
