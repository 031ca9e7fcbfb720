/* SPDX-License-Identifier: MIT */
/*
 * Configuration: three places for a setting, and what a wrong one says.
 *
 *   configuration [FILE]
 *
 * FILE has a setting a line, `flush_at = 50`; names and ranges are in
 * docs/settings.md. What the program writes down beats the file here, because
 * the file is read first; both beat the environment (DATALYR_FLUSH_AT), and
 * that beats the default.
 */
#include "ledger_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text;
}

/* One line of the file. Texts are copied, so the line may go away. */
static datalyr_status read_setting(datalyr_config *config, char *line,
                                   datalyr_error *error)
{
    char *equals = strchr(line, '=');

    line = trim(line);
    if (line[0] == '\0' || line[0] == '#') {
        return DATALYR_OK;
    }
    if (equals == NULL) {
        (void)snprintf(error->message, sizeof error->message,
                       "\"%.80s\" has no =", line);
        return DATALYR_INVALID;
    }
    *equals = '\0';
    return datalyr_config_set(config, trim(line), trim(equals + 1), error);
}

static datalyr_status read_file(datalyr_config *config, const char *path,
                                datalyr_error *error)
{
    FILE *file = fopen(path, "r");
    datalyr_status status = DATALYR_OK;
    char line[512];

    if (file == NULL) {
        (void)snprintf(error->message, sizeof error->message, "%.180s: %s",
                       path, strerror(errno));
        return DATALYR_IO;
    }
    while (status == DATALYR_OK && fgets(line, sizeof line, file) != NULL) {
        status = read_setting(config, line, error);
    }
    (void)fclose(file); /* was only read */
    return status;
}

int main(int argc, char **argv)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    datalyr_status status = DATALYR_OK;
    double start = ledger_now_seconds();

    if (argc > 1) {
        status = read_file(&config, argv[1], &error);
    }
    /* In the struct zero means "default", so nothing has to be spelled out. A
     * setting that can be nothing has a word for it. */
    config.flush_interval_ms = 5000;
    config.retry_limit = DATALYR_NEVER;

    /* Added to every event that does not bring its own. */
    config.default_properties = DATALYR_OBJECT(
        {"service", DATALYR("checkout")}, {"release", DATALYR("2026.11.2")});

    if (status == DATALYR_OK) {
        status = datalyr_open(&config, &client, &error);
    }
    datalyr_config_clear(&config); /* the client has its own copies */
    if (status != DATALYR_OK) {
        /* Such as: flush_at is 0; it takes 1 to 1000000 events */
        fprintf(stderr, "configuration: %s\n", error.message);
        return EXIT_FAILURE;
    }
    datalyr_track(client,
                  &(datalyr_event){DATALYR_EVENT_INIT, .user_id = "user_123",
                                   .event = "configured"});
    (void)datalyr_close_within(&client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return last.delivered == last.calls ? EXIT_SUCCESS : EXIT_FAILURE;
}
