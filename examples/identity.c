/* SPDX-License-Identifier: MIT */
/*
 * Identity: what somebody did before you knew who it was becomes theirs.
 *
 *   identity [ANONYMOUS-ID]
 *
 * In the browser the Web SDK has an anonymous id (`datalyr.getAnonymousId()`);
 * the page sends it along with the sign-up form, and the server puts it beside
 * the user's id on one event. That event is the link: nothing else is needed,
 * and it works backwards in time.
 *
 * The Node SDK makes up an anonymous id for an event that has no id at all.
 * Here such a call is refused: it would make a new visitor each time.
 */
#include "ledger_line.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    char made[DATALYR_ANONYMOUS_ID_SIZE];
    const char *anonymous_id =
        argc > 1 ? argv[1] : datalyr_new_anonymous_id(made);

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "identity: %s\n", error.message);
        return EXIT_FAILURE;
    }

    /* 1. A visitor reads. Pages may be anonymous: the id goes into the options,
     * which every call takes. */
    datalyr_options visitor = {DATALYR_OPTIONS_INIT,
                               .anonymous_id = anonymous_id};
    datalyr_page(
        client, NULL, "Pricing",
        DATALYR_OBJECT({"url", DATALYR("https://example.com/pricing")}),
        &visitor);

    /* 2. The visitor signs up: the one event with both ids. */
    datalyr_track(client, &(datalyr_event){
                              DATALYR_EVENT_INIT,
                              .user_id = "user_123",
                              .anonymous_id = anonymous_id,
                              .event = "signup",
                              .properties = DATALYR_OBJECT(
                                  {"email", DATALYR("ada@example.com")}),
                          });

    /* 3. From now on the user's id is enough. */
    datalyr_track(client,
                  &(datalyr_event){DATALYR_EVENT_INIT, .user_id = "user_123",
                                   .event = "subscribed"});

    /* identify() links too, where there is no event of its own to carry it. */
    datalyr_identify(client, "user_123",
                     DATALYR_OBJECT({"email", DATALYR("ada@example.com")}),
                     &visitor);

    /* Two user ids of one person, such as after two accounts were merged. */
    datalyr_alias(client, "user_123", "user_of_the_old_shop", NULL);

    (void)datalyr_close_within(&client, -1, &last);
    printf("%s is user_123\n", anonymous_id);
    ledger_print(&last, ledger_now_seconds() - start);
    return last.delivered == last.calls ? EXIT_SUCCESS : EXIT_FAILURE;
}
