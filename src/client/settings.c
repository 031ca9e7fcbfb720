/* SPDX-License-Identifier: MIT */
/*
 * Settings: the table. From it come the defaults of datalyr_config, the names
 * that datalyr_config_set() and the environment take, the flags of the command
 * line, the options of the Node binding and docs/settings.md.
 */
#include "client/settings.h"

#include <stddef.h>
#include <string.h>

#define KIB    ((int64_t)1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define AT(field) offsetof(datalyr_config, field)

#define TEXT(field, preset, text)                                              \
    {                                                                          \
        {#field, preset, "", text, false, false}, DLR_SETTING_TEXT, AT(field), \
            0, 0, 0, false, false, NULL                                        \
    }
#define SECRET(field, text)                                                  \
    {                                                                        \
        {#field, "", "", text, false, true}, DLR_SETTING_TEXT, AT(field), 0, \
            0, 0, false, false, NULL                                         \
    }
#define NUMBER(field, kind, preset, shown, range, low, high, text)           \
    {                                                                        \
        {#field, shown, range, text, false, false}, kind, AT(field), preset, \
            low, high, false, false, NULL                                    \
    }
#define OR_NEVER(field, kind, preset, shown, range, low, high, text)         \
    {                                                                        \
        {#field, shown, range, text, false, false}, kind, AT(field), preset, \
            low, high, true, false, NULL                                     \
    }
#define OR_UNLIMITED(field, kind, preset, shown, range, low, high, text)     \
    {                                                                        \
        {#field, shown, range, text, false, false}, kind, AT(field), preset, \
            low, high, false, true, NULL                                     \
    }
#define CHOICE(field, preset, shown, range, list, text)                 \
    {                                                                   \
        {#field, shown, range, text, false, false}, DLR_SETTING_CHOICE, \
            AT(field), preset, 1, 0, false, false, list                 \
    }
#define SWITCH(field, preset, shown, text)                                  \
    {                                                                       \
        {#field, shown, "true or false", text, true, false},                \
            DLR_SETTING_SWITCH, AT(field), preset, 1, 2, false, false, NULL \
    }

static const char *const overflow_choices[] = {"drop_oldest", "refuse", "block",
                                               NULL};
static const char *const batch_choices[] = {"auto", "always", "never", NULL};
static const char *const compression_choices[] = {"auto", "none", "gzip", NULL};
static const char *const sync_choices[] = {"none", "interval", "always", NULL};

static const struct dlr_setting_row rows[] = {
    SECRET(api_key, "The write key of the workspace, from Settings, API Keys; "
                    "a key that does not start with dk_ draws one warning."),
    TEXT(host, "https://ingest.datalyr.com/track",
         "The full URL that events are posted to, used verbatim; http to a "
         "host that is not this machine draws one warning."),
    NUMBER(flush_at, DLR_SETTING_COUNT, 20, "20", "1 to 1000000 events", 1,
           1000000, "Send when this many events wait."),
    NUMBER(flush_interval_ms, DLR_SETTING_DURATION, 10 * SECOND, "10s",
           "10ms to 24h", 10, DAY, "Or when the oldest has waited this long."),
    NUMBER(timeout_ms, DLR_SETTING_DURATION, 10 * SECOND, "10s", "10ms to 10m",
           10, 10 * MINUTE,
           "One request, from start to end, connecting included."),
    OR_NEVER(retry_limit, DLR_SETTING_COUNT, 3, "3", "0 to 100 retries", 0, 100,
             "Retries after the first attempt; then the events rest one flush "
             "interval, and after 10 such cycles they are dropped."),
    NUMBER(max_queue_size, DLR_SETTING_COUNT, 1000, "1000",
           "1 to 1000000000 events", 1, 1000000000,
           "Events waiting and in flight."),
    NUMBER(max_queue_bytes, DLR_SETTING_SIZE, 64 * MIB, "64MiB",
           "64KiB to 64GiB", 64 * KIB, 64 * GIB,
           "The same in bytes, segments and request bodies included."),
    NUMBER(max_event_bytes, DLR_SETTING_SIZE, MIB, "1MiB", "256B to 8MiB", 256,
           8 * MIB, "A larger event is refused at the call."),
    CHOICE(overflow, DATALYR_DROP_OLDEST, "drop_oldest",
           "drop_oldest, refuse or block", overflow_choices,
           "What a full queue does: evict the oldest event that is not in "
           "flight, refuse the new one, or let the call wait for room."),
    OR_NEVER(block_timeout_ms, DLR_SETTING_DURATION, 30 * SECOND, "30s",
             "0 to 24h", 0, DAY,
             "How long a call waits for room with overflow=block."),
    CHOICE(batch, DATALYR_BATCH_AUTO, "auto", "auto, always or never",
           batch_choices,
           "Whether events travel in batches; auto does so as soon as the "
           "server says that it takes them."),
    NUMBER(max_batch_events, DLR_SETTING_COUNT, 10000, "10000",
           "1 to 100000 events", 1, 100000,
           "Most events in one batch; never more than half of max_queue_size."),
    NUMBER(max_batch_bytes, DLR_SETTING_SIZE, 8 * MIB, "8MiB", "1KiB to 64MiB",
           KIB, 64 * MIB,
           "Largest body of one batch, before compression; an event larger "
           "than that travels alone. With a journal less, where max_in_flight "
           "of them would hold more than half of journal_max_bytes."),
    NUMBER(max_in_flight, DLR_SETTING_COUNT, 10, "10", "1 to 1000 requests", 1,
           1000, "Requests at a time; 1 gives strict order."),
    OR_UNLIMITED(max_requests_per_second, DLR_SETTING_COUNT, 1000, "1000",
                 "1 to 1000000 requests, or unlimited", 1, 1000000,
                 "The vendor's documented limit, kept on our side."),
    CHOICE(compression, DATALYR_COMPRESSION_AUTO, "auto", "auto, none or gzip",
           compression_choices,
           "Whether bodies are compressed; auto uses gzip above 2 KiB when "
           "the server says that it accepts it."),
    OR_NEVER(close_timeout_ms, DLR_SETTING_DURATION, 30 * SECOND, "30s",
             "0 to 1h", 0, HOUR, "How long close may take to deliver."),
    OR_NEVER(exit_timeout_ms, DLR_SETTING_DURATION, 5 * SECOND, "5s", "0 to 1h",
             0, HOUR, "The same at the exit of a program that did not close."),
    TEXT(journal_dir, "",
         "Directory of the durable queue; without it events wait in memory."),
    NUMBER(journal_max_bytes, DLR_SETTING_SIZE, GIB, "1GiB", "1MiB to 1024GiB",
           MIB, 1024 * GIB, "Ceiling of this process's files in journal_dir."),
    OR_UNLIMITED(journal_max_age_ms, DLR_SETTING_DURATION, 7 * DAY, "7d",
                 "1m to 3650d, or unlimited", MINUTE, 3650 * DAY,
                 "Events in the journal older than this are dropped."),
    CHOICE(journal_sync, DATALYR_SYNC_NONE, "none", "none, interval or always",
           sync_choices,
           "What a power cut may take; a kill of the process takes nothing in "
           "any of them."),
    NUMBER(journal_sync_interval_ms, DLR_SETTING_DURATION, SECOND, "1s",
           "10ms to 1h", 10, HOUR, "Time between syncs of interval."),
    TEXT(proxy, "",
         "Proxy URL; without it curl's environment variables apply. Never "
         "used for this machine itself."),
    TEXT(ca_file, "", "Certificates that are trusted, as one PEM file."),
    TEXT(client_cert, "", "Certificate shown to the server, PEM."),
    TEXT(client_key, "", "Its private key, PEM."),
    SWITCH(debug, DATALYR_OFF, "false",
           "Log lines on standard error: what is queued, sent and retried."),
    SWITCH(enabled, DATALYR_ON, "true",
           "With false every call is checked, counted as disabled and "
           "forgotten, for tests."),
};

const struct dlr_setting_row *dlr_setting_row_at(size_t index)
{
    return index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}

const struct dlr_setting_row *dlr_setting_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].shown.name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const datalyr_setting *datalyr_setting_at(size_t index)
{
    const struct dlr_setting_row *row = dlr_setting_row_at(index);

    return row == NULL ? NULL : &row->shown;
}
