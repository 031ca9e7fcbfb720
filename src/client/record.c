/* SPDX-License-Identifier: MIT */
/*
 * Record: the calls that record events.
 *
 * DESIGN
 * Every call becomes a struct dlr_call, is encoded on the caller's stack, and
 * the bytes are appended to the log: one encoding, one copy, no allocation and
 * no system call on the way of a usual event. Only an event too large for the
 * stack buffer is encoded again into memory of its full size.
 */
#include "base/escape.h"
#include "base/mem.h"
#include "client/client.h"
#include "model/calls.h"
#include "model/json_call.h"
#include "model/refuse.h"
#include "os/clock.h"
#include "os/ids.h"

#include <stdio.h>

/* Holds ten usual events; small enough for the stacks of threads and fibers. */
#define SCRATCH_BYTES 8192u

/* Strings of one JSON call, together. */
#define STRINGS_MAX_BYTES ((size_t)8 << 20)

static _Thread_local struct dlr_time_cache time_cache;

/* Ids and time for an event that brings none. */
struct stamping {
    char event_id[DLR_UUID_CAP];
    struct dlr_stamp stamp;
};

static bool make_stamp(const struct dlr_call *call, struct stamping *stamping)
{
    int64_t now_ms = dlr_clock_realtime_ms();

    stamping->stamp.event_id = stamping->event_id;
    stamping->stamp.time = dlr_time_cache_text(&time_cache, now_ms);
    return stamping->stamp.time != NULL &&
           (dlr_call_has_event_id(call) ||
            dlr_ids_make_v7(now_ms, stamping->event_id));
}

static void wake(void *self)
{
    datalyr_client *client = self;

    dlr_sender_wake(client->sender);
}

/* Not for on_log: hooks run on the library's thread, and one that records an
 * event would call itself from here. */
static void say_queued(const datalyr_client *client, const char *event)
{
    char name[128];

    if (client->config.hooks.on_log == NULL) {
        (void)dlr_escape_copy(dlr_text_of(event), name, sizeof name);
        (void)fprintf(stderr, "[Datalyr] Event queued: %s\n", name);
    }
}

/* An event that could not be brought to the disk is accepted all the same: it is
 * in the journal, outlives the process and will be sent. Calling it refused
 * would have it recorded twice. */
static void sync_now(datalyr_client *client)
{
    int error = dlr_sync_wait(&client->sync, &client->queue);

    if (error != 0) {
        dlr_journal_note_error(&client->journal, error);
    }
}

static datalyr_status append(datalyr_client *client,
                             const struct dlr_call *call, struct dlr_text json,
                             datalyr_error *error)
{
    struct dlr_waiter waiter = {wake, client};
    bool is_in_hook = dlr_sender_is_current(client->sender);
    bool wake_sender;
    datalyr_status status = dlr_queue_append(
        &client->queue, json, is_in_hook ? NULL : &waiter, &wake_sender);

    if (wake_sender) {
        dlr_sender_wake(client->sender);
    }
    if (status != DATALYR_OK) {
        return dlr_refuse_as(error, status, "%s", datalyr_status_text(status));
    }
    if (client->config.journal_sync == DATALYR_SYNC_ALWAYS &&
        dlr_client_has_journal(client)) {
        sync_now(client);
    }
    if (dlr_client_is_debug(client)) {
        say_queued(client, call->event);
    }
    return DATALYR_OK;
}

static datalyr_status count_refusal(datalyr_client *client,
                                    datalyr_status status)
{
    dlr_queue_refuse(&client->queue, status == DATALYR_TOO_LARGE
                                         ? DATALYR_REFUSED_TOO_LARGE
                                     : status == DATALYR_NOMEM
                                         ? DATALYR_REFUSED_QUEUE_FULL
                                         : DATALYR_REFUSED_VALIDATION_ERROR);
    return status;
}

static datalyr_status refuse_too_large(const datalyr_client *client,
                                       const struct dlr_call *call,
                                       datalyr_error *error)
{
    return dlr_refuse_as(error, DATALYR_TOO_LARGE,
                         "the event \"%.80s\" is larger than max_event_bytes, "
                         "which is %lld",
                         call->event,
                         (long long)client->config.max_event_bytes);
}

static datalyr_status deliver(datalyr_client *client,
                              const struct dlr_call *call,
                              const struct dlr_buf *encoded,
                              datalyr_error *error)
{
    bool is_too_large = encoded->len > (size_t)client->config.max_event_bytes;

    if (!dlr_client_is_enabled(client) && !is_too_large) {
        dlr_queue_refuse(&client->queue, DATALYR_REFUSED_DISABLED);
        return DATALYR_OK;
    }
    if (is_too_large) {
        return count_refusal(client, refuse_too_large(client, call, error));
    }
    return append(client, call, dlr_buf_text(encoded), error);
}

/* Whether a buffer that failed did so at its ceiling: then there is memory for
 * all of it. */
static bool was_ceiling(const struct dlr_buf *buf)
{
    struct dlr_buf probe;
    bool has_memory;

    dlr_buf_init(&probe, buf->max);
    has_memory = dlr_buf_reserve(&probe, buf->max) != NULL;
    dlr_buf_clear(&probe);
    return has_memory;
}

/* The rare event that is larger than the scratch buffer. */
static datalyr_status record_large(datalyr_client *client,
                                   const struct dlr_call *call,
                                   const struct dlr_stamp *stamp,
                                   datalyr_error *error)
{
    size_t max = (size_t)client->config.max_event_bytes;
    struct dlr_buf encoded;
    datalyr_status status;

    dlr_buf_init(&encoded, max);
    status = dlr_event_encode(call, stamp, &encoded, error);
    if (status == DATALYR_OK) {
        status = deliver(client, call, &encoded, error);
    } else {
        if (status == DATALYR_NOMEM && was_ceiling(&encoded)) {
            status = refuse_too_large(client, call, error);
        }
        (void)count_refusal(client, status);
    }
    dlr_buf_clear(&encoded);
    return status;
}

static datalyr_status record(datalyr_client *client, struct dlr_call *call,
                             datalyr_error *error)
{
    char scratch[SCRATCH_BYTES];
    struct dlr_buf encoded;
    struct stamping stamping;
    datalyr_status status = dlr_client_adopt(client);

    if (status != DATALYR_OK) {
        return dlr_refuse_as(error, status, "the forked client has no sender");
    }
    if (!make_stamp(call, &stamping)) {
        return count_refusal(client,
                             dlr_refuse_as(error, DATALYR_NOMEM,
                                           "the system gives no randomness or "
                                           "no valid time"));
    }
    dlr_buf_init_fixed(&encoded, scratch, sizeof scratch);
    status = dlr_event_encode(call, &stamping.stamp, &encoded, error);
    if (status == DATALYR_OK) {
        return deliver(client, call, &encoded, error);
    }
    if (status == DATALYR_NOMEM) {
        return record_large(client, call, &stamping.stamp, error);
    }
    return count_refusal(client, status);
}

static datalyr_status refuse_closed(datalyr_error *error)
{
    return dlr_refuse_as(error, DATALYR_CLOSED,
                         "client is NULL: it was never "
                         "opened, or is closed");
}

/* Records a call, or counts that its own checks refused it. Without a client
 * neither: that outranks whatever else is wrong with the call. */
static datalyr_status conclude(datalyr_client *client, struct dlr_call *call,
                               datalyr_status status, datalyr_error *error)
{
    if (client == NULL) {
        return refuse_closed(error);
    }
    if (status == DATALYR_OK) {
        if (call->takes_defaults) {
            call->properties.defaults = &client->defaults;
        }
        return record(client, call, error);
    }
    if (dlr_client_adopt(client) == DATALYR_OK) {
        (void)count_refusal(client, status);
    }
    return status;
}

datalyr_status datalyr_track_e(datalyr_client *client,
                               const datalyr_event *event, datalyr_error *error)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_track(&call, event, error);

    return conclude(client, &call, status, error);
}

datalyr_status datalyr_track(datalyr_client *client, const datalyr_event *event)
{
    return datalyr_track_e(client, event, NULL);
}

datalyr_status datalyr_track_json(datalyr_client *client, const char *text,
                                  size_t len, datalyr_error *error)
{
    struct dlr_buf strings;
    struct dlr_call call = {0};
    datalyr_status status;

    if (client == NULL) {
        return refuse_closed(error);
    }
    dlr_buf_init(&strings, STRINGS_MAX_BYTES);
    status = text == NULL ? dlr_refuse(error, "text is NULL")
                          : dlr_call_from_json(&call, dlr_text_n(text, len),
                                               &strings, error);
    status = conclude(client, &call, status, error);
    dlr_buf_clear(&strings);
    return status;
}

datalyr_status datalyr_identify(datalyr_client *client, const char *user_id,
                                datalyr_value traits,
                                const datalyr_options *options)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_options(&call, options, NULL);

    if (status == DATALYR_OK) {
        status = dlr_call_identify(&call, user_id, traits, NULL);
    }
    return conclude(client, &call, status, NULL);
}

datalyr_status datalyr_group(datalyr_client *client, const char *user_id,
                             const char *group_id, datalyr_value traits,
                             const datalyr_options *options)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_options(&call, options, NULL);

    if (status == DATALYR_OK) {
        status = dlr_call_group(&call, user_id, group_id, traits, NULL);
    }
    return conclude(client, &call, status, NULL);
}

datalyr_status datalyr_page(datalyr_client *client, const char *user_id,
                            const char *name, datalyr_value properties,
                            const datalyr_options *options)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_options(&call, options, NULL);

    if (status == DATALYR_OK) {
        status = dlr_call_page(&call, user_id, name, properties, NULL);
    }
    return conclude(client, &call, status, NULL);
}

datalyr_status datalyr_alias(datalyr_client *client, const char *user_id,
                             const char *previous_id,
                             const datalyr_options *options)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_options(&call, options, NULL);

    if (status == DATALYR_OK) {
        status = dlr_call_alias(&call, user_id, previous_id, NULL);
    }
    return conclude(client, &call, status, NULL);
}

datalyr_status datalyr_track_purchase(datalyr_client *client,
                                      const char *user_id,
                                      const datalyr_purchase *purchase,
                                      const datalyr_options *options)
{
    struct dlr_call call;
    datalyr_status status = dlr_call_options(&call, options, NULL);

    if (status == DATALYR_OK) {
        status = dlr_call_purchase(&call, user_id, purchase, NULL);
    }
    return conclude(client, &call, status, NULL);
}

const char *datalyr_anonymous_id(datalyr_client *client)
{
    return client == NULL ? "" : client->anonymous_id;
}

char *datalyr_new_anonymous_id(char buffer[DATALYR_ANONYMOUS_ID_SIZE])
{
    if (!dlr_ids_make_anonymous(buffer)) {
        buffer[0] = '\0'; /* and the event that carries it is refused */
    }
    return buffer;
}
