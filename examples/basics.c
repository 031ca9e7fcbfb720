/* SPDX-License-Identifier: MIT */
/*
 * Basics: every kind of event once.
 *
 * From Node: `new Datalyr('dk_…')` is datalyr_open(), `await datalyr.close()`
 * is datalyr_close(). There is nothing to await in between: a call copies the
 * event into the queue and returns, and a thread of the library delivers it.
 *
 * The key and, if it is not the vendor's, the address come from the environment
 * here: DATALYR_API_KEY, DATALYR_HOST. Or write them down:
 *
 *     .api_key = "dk_your_api_key", .host = "http://127.0.0.1:8484/track",
 */
#include "ledger_line.h"

#include <stdlib.h>

static void track(datalyr_client *client)
{
    /* A user you know. What is not named is not sent. */
    datalyr_track(
        client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = "user_123",
            .event = "purchase",
            .properties = DATALYR_OBJECT(
                {"revenue", DATALYR(99.99)}, {"currency", DATALYR("USD")},
                {"products",
                 DATALYR_LIST(DATALYR("prod_456"), DATALYR("prod_789"))}),
        });

    /* Somebody you do not know yet. */
    datalyr_track(client,
                  &(datalyr_event){
                      DATALYR_EVENT_INIT,
                      .anonymous_id = "anon_abc123",
                      .event = "signup",
                      .properties = DATALYR_OBJECT({"plan", DATALYR("pro")}),
                  });

    /* Both: from here on they are one person, also in what went before. */
    datalyr_track(client,
                  &(datalyr_event){
                      DATALYR_EVENT_INIT,
                      .user_id = "user_123",
                      .anonymous_id = "anon_abc123",
                      .event = "login",
                      .properties = DATALYR_OBJECT(
                          {"method", DATALYR("email")},
                          {"remember_me", DATALYR_TRUE}, /* not DATALYR(true) */
                          {"invited_by", DATALYR_NULL}),
                  });
}

int main(void)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "basics: %s\n", error.message);
        return EXIT_FAILURE;
    }
    track(client);

    /* Who the user is, where the user works, what the user saw. */
    datalyr_identify(client, "user_123",
                     DATALYR_OBJECT({"email", DATALYR("john@example.com")},
                                    {"name", DATALYR("John Doe")},
                                    {"plan", DATALYR("enterprise")}),
                     NULL);
    datalyr_group(client, "user_123", "company_456",
                  DATALYR_OBJECT({"name", DATALYR("Acme Corp")},
                                 {"employees", DATALYR(500)}),
                  NULL);
    datalyr_page(client, "user_123", "Landing Page",
                 DATALYR_OBJECT({"url", DATALYR("https://example.com")},
                                {"referrer", DATALYR("https://google.com")}),
                 NULL);
    datalyr_alias(client, "user_123", "user_old", NULL);
    datalyr_track_purchase(
        client, "user_123",
        &(datalyr_purchase){.value = 99.99, .currency = "usd"}, NULL);

    printf("this client is %s\n", datalyr_anonymous_id(client));

    /* Waits until all of it is delivered, 30 seconds at most. datalyr_close()
     * is enough; this one also hands over the final account. */
    (void)datalyr_close_within(&client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return last.delivered == last.calls ? EXIT_SUCCESS : EXIT_FAILURE;
}
