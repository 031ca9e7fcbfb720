/* SPDX-License-Identifier: MIT */
/*
 * Hooks: what the library tells, as messages for the event loop. They run on
 * the library's thread; events are copied as one JSON list, which JavaScript
 * reads in one go.
 */
#include "handle.h"

#include <string.h>

static size_t list_len(const datalyr_record *events, size_t count)
{
    size_t len = 1; /* a bracket; a comma or bracket behind each */

    for (size_t i = 0; i < count; i++) {
        len += events[i].json_len + 1;
    }
    return events == NULL || count == 0 ? 0 : len;
}

static void write_list(char *out, const datalyr_record *events, size_t count)
{
    *out++ = '[';
    for (size_t i = 0; i < count; i++) {
        memcpy(out, events[i].json, events[i].json_len);
        out += events[i].json_len;
        *out++ = i + 1 < count ? ',' : ']';
    }
}

static struct dln_message *make(enum dln_kind kind, const char *text,
                                const datalyr_record *events, size_t count)
{
    size_t text_len = strlen(text);
    size_t json_len = events == NULL ? 0 : list_len(events, count);
    struct dln_message *message = dln_message_new(kind, text_len, json_len);

    if (message == NULL) {
        return NULL;
    }
    memcpy(message->bytes, text, text_len);
    if (json_len > 0) {
        write_list(message->bytes + text_len, events, count);
    }
    return message;
}

static void tell_delivered(const datalyr_record *events, size_t count,
                           void *user_data)
{
    struct dln_handle *handle = user_data;
    struct dln_message *message = make(DLN_DELIVERED, "", events, count);

    if (message != NULL) {
        message->numbers[0] = (int64_t)count;
    }
    dln_box_put(&handle->box, message);
}

static void tell_failure(const datalyr_failure *failure, void *user_data)
{
    struct dln_handle *handle = user_data;
    struct dln_message *message =
        make(DLN_FAILURE, failure->message, failure->events, failure->count);

    if (message != NULL) {
        message->numbers[0] = failure->http_status;
        message->numbers[1] = failure->attempt;
        message->numbers[2] = failure->retry_in_ms;
        message->numbers[3] = (int64_t)failure->count;
    }
    dln_box_put(&handle->box, message);
}

static void tell_drop(const datalyr_record *events, size_t count,
                      datalyr_drop_reason reason, void *user_data)
{
    struct dln_handle *handle = user_data;
    struct dln_message *message =
        make(DLN_DROP, datalyr_drop_reason_name(reason), events, count);

    if (message != NULL) {
        message->numbers[0] = (int64_t)count;
    }
    dln_box_put(&handle->box, message);
}

/* A line that a call itself causes comes on the thread of the call: JavaScript
 * writes it there, in its place among the program's own lines. */
static void tell_log(datalyr_log_level level, const char *line, void *user_data)
{
    struct dln_handle *handle = user_data;
    struct dln_message *message;

    if (pthread_equal(pthread_self(), handle->script_thread)) {
        return;
    }
    message = make(DLN_LOG, line, NULL, 0);
    if (message != NULL) {
        message->numbers[0] = level;
    }
    dln_box_put(&handle->box, message);
}

datalyr_hooks dln_hooks(struct dln_handle *handle,
                        struct dln_listening listening)
{
    datalyr_hooks hooks = {
        .on_delivered = listening.to_delivered ? tell_delivered : NULL,
        .on_error = listening.to_failure ? tell_failure : NULL,
        .on_drop = listening.to_drop ? tell_drop : NULL,
        .on_log = tell_log,
        .user_data = handle,
    };

    return hooks;
}
