/* SPDX-License-Identifier: MIT */
/* A program of somebody else, built against the installed library: records one
 * event for a server that is not there, closes, and shows that the event is
 * accounted for. */
#include <datalyr.h>
#include <stdio.h>
#include <string.h>

static int lost_event_count;

static void count_drops(const datalyr_record *events, size_t count,
                        datalyr_drop_reason reason, void *user_data)
{
    (void)events;
    (void)reason;
    (void)user_data;
    lost_event_count += (int)count;
}

int main(void)
{
    datalyr_config config = {
        DATALYR_CONFIG_INIT,
        .api_key = "dk_package_test",
        .host = "http://127.0.0.1:9/track",
        .close_timeout_ms = 50,
        .hooks = {.on_drop = count_drops},
    };
    datalyr_client *client = NULL;
    datalyr_error error;

    if (strcmp(datalyr_version(), DATALYR_VERSION) != 0) {
        return 2;
    }
    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 3;
    }
    if (datalyr_track(client, &(datalyr_event){
                                  DATALYR_EVENT_INIT,
                                  .user_id = "user_123",
                                  .event = "installed",
                              }) != DATALYR_OK) {
        return 4;
    }
    (void)datalyr_close(&client); /* cannot be in time: nobody listens */
    printf("version %s, dropped %d\n", datalyr_version(), lost_event_count);
    return lost_event_count == 1 ? 0 : 5;
}
