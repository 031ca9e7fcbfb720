/* SPDX-License-Identifier: MIT */
/* A real client on a port where nobody listens: every request fails at once,
 * so hooks, drops and deadlines are seen without a server. */
#ifndef DATALYR_TESTS_SUPPORT_CLIENT_RIG_H
#define DATALYR_TESTS_SUPPORT_CLIENT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <datalyr.h>
#include <string.h>

#define CLIENT_RIG_HOST "http://127.0.0.1:1/track"

static inline datalyr_config client_rig_config(void)
{
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_test_key",
                             .host = CLIENT_RIG_HOST};

    return config;
}

static inline datalyr_client *client_rig_open(const datalyr_config *config)
{
    datalyr_client *client = NULL;
    datalyr_error error = {0};

    if (datalyr_open(config, &client, &error) != DATALYR_OK) {
        fail_msg("%s", error.message);
    }
    assert_non_null(client);
    return client;
}

static inline datalyr_ledger client_rig_ledger(datalyr_client *client)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
    assert_int_equal(ledger.calls,
                     ledger.accepted + datalyr_ledger_refused(&ledger));
    assert_int_equal(ledger.accepted + ledger.recovered,
                     ledger.delivered + datalyr_ledger_dropped(&ledger) +
                         ledger.pending);
    return ledger;
}

static inline datalyr_status client_rig_track(datalyr_client *client)
{
    return datalyr_track(
        client,
        &(datalyr_event){DATALYR_EVENT_INIT, .user_id = "u", .event = "e"});
}

#endif
