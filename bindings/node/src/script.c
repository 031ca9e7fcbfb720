/* SPDX-License-Identifier: MIT */
/*
 * Script: small steps between JavaScript values and C.
 */
#include "script.h"

#include <stdlib.h>

napi_value dln_script_fail(napi_env env, const char *what)
{
    bool is_pending = false;

    if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) {
        (void)napi_throw_error(env, NULL, what);
    }
    return NULL;
}

struct dln_handle *dln_script_handle(napi_env env, napi_value value)
{
    void *handle = NULL;

    if (napi_get_value_external(env, value, &handle) != napi_ok) {
        (void)dln_script_fail(env, "not a client of this module");
        return NULL;
    }
    return handle;
}

bool dln_script_is_text(napi_env env, napi_value value)
{
    napi_valuetype type = napi_undefined;

    return napi_typeof(env, value, &type) == napi_ok && type == napi_string;
}

char *dln_script_copy_text(napi_env env, napi_value value, size_t *len)
{
    size_t bytes = 0;
    char *text;

    if (napi_get_value_string_utf8(env, value, NULL, 0, &bytes) != napi_ok) {
        (void)dln_script_fail(env, "a string is expected");
        return NULL;
    }
    text = malloc(bytes + 1);
    if (text == NULL || napi_get_value_string_utf8(env, value, text, bytes + 1,
                                                   len) != napi_ok) {
        free(text);
        (void)dln_script_fail(env, "out of memory");
        return NULL;
    }
    return text;
}

int64_t dln_script_integer(napi_env env, napi_value value, int64_t fallback)
{
    int64_t number;

    return napi_get_value_int64(env, value, &number) == napi_ok ? number
                                                                : fallback;
}

napi_value dln_script_number(napi_env env, double number)
{
    napi_value value = NULL;

    (void)napi_create_double(env, number, &value);
    return value;
}

napi_value dln_script_text(napi_env env, const char *text, size_t len)
{
    napi_value value = NULL;

    (void)napi_create_string_utf8(env, text, len, &value);
    return value;
}

static void deliver_one(napi_env env, napi_value dispatch,
                        const struct dln_message *message)
{
    const char *json = message->bytes + message->text_len;
    napi_value arguments[7];
    napi_value self = NULL;
    napi_value error = NULL;
    bool is_pending = false;

    arguments[0] = dln_script_number(env, message->kind);
    arguments[1] = dln_script_text(env, message->bytes, message->text_len);
    (void)napi_get_null(env, &arguments[2]);
    if (message->json_len > 0) {
        arguments[2] = dln_script_text(env, json, message->json_len);
    }
    for (size_t i = 0; i < 4; i++) {
        arguments[3 + i] = dln_script_number(env, (double)message->numbers[i]);
    }
    if (napi_get_undefined(env, &self) == napi_ok) {
        (void)napi_call_function(env, self, dispatch, 7, arguments, NULL);
    }
    /* dispatch() catches what hooks throw; what is left is not worth the
     * messages behind it. */
    if (napi_is_exception_pending(env, &is_pending) == napi_ok && is_pending) {
        (void)napi_get_and_clear_last_exception(env, &error);
    }
}

void dln_deliver(napi_env env, napi_value dispatch,
                 struct dln_message *messages)
{
    while (messages != NULL) {
        struct dln_message *next = messages->next;
        napi_handle_scope scope = NULL;

        if (env != NULL && napi_open_handle_scope(env, &scope) == napi_ok) {
            deliver_one(env, dispatch, messages);
            (void)napi_close_handle_scope(env, scope);
        }
        dln_message_free(messages);
        messages = next;
    }
}
