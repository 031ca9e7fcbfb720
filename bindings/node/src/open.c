/* SPDX-License-Identifier: MIT */
/*
 * Open: from JavaScript options to a running client, and what becomes of it
 * when nobody holds it any more.
 *
 * DESIGN
 * Settings arrive as names and texts, checked by the table of the library: it
 * knows ranges, units and environment, and JavaScript need not.
 *
 * A client that is collected, or whose worker thread ends, is drained by a
 * thread (wait.c). One that lives until the process ends is left to the
 * library, which drains it in its exit handler: what its hooks point to must
 * stay, so one reference is never given back.
 */
#include "script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum argument {
    SETTINGS,           /* ["flush_at", "50", …] */
    DEFAULT_PROPERTIES, /* JSON or undefined */
    LISTENING,          /* bits: 1 delivered, 2 failure, 4 drop */
    IS_MAIN,
    DISPATCH,
    ARGUMENT_COUNT
};

static void throw_error(napi_env env, const datalyr_error *error)
{
    (void)napi_throw_error(env,
                           datalyr_status_name((datalyr_status)error->status),
                           error->message);
}

/* ---- settings */

static bool set_one(napi_env env, datalyr_config *config, napi_value name,
                    napi_value text)
{
    size_t len = 0;
    datalyr_error error;
    datalyr_status status = DATALYR_NOMEM;
    char *name_text = dln_script_copy_text(env, name, &len);
    char *value_text = NULL;

    if (name_text != NULL) {
        value_text = dln_script_copy_text(env, text, &len);
    }
    if (value_text != NULL) {
        status = datalyr_config_set(config, name_text, value_text, &error);
        if (status != DATALYR_OK) {
            throw_error(env, &error);
        }
    }
    free(name_text);
    free(value_text);
    return status == DATALYR_OK;
}

static bool set_all(napi_env env, datalyr_config *config, napi_value list)
{
    uint32_t count = 0;

    if (napi_get_array_length(env, list, &count) != napi_ok) {
        (void)dln_script_fail(env, "settings must be a list");
        return false;
    }
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        napi_value name;
        napi_value text;

        if (napi_get_element(env, list, i, &name) != napi_ok ||
            napi_get_element(env, list, i + 1, &text) != napi_ok ||
            !set_one(env, config, name, text)) {
            return false;
        }
    }
    return true;
}

static const char *default_of(const char *name)
{
    const datalyr_setting *setting;

    for (size_t i = 0; (setting = datalyr_setting_at(i)) != NULL; i++) {
        if (strcmp(setting->name, name) == 0) {
            return setting->default_text;
        }
    }
    return "";
}

static const char *find_in_environment(const char *name)
{
    char variable[64];

    (void)snprintf(variable, sizeof variable, "DATALYR_%s", name);
    for (char *c = variable; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    return getenv(variable);
}

/* Decides one setting as datalyr_open() did: given, else environment, else
 * default. Nothing can fail here that did not fail there. */
static void decide(datalyr_config *config, const char *name)
{
    const char *text = find_in_environment(name);

    if (text == NULL || text[0] == '\0') {
        text = default_of(name);
    }
    (void)datalyr_config_set(config, name, text, NULL);
}

static int64_t decide_number(datalyr_config *config, const char *name,
                             const int64_t *place)
{
    if (*place == 0) {
        decide(config, name);
    }
    return *place < 0 ? 0 : *place; /* DATALYR_NEVER */
}

static void note_settings(struct dln_handle *handle, datalyr_config *config)
{
    const char *journal = config->journal_dir;

    handle->max_queue_size =
        decide_number(config, "max_queue_size", &config->max_queue_size);
    handle->close_timeout_ms =
        decide_number(config, "close_timeout_ms", &config->close_timeout_ms);
    handle->exit_timeout_ms =
        decide_number(config, "exit_timeout_ms", &config->exit_timeout_ms);
    handle->retry_limit =
        decide_number(config, "retry_limit", &config->retry_limit);
    if (config->debug == 0) {
        decide(config, "debug");
    }
    handle->is_debug = config->debug == DATALYR_ON;
    if (journal == NULL || journal[0] == '\0') {
        journal = find_in_environment("journal_dir");
    }
    handle->has_journal = journal != NULL && journal[0] != '\0';
}

/* ---- messages */

static void take_messages(napi_env env, napi_value dispatch, void *context,
                          void *data)
{
    struct dln_handle *handle = context;

    (void)data;
    dln_deliver(env, dispatch, dln_box_take(&handle->box));
}

static void end_messages(napi_env env, void *data, void *hint)
{
    struct dln_handle *handle = data;

    (void)env;
    (void)hint;
    dln_box_close(&handle->box, false);
    dln_handle_unref(handle);
}

static bool open_box(napi_env env, struct dln_handle *handle,
                     napi_value dispatch)
{
    napi_threadsafe_function wake = NULL;
    napi_value name = dln_script_text(env, "datalyr", NAPI_AUTO_LENGTH);

    (void)dln_handle_ref(handle);
    if (napi_create_threadsafe_function(env, dispatch, NULL, name, 0, 1, handle,
                                        end_messages, handle, take_messages,
                                        &wake) != napi_ok) {
        dln_handle_unref(handle);
        (void)dln_script_fail(env, "the event loop takes no messages");
        return false;
    }
    (void)napi_unref_threadsafe_function(env, wake);
    dln_box_open(&handle->box, wake);
    return true;
}

/* ---- end */

static void env_ends(void *data)
{
    struct dln_handle *handle = data;

    handle->is_env_gone = true;
    dln_box_hurry(&handle->box);
}

static void collect(napi_env env, void *data, void *hint)
{
    struct dln_handle *handle = data;

    (void)env;
    (void)hint;
    if (!handle->is_env_gone) {
        (void)napi_remove_env_cleanup_hook(handle->env, env_ends, handle);
    }
    if (handle->client != NULL) {
        if (handle->is_env_gone && handle->is_main) {
            return; /* the library's exit handler is next */
        }
        if (!dln_wait_start(handle, DLN_WAIT_ABANDON,
                            handle->is_env_gone ? handle->exit_timeout_ms
                                                : handle->close_timeout_ms,
                            0)) {
            return; /* left to the exit handler as well */
        }
    } else {
        dln_box_close(&handle->box, !handle->is_env_gone);
    }
    dln_handle_unref(handle);
}

static napi_value wrap(napi_env env, struct dln_handle *handle)
{
    napi_value value = NULL;

    if (napi_add_env_cleanup_hook(env, env_ends, handle) != napi_ok) {
        return NULL;
    }
    if (napi_create_external(env, handle, collect, NULL, &value) != napi_ok) {
        (void)napi_remove_env_cleanup_hook(env, env_ends, handle);
        return NULL;
    }
    return value;
}

/* ---- open */

static bool open_client(napi_env env, struct dln_handle *handle,
                        datalyr_config *config)
{
    datalyr_error error;

    if (datalyr_open(config, &handle->client, &error) != DATALYR_OK) {
        throw_error(env, &error);
        return false;
    }
    note_settings(handle, config);
    dln_wait_watch_exit();
    return true;
}

static struct dln_listening listening_of(int64_t bits)
{
    struct dln_listening listening = {
        .to_delivered = (bits & 1) != 0,
        .to_failure = (bits & 2) != 0,
        .to_drop = (bits & 4) != 0,
    };

    return listening;
}

static napi_value open_with(napi_env env, const napi_value *arguments,
                            datalyr_config *config)
{
    struct dln_handle *handle = dln_handle_new();
    napi_value value;

    if (handle == NULL) {
        return dln_script_fail(env, "out of memory for a client");
    }
    handle->env = env;
    (void)napi_get_value_bool(env, arguments[IS_MAIN], &handle->is_main);
    config->hooks = dln_hooks(
        handle, listening_of(dln_script_integer(env, arguments[LISTENING], 0)));
    if (!open_box(env, handle, arguments[DISPATCH])) {
        dln_handle_unref(handle);
        return NULL;
    }
    if (!open_client(env, handle, config)) {
        dln_box_close(&handle->box, true);
        dln_handle_unref(handle);
        return NULL;
    }
    value = wrap(env, handle);
    if (value == NULL) {
        (void)datalyr_close_within(&handle->client, 0, NULL);
        dln_box_close(&handle->box, true);
        dln_handle_unref(handle);
        return dln_script_fail(env, "out of memory for a client");
    }
    return value;
}

napi_value dln_open(napi_env env, napi_callback_info info)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    napi_value arguments[ARGUMENT_COUNT];
    size_t count = ARGUMENT_COUNT;
    napi_value value = NULL;
    char *defaults = NULL;
    size_t len = 0;

    if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
        return dln_script_fail(env, "bad arguments");
    }
    if (dln_script_is_text(env, arguments[DEFAULT_PROPERTIES])) {
        defaults =
            dln_script_copy_text(env, arguments[DEFAULT_PROPERTIES], &len);
        if (defaults == NULL) {
            return NULL;
        }
        config.default_properties = datalyr_json(defaults, len);
    }
    if (set_all(env, &config, arguments[SETTINGS])) {
        value = open_with(env, arguments, &config);
    }
    datalyr_config_clear(&config);
    free(defaults);
    return value;
}

/* ---- the table */

static void set_text(napi_env env, napi_value object, const char *name,
                     const char *text)
{
    (void)napi_set_named_property(env, object, name,
                                  dln_script_text(env, text, NAPI_AUTO_LENGTH));
}

static napi_value describe(napi_env env, const datalyr_setting *setting)
{
    napi_value object = NULL;
    napi_value is_switch = NULL;

    if (napi_create_object(env, &object) != napi_ok ||
        napi_get_boolean(env, setting->is_switch, &is_switch) != napi_ok) {
        return NULL;
    }
    set_text(env, object, "name", setting->name);
    set_text(env, object, "defaultText", setting->default_text);
    set_text(env, object, "rangeText", setting->range_text);
    set_text(env, object, "help", setting->help);
    (void)napi_set_named_property(env, object, "isSwitch", is_switch);
    return object;
}

napi_value dln_settings(napi_env env, napi_callback_info info)
{
    const datalyr_setting *setting;
    napi_value list = NULL;

    (void)info;
    if (napi_create_array(env, &list) != napi_ok) {
        return dln_script_fail(env, "out of memory");
    }
    for (uint32_t i = 0; (setting = datalyr_setting_at(i)) != NULL; i++) {
        napi_value one = describe(env, setting);

        if (one == NULL || napi_set_element(env, list, i, one) != napi_ok) {
            return dln_script_fail(env, "out of memory");
        }
    }
    return list;
}
