/* SPDX-License-Identifier: MIT */
/*
 * Watch: what a client is asked and told beside events: its ledger, its ids,
 * flush and close.
 */
#include "script.h"

#include <string.h>

/* The handle given as the first argument, and up to two arguments behind it.
 * NULL with an exception pending. */
static struct dln_handle *read_arguments(napi_env env, napi_callback_info info,
                                         napi_value rest[2])
{
    napi_value arguments[3];
    size_t count = 3;

    if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
        (void)dln_script_fail(env, "bad arguments");
        return NULL;
    }
    rest[0] = arguments[1];
    rest[1] = arguments[2];
    return dln_script_handle(env, arguments[0]);
}

static void read_ledger(struct dln_handle *handle, datalyr_ledger *ledger)
{
    if (handle->client == NULL) {
        *ledger = handle->last;
    } else {
        (void)datalyr_stats(handle->client, ledger);
    }
}

/* gauge(handle, Float64Array): pending, delivered, failed attempts, settled
 * by the server (an eviction is no sign of life), and what does not change: max_queue_size, close and exit time-outs, debug,
 * journal, retry_limit. One array, used again and again: it costs no garbage. */
napi_value dln_gauge(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    napi_typedarray_type type;
    size_t length = 0;
    void *data = NULL;
    double *out;

    if (handle == NULL) {
        return NULL;
    }
    if (napi_get_typedarray_info(env, rest[0], &type, &length, &data, NULL,
                                 NULL) != napi_ok ||
        type != napi_float64_array || length < 10) {
        return dln_script_fail(env, "a Float64Array of 10 is expected");
    }
    read_ledger(handle, &ledger);
    out = data;
    out[0] = (double)ledger.pending;
    out[1] = (double)ledger.delivered;
    out[2] = (double)ledger.failures;
    out[3] = (double)(ledger.delivered + datalyr_ledger_dropped(&ledger) -
                      ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW]);
    out[4] = (double)handle->max_queue_size;
    out[5] = (double)handle->close_timeout_ms;
    out[6] = (double)handle->exit_timeout_ms;
    out[7] = handle->is_debug ? 1 : 0;
    out[8] = handle->has_journal ? 1 : 0;
    out[9] = (double)handle->retry_limit;
    return NULL;
}

static void set_number(napi_env env, napi_value object, const char *name,
                       double number)
{
    (void)napi_set_named_property(env, object, name,
                                  dln_script_number(env, number));
}

static void set_reasons(napi_env env, napi_value object,
                        const datalyr_ledger *ledger)
{
    napi_value refused = NULL;
    napi_value dropped = NULL;

    if (napi_create_object(env, &refused) != napi_ok ||
        napi_create_object(env, &dropped) != napi_ok) {
        return;
    }
    for (int i = 0; i < DATALYR_REFUSED_COUNT; i++) {
        set_number(env, refused, datalyr_refusal_name((datalyr_refusal)i),
                   (double)ledger->refused[i]);
    }
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        set_number(env, dropped,
                   datalyr_drop_reason_name((datalyr_drop_reason)i),
                   (double)ledger->dropped[i]);
    }
    (void)napi_set_named_property(env, object, "refused", refused);
    (void)napi_set_named_property(env, object, "dropped", dropped);
}

static void set_numbers(napi_env env, napi_value object,
                        const datalyr_ledger *ledger)
{
    const struct {
        const char *name;
        double number;
    } rows[] = {
        {"calls", (double)ledger->calls},
        {"accepted", (double)ledger->accepted},
        {"recovered", (double)ledger->recovered},
        {"delivered", (double)ledger->delivered},
        {"pending", (double)ledger->pending},
        {"droppedUnreported", (double)ledger->dropped_unreported},
        {"inFlight", (double)ledger->in_flight},
        {"duplicates", (double)ledger->duplicates},
        {"requests", (double)ledger->requests},
        {"retries", (double)ledger->retries},
        {"failures", (double)ledger->failures},
        {"bodyBytes", (double)ledger->body_bytes},
        {"sentBytes", (double)ledger->sent_bytes},
        {"queueBytes", (double)ledger->queue_bytes},
        {"oldestAgeMs", (double)ledger->oldest_age_ms},
        {"journalErrors", (double)ledger->journal_errors},
        {"journalCorruptBytes", (double)ledger->journal_corrupt_bytes},
        {"latencyP50Ms", ledger->latency_p50_ms},
        {"latencyP90Ms", ledger->latency_p90_ms},
        {"latencyP99Ms", ledger->latency_p99_ms},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_number(env, object, rows[i].name, rows[i].number);
    }
}

napi_value dln_stats(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    napi_value object = NULL;

    if (handle == NULL) {
        return NULL;
    }
    if (napi_create_object(env, &object) != napi_ok) {
        return dln_script_fail(env, "out of memory");
    }
    read_ledger(handle, &ledger);
    set_numbers(env, object, &ledger);
    set_reasons(env, object, &ledger);
    return object;
}

napi_value dln_anonymous_id(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);

    return handle == NULL
               ? NULL
               : dln_script_text(env, datalyr_anonymous_id(handle->client),
                                 NAPI_AUTO_LENGTH);
}

napi_value dln_new_anonymous_id(napi_env env, napi_callback_info info)
{
    char id[DATALYR_ANONYMOUS_ID_SIZE];

    (void)info;
    return dln_script_text(env, datalyr_new_anonymous_id(id), NAPI_AUTO_LENGTH);
}

static napi_value start_wait(napi_env env, napi_callback_info info,
                             enum dln_wait wait)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);

    if (handle != NULL && handle->client != NULL &&
        !dln_wait_start(handle, wait, dln_script_integer(env, rest[0], 0),
                        dln_script_integer(env, rest[1], 0))) {
        return dln_script_fail(env, "no thread can be made to wait");
    }
    return NULL;
}

/* flush(handle, ms, token): later dispatch() gets DLN_DONE with the token. */
napi_value dln_flush(napi_env env, napi_callback_info info)
{
    return start_wait(env, info, DLN_WAIT_FLUSH);
}

/* close(handle, ms, token): the same; nothing may be asked of the handle until
 * then, and no flush may be under way. */
napi_value dln_close(napi_env env, napi_callback_info info)
{
    return start_wait(env, info, DLN_WAIT_CLOSE);
}

/* flushNow(handle, ms): what is left. Waits on this thread: for a time of 0, or
 * when the process is ending. */
napi_value dln_flush_now(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);
    int64_t timeout_ms;

    if (handle == NULL) {
        return NULL;
    }
    timeout_ms = dln_script_integer(env, rest[0], 0);
    if (timeout_ms > 0) {
        dln_box_hurry(&handle->box);
    }
    return dln_script_number(
        env, handle->client == NULL
                 ? 0
                 : (double)datalyr_flush(handle->client, timeout_ms));
}

/* closeNow(handle): what was left; waits for nothing. */
napi_value dln_close_now(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);

    if (handle == NULL) {
        return NULL;
    }
    dln_box_hurry(&handle->box);
    return dln_script_number(
        env, (double)datalyr_close_within(&handle->client, 0, &handle->last));
}

/* drain(handle, dispatch): the messages that the event loop will not see. */
napi_value dln_drain(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);

    if (handle != NULL) {
        dln_deliver(env, rest[0], dln_box_take(&handle->box));
    }
    return NULL;
}

/* release(handle): no messages any more. */
napi_value dln_release(napi_env env, napi_callback_info info)
{
    napi_value rest[2];
    struct dln_handle *handle = read_arguments(env, info, rest);

    if (handle != NULL) {
        dln_box_close(&handle->box, true);
    }
    return NULL;
}
