/* SPDX-License-Identifier: MIT */
/*
 * Open: from a configuration to a client whose sender runs.
 */
#include "base/mem.h"
#include "client/client.h"
#include "client/config.h"
#include "model/refuse.h"
#include "os/clock.h"
#include "os/ids.h"
#include "transport/curl.h"
#include "transport/url.h"

#include <errno.h>
#include <string.h>

/* A quarter of the bytes is for the bodies of requests, the rest for the log:
 * together they keep the ceiling. */
#define BODY_SHARE 4

/* What max_batch_bytes may be at the least. */
#define BATCH_MIN_BYTES 1024

/* At most three quarters of the events are in flight, so that the rest can be
 * evicted for new ones. */
static uint64_t in_flight_limit(const datalyr_config *config)
{
    uint64_t limit = (uint64_t)config->max_queue_size / 4 * 3;

    if (config->overflow != DATALYR_DROP_OLDEST ||
        config->journal_dir != NULL) {
        return UINT64_MAX;
    }
    return limit == 0 ? 1 : limit;
}

static uint32_t batch_limit(const datalyr_config *config)
{
    int64_t half = config->max_queue_size / 2;
    int64_t limit =
        config->max_batch_events < half || config->journal_dir != NULL
            ? config->max_batch_events
            : half;

    return limit < 1 ? 1 : (uint32_t)limit;
}

/* With a journal the requests under way hold at most half of its bytes, for the
 * same reason. */
static size_t batch_bytes_limit(const datalyr_config *config)
{
    int64_t share = config->journal_max_bytes / 2 / config->max_in_flight;
    int64_t limit = config->max_batch_bytes;

    if (config->journal_dir != NULL && share < limit) {
        limit = share < BATCH_MIN_BYTES ? BATCH_MIN_BYTES : share;
    }
    return (size_t)limit;
}

static struct dlr_sender_settings sender_settings(datalyr_client *client)
{
    const datalyr_config *config = &client->config;
    bool is_limited = config->max_requests_per_second != INT64_MAX;
    bool has_journal = dlr_client_has_journal(client);
    struct dlr_sender_settings settings = {
        .hooks = config->hooks,
        .is_debug = dlr_client_is_debug(client),
        .timeout_ms = config->timeout_ms,
        .retry_limit = (uint32_t)config->retry_limit,
        .max_in_flight = (uint32_t)config->max_in_flight,
        .max_requests_per_second =
            is_limited ? (uint64_t)config->max_requests_per_second : 0,
        .batch = (datalyr_batch_mode)config->batch,
        .compression = (datalyr_compression_mode)config->compression,
        .max_batch_events = batch_limit(config),
        .max_batch_bytes = batch_bytes_limit(config),
        .body_budget = (size_t)config->max_queue_bytes / BODY_SHARE,
        .max_in_flight_events = in_flight_limit(config),
        .flush_at = (uint64_t)config->flush_at,
        .flush_interval_ms = config->flush_interval_ms,
        .journal = has_journal ? &client->journal : NULL,
        .heir = client->heir,
        .sync = has_journal ? &client->sync : NULL,
        .sync_interval_ms = config->journal_sync == DATALYR_SYNC_INTERVAL
                                ? config->journal_sync_interval_ms
                                : 0,
        .warning = client->warning,
    };

    return settings;
}

static struct dlr_queue_config queue_config(const datalyr_client *client)
{
    const datalyr_config *config = &client->config;
    uint64_t memory_bytes = (uint64_t)config->max_queue_bytes -
                            (uint64_t)config->max_queue_bytes / BODY_SHARE;
    bool has_journal = dlr_client_has_journal(client);
    struct dlr_queue_config settings = {
        .max_events =
            has_journal ? UINT64_MAX : (uint64_t)config->max_queue_size,
        .max_bytes =
            has_journal ? (uint64_t)config->journal_max_bytes : memory_bytes,
        .max_event_bytes = (uint32_t)config->max_event_bytes,
        .overflow = (datalyr_overflow)config->overflow,
        .block_timeout_ms = config->block_timeout_ms,
        .flush_at = (uint64_t)config->flush_at,
        .flush_interval_ms = config->flush_interval_ms,
        .keeps_dropped = config->hooks.on_drop != NULL,
        .memory_bytes = memory_bytes,
        .max_age_ms = config->journal_max_age_ms,
    };

    return settings;
}

static datalyr_status open_journal(datalyr_client *client, datalyr_error *error)
{
    const datalyr_config *config = &client->config;
    struct dlr_journal_config settings = {
        .path = config->journal_dir,
        .host = config->host,
        .api_key = config->api_key,
        .sync = (datalyr_sync_mode)config->journal_sync,
        .overflow = (datalyr_overflow)config->overflow,
        .memory_max = (uint64_t)config->max_queue_bytes / 2,
    };
    int failure = dlr_journal_open(&client->journal, &settings);

    if (failure == 0) {
        failure = dlr_sync_init(&client->sync);
    }
    if (failure == 0) {
        return DATALYR_OK;
    }
    return dlr_refuse_as(error, DATALYR_IO,
                         "journal_dir \"%.120s\" cannot be used: %s",
                         config->journal_dir,
                         failure == EPERM ? "it must belong to this user and "
                                            "be closed to others (chmod 700)"
                                          : strerror(failure));
}

datalyr_status dlr_client_prepare_queue(datalyr_client *client,
                                        datalyr_error *error)
{
    struct dlr_queue_config settings = queue_config(client);
    struct dlr_segment_maker maker = dlr_memory_segments;
    datalyr_status status = DATALYR_OK;

    if (dlr_client_has_journal(client)) {
        status = open_journal(client, error);
        maker = dlr_journal_maker(&client->journal);
    }
    if (status == DATALYR_OK &&
        dlr_queue_init(&client->queue, &settings, &maker) != 0) {
        status = DATALYR_NOMEM;
    }
    if (status == DATALYR_OK && dlr_client_has_journal(client)) {
        client->heir = dlr_heir_new(&client->journal, &client->queue,
                                    client->config.journal_max_age_ms);
        status = client->heir == NULL ? DATALYR_NOMEM : DATALYR_OK;
    }
    return status == DATALYR_NOMEM
               ? dlr_refuse_as(error, status, "out of memory for the queue")
               : status;
}

static datalyr_status open_transport(datalyr_client *client,
                                     datalyr_error *error)
{
    const datalyr_config *config = &client->config;
    struct dlr_curl_settings settings = {
        .url = config->host,
        .api_key = config->api_key,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
        .client_cert = config->client_cert,
        .client_key = config->client_key,
        .max_in_flight = (uint32_t)config->max_in_flight,
    };

    return dlr_curl_open(&settings, &client->transport, error);
}

datalyr_status dlr_client_start(datalyr_client *client, datalyr_error *error)
{
    struct dlr_sender_settings settings = sender_settings(client);
    struct dlr_clock clock = {0};
    datalyr_status status;
    int failure;

    status = open_transport(client, error);
    if (status != DATALYR_OK) {
        return status;
    }
    status = dlr_sender_new(&settings, &client->queue, client->transport,
                            &clock, &client->sender);
    if (status != DATALYR_OK) {
        (void)dlr_refuse_as(error, status, "out of memory for the sender");
        goto done;
    }
    failure = dlr_sender_start(client->sender);
    if (failure != 0) {
        status = dlr_refuse_as(error, DATALYR_IO,
                               "the sender thread cannot be started: %s",
                               strerror(failure));
    }
done:
    if (status != DATALYR_OK) {
        dlr_sender_free(client->sender);
        client->sender = NULL;
        dlr_transport_close(&client->transport);
    }
    return status;
}

/* What deserves a word although it works. */
static const char *find_warning(const datalyr_config *config,
                                const struct dlr_url *url)
{
    bool is_odd_key = strncmp(config->api_key, "dk_", 3) != 0;
    bool is_plain = !url->is_https && !url->is_loopback;

    if (is_odd_key && is_plain) {
        return "api_key does not start with dk_, and host uses http: the key "
               "and all events travel unencrypted";
    }
    if (is_odd_key) {
        return "api_key does not start with dk_: is it the write key from "
               "Settings, API Keys?";
    }
    return is_plain ? "host uses http: the key and all events travel "
                      "unencrypted; use https"
                    : NULL;
}

static datalyr_status fill(datalyr_client *client, const datalyr_config *given,
                           datalyr_error *error)
{
    struct dlr_url url;
    datalyr_status status = dlr_config_resolve(given, &client->config, error);

    if (status == DATALYR_OK) {
        status = dlr_url_read(client->config.host, &url, error);
    }
    if (status == DATALYR_OK) {
        status = dlr_defaults_init(&client->defaults,
                                   &client->config.default_properties, error);
    }
    if (status != DATALYR_OK) {
        return status;
    }
    client->config.default_properties = datalyr_none(); /* was borrowed */
    client->warning = find_warning(&client->config, &url);
    if (!dlr_ids_make_anonymous(client->anonymous_id)) {
        return dlr_refuse_as(error, DATALYR_IO,
                             "the system gives no randomness for ids");
    }
    if (dlr_mutex_init(&client->birth) != 0) {
        return dlr_refuse_as(error, DATALYR_NOMEM,
                             "out of memory for the client");
    }
    return dlr_client_prepare_queue(client, error);
}

static void release(datalyr_client *client)
{
    if (client == NULL) {
        return;
    }
    dlr_fork_remove_hook(&client->fork_hook);
    dlr_client_release_queue(client);
    dlr_defaults_clear(&client->defaults);
    datalyr_config_clear(&client->config);
    dlr_free(client);
}

datalyr_status datalyr_open(const datalyr_config *config,
                            datalyr_client **client, datalyr_error *error)
{
    datalyr_client *made = NULL;
    datalyr_status status = DATALYR_NOMEM;

    if (error != NULL) {
        memset(error, 0, sizeof *error);
    }
    if (client == NULL) {
        return dlr_refuse(error, "client is NULL: there is no place for it");
    }
    *client = NULL;
    if (dlr_registry_prepare() != 0) {
        return dlr_refuse_as(error, DATALYR_IO, "libcurl cannot be used");
    }
    made = dlr_calloc(1, sizeof *made);
    if (made == NULL) {
        return dlr_refuse_as(error, status, "out of memory for a client");
    }
    made->journal.dir = -1;
    made->journal.lock_file = -1;
    status = fill(made, config, error);
    atomic_store(&made->generation, dlr_fork_generation());
    if (status == DATALYR_OK && dlr_client_watch_forks(made) != 0) {
        status = dlr_refuse_as(error, DATALYR_NOMEM, "out of memory");
    }
    /* Last, for nothing may fail any more once the thread runs. */
    if (status == DATALYR_OK && dlr_client_is_enabled(made)) {
        status = dlr_client_start(made, error);
    }
    if (status == DATALYR_OK) {
        dlr_registry_add(made);
        *client = made;
        made = NULL; /* handed over: the next line frees nothing */
    }
    release(made);
    return status;
}
