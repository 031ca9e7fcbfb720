/* SPDX-License-Identifier: MIT */
/* Settings cases: from texts and environment to the settings that a client
 * runs on, or to a refusal. */
#include "client/settings.h"
#include "client/config.h"
#include "contract/contract.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_environment(struct contract_case *one, bool should_set)
{
    struct dlr_json_iter iter =
        dlr_json_iterate(contract_get(one, "environment"));
    struct dlr_json_value name;
    struct dlr_json_value value;

    while (dlr_json_next_member(&iter, &name, &value)) {
        char key[64];
        char text[256];

        (void)contract_text(name, key, sizeof key);
        if (should_set) {
            (void)setenv(key, contract_text(value, text, sizeof text), 1);
        } else {
            (void)unsetenv(key);
        }
    }
}

static datalyr_status resolve(struct contract_case *one, datalyr_config *given,
                              datalyr_config *out, datalyr_error *error)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "set"));
    struct dlr_json_value name;
    struct dlr_json_value value;
    datalyr_status status =
        datalyr_config_set(given, "api_key", "dk_contract_key", error);

    while (status == DATALYR_OK && dlr_json_next_member(&iter, &name, &value)) {
        char key[64];
        char text[256];

        status =
            datalyr_config_set(given, contract_text(name, key, sizeof key),
                               contract_text(value, text, sizeof text), error);
    }
    return status == DATALYR_OK ? dlr_config_resolve(given, out, error)
                                : status;
}

/* The setting as JSON would have it. */
static void show(const datalyr_config *config,
                 const struct dlr_setting_row *row, char *out, size_t cap)
{
    const char *place = (const char *)config + row->offset;
    const char *text;
    uint32_t choice;
    int64_t number;

    switch (row->kind) {
    case DLR_SETTING_TEXT:
        memcpy(&text, place, sizeof text);
        (void)snprintf(out, cap, text == NULL ? "null" : "\"%s\"", text);
        return;
    case DLR_SETTING_CHOICE:
        memcpy(&choice, place, sizeof choice);
        (void)snprintf(out, cap, "\"%s\"", row->choices[choice - 1]);
        return;
    case DLR_SETTING_SWITCH:
        memcpy(&choice, place, sizeof choice);
        (void)snprintf(out, cap, "%s", choice == DATALYR_ON ? "true" : "false");
        return;
    case DLR_SETTING_COUNT:
    case DLR_SETTING_DURATION:
    case DLR_SETTING_SIZE:
        break;
    }
    memcpy(&number, place, sizeof number);
    if (number == INT64_MAX) {
        (void)snprintf(out, cap, "\"unlimited\"");
    } else {
        (void)snprintf(out, cap, "%" PRId64, number);
    }
}

static bool check_values(struct contract_case *one,
                         const datalyr_config *config)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "value"));
    struct dlr_json_value name;
    struct dlr_json_value value;
    unsigned count = 0;

    while (dlr_json_next_member(&iter, &name, &value)) {
        const struct dlr_setting_row *row;
        char key[64];
        char got[256];

        row = dlr_setting_find(contract_text(name, key, sizeof key));
        if (row == NULL) {
            return contract_fail(one, "there is no setting %s", key);
        }
        show(config, row, got, sizeof got);
        if (!dlr_text_equals(value.text, dlr_text_of(got))) {
            return contract_fail(one, "%s is %s, expected %.*s", key, got,
                                 (int)value.text.len, value.text.ptr);
        }
        count++;
    }
    return count > 0 || contract_fail(one, "nothing is expected");
}

static bool check_refusal(struct contract_case *one, datalyr_status status,
                          const datalyr_error *error)
{
    struct dlr_json_iter iter = dlr_json_iterate(
        dlr_json_get(contract_get(one, "refused"), DLR_TEXT("names")));
    struct dlr_json_value name;

    if (status != DATALYR_INVALID || error->status != DATALYR_INVALID) {
        return contract_fail(one, "it is %s", datalyr_status_name(status));
    }
    while (dlr_json_next_element(&iter, &name)) {
        char text[256];

        (void)contract_text(name, text, sizeof text);
        if (strstr(error->message, text) == NULL) {
            return contract_fail(one, "\"%s\" does not say %s", error->message,
                                 text);
        }
    }
    return true;
}

bool contract_run_settings(struct contract_case *one)
{
    datalyr_config given = {DATALYR_CONFIG_INIT};
    datalyr_config config = {0};
    datalyr_error error = {0};
    datalyr_status status;
    bool is_ok;

    set_environment(one, true);
    status = resolve(one, &given, &config, &error);
    set_environment(one, false);
    if (contract_get(one, "refused").type != DLR_JSON_NONE) {
        is_ok = check_refusal(one, status, &error);
    } else if (status != DATALYR_OK) {
        is_ok = contract_fail(one, "%s", error.message);
    } else {
        is_ok = check_values(one, &config);
    }
    datalyr_config_clear(&config);
    datalyr_config_clear(&given);
    return is_ok;
}
