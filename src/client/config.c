/* SPDX-License-Identifier: MIT */
/*
 * Config: reads settings as text and as struct, and checks them against the
 * table. A value out of range is refused with its name, itself and the range;
 * nothing is bent in silence.
 */
#include "client/config.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"
#include "client/settings.h"
#include "model/refuse.h"
#include "model/sized.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text kept for a config; the texts form a list. */
struct kept_text {
    struct kept_text *next;
    char text[];
};

static int64_t *number_of(datalyr_config *config,
                          const struct dlr_setting_row *row)
{
    return (int64_t *)(void *)((char *)config + row->offset);
}

static uint32_t *choice_of(datalyr_config *config,
                           const struct dlr_setting_row *row)
{
    return (uint32_t *)(void *)((char *)config + row->offset);
}

static const char **text_of(datalyr_config *config,
                            const struct dlr_setting_row *row)
{
    return (const char **)(void *)((char *)config + row->offset);
}

/* Keeps a copy of the text with the config and points the setting at it. */
static datalyr_status keep_text(datalyr_config *config,
                                const struct dlr_setting_row *row,
                                const char *text)
{
    size_t len = strlen(text);
    struct kept_text *kept = dlr_malloc(sizeof *kept + len + 1);

    if (kept == NULL) {
        return DATALYR_NOMEM;
    }
    memcpy(kept->text, text, len + 1);
    kept->next = config->storage;
    config->storage = kept;
    *text_of(config, row) = kept->text;
    return DATALYR_OK;
}

static datalyr_status refuse_text(const struct dlr_setting_row *row,
                                  const char *source, const char *text,
                                  datalyr_error *error)
{
    return dlr_refuse(error, "%s is \"%.60s\"; it takes %s", source, text,
                      row->shown.range_text);
}

static bool parse_number(const struct dlr_setting_row *row, const char *text,
                         uint64_t *out)
{
    struct dlr_text value = dlr_text_of(text);

    if (row->kind == DLR_SETTING_DURATION) {
        return dlr_parse_duration_ms(value, out);
    }
    if (row->kind == DLR_SETTING_SIZE) {
        return dlr_parse_size_bytes(value, out);
    }
    return dlr_parse_count(value, out);
}

static datalyr_status set_number(datalyr_config *config,
                                 const struct dlr_setting_row *row,
                                 const char *source, const char *text,
                                 datalyr_error *error)
{
    int64_t *place = number_of(config, row);
    uint64_t number;

    if (!parse_number(row, text, &number)) {
        return refuse_text(row, source, text, error);
    }
    if (number == DLR_UNLIMITED && row->has_unlimited) {
        *place = DATALYR_UNLIMITED;
    } else if (number == 0 && row->has_never) {
        *place = DATALYR_NEVER;
    } else if (number > (uint64_t)row->max || (int64_t)number < row->min) {
        return refuse_text(row, source, text, error);
    } else {
        *place = (int64_t)number;
    }
    return DATALYR_OK;
}

static datalyr_status set_choice(datalyr_config *config,
                                 const struct dlr_setting_row *row,
                                 const char *source, const char *text,
                                 datalyr_error *error)
{
    for (uint32_t i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *choice_of(config, row) = i + 1;
            return DATALYR_OK;
        }
    }
    return refuse_text(row, source, text, error);
}

static bool is_one_of(const char *text, const char *const words[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (dlr_text_equals_nocase(dlr_text_of(text), dlr_text_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static datalyr_status set_switch(datalyr_config *config,
                                 const struct dlr_setting_row *row,
                                 const char *source, const char *text,
                                 datalyr_error *error)
{
    static const char *const yes[4] = {"true", "1", "yes", "on"};
    static const char *const no[4] = {"false", "0", "no", "off"};

    if (is_one_of(text, yes)) {
        *choice_of(config, row) = DATALYR_ON;
    } else if (is_one_of(text, no)) {
        *choice_of(config, row) = DATALYR_OFF;
    } else {
        return refuse_text(row, source, text, error);
    }
    return DATALYR_OK;
}

/* Sets one setting from a text; `source` is what to call it in a message. */
static datalyr_status set_from_text(datalyr_config *config,
                                    const struct dlr_setting_row *row,
                                    const char *source, const char *text,
                                    datalyr_error *error)
{
    switch (row->kind) {
    case DLR_SETTING_TEXT:
        return keep_text(config, row, text) == DATALYR_OK
                   ? DATALYR_OK
                   : dlr_refuse_as(error, DATALYR_NOMEM,
                                   "out of memory while setting %s", source);
    case DLR_SETTING_COUNT:
    case DLR_SETTING_DURATION:
    case DLR_SETTING_SIZE:
        return set_number(config, row, source, text, error);
    case DLR_SETTING_CHOICE:
        return set_choice(config, row, source, text, error);
    case DLR_SETTING_SWITCH:
        break;
    }
    return set_switch(config, row, source, text, error);
}

datalyr_status datalyr_config_set(datalyr_config *config, const char *name,
                                  const char *text, datalyr_error *error)
{
    const struct dlr_setting_row *row;

    if (config == NULL || name == NULL || text == NULL) {
        return dlr_refuse(error, "config, name and text must not be NULL");
    }
    if (config->size != sizeof *config) {
        return dlr_refuse(error,
                          "datalyr_config has a size of %zu: begin it "
                          "with DATALYR_CONFIG_INIT",
                          config->size);
    }
    row = dlr_setting_find(name);
    if (row == NULL) {
        return dlr_refuse(error,
                          "there is no setting \"%.60s\": "
                          "docs/settings.md lists them",
                          name);
    }
    return set_from_text(config, row, name, text, error);
}

static bool is_kept(const datalyr_config *config, const char *text)
{
    for (const struct kept_text *kept = config->storage; kept != NULL;
         kept = kept->next) {
        if (kept->text == text) {
            return true;
        }
    }
    return false;
}

void datalyr_config_clear(datalyr_config *config)
{
    const struct dlr_setting_row *row;

    if (config == NULL || config->storage == NULL) {
        return;
    }
    for (size_t i = 0; (row = dlr_setting_row_at(i)) != NULL; i++) {
        if (row->kind == DLR_SETTING_TEXT &&
            is_kept(config, *text_of(config, row))) {
            *text_of(config, row) = NULL;
        }
    }
    while (config->storage != NULL) {
        struct kept_text *kept = config->storage;

        config->storage = kept->next;
        dlr_free(kept);
    }
}

/* The environment's text for a setting; NULL without one. `name` gets what the
 * variable is called. */
static const char *find_in_environment(const struct dlr_setting_row *row,
                                       char name[64])
{
    const char *value;
    size_t len;

    (void)snprintf(name, 64, "DATALYR_%s", row->shown.name);
    len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if (name[i] >= 'a' && name[i] <= 'z') {
            name[i] = (char)(name[i] - 'a' + 'A');
        }
    }
    value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool is_given(datalyr_config *config, const struct dlr_setting_row *row)
{
    switch (row->kind) {
    case DLR_SETTING_TEXT:
        return *text_of(config, row) != NULL &&
               (*text_of(config, row))[0] != '\0';
    case DLR_SETTING_CHOICE:
    case DLR_SETTING_SWITCH:
        return *choice_of(config, row) != 0;
    case DLR_SETTING_COUNT:
    case DLR_SETTING_DURATION:
    case DLR_SETTING_SIZE:
        break;
    }
    return *number_of(config, row) != 0;
}

static void set_default(datalyr_config *config,
                        const struct dlr_setting_row *row)
{
    if (row->kind == DLR_SETTING_TEXT) {
        *text_of(config, row) =
            row->shown.default_text[0] == '\0' ? NULL : row->shown.default_text;
    } else if (row->kind == DLR_SETTING_CHOICE ||
               row->kind == DLR_SETTING_SWITCH) {
        *choice_of(config, row) = (uint32_t)row->initial;
    } else {
        *number_of(config, row) = row->initial;
    }
}

static uint32_t choice_count(const struct dlr_setting_row *row)
{
    uint32_t count = 2;

    if (row->kind == DLR_SETTING_CHOICE) {
        for (count = 0; row->choices[count] != NULL; count++) {
            continue;
        }
    }
    return count;
}

/* Checks a value of the struct and turns the constants into numbers. */
static datalyr_status check_value(datalyr_config *config,
                                  const struct dlr_setting_row *row,
                                  datalyr_error *error)
{
    int64_t *place;

    if (row->kind == DLR_SETTING_TEXT) {
        return DATALYR_OK;
    }
    if (row->kind == DLR_SETTING_CHOICE || row->kind == DLR_SETTING_SWITCH) {
        uint32_t choice = *choice_of(config, row);

        return choice <= choice_count(row)
                   ? DATALYR_OK
                   : dlr_refuse(error, "%s is %" PRIu32 "; it takes %s",
                                row->shown.name, choice, row->shown.range_text);
    }
    place = number_of(config, row);
    if (*place == DATALYR_NEVER && row->has_never) {
        *place = 0;
    } else if (*place == DATALYR_UNLIMITED && row->has_unlimited) {
        *place = INT64_MAX;
    } else if (*place < row->min || *place > row->max) {
        return dlr_refuse(error, "%s is %" PRId64 "; it takes %s",
                          row->shown.name, *place, row->shown.range_text);
    }
    return DATALYR_OK;
}

static datalyr_status decide(datalyr_config *config,
                             const struct dlr_setting_row *row,
                             datalyr_error *error)
{
    char variable[64];
    datalyr_status status = DATALYR_OK;

    if (is_given(config, row)) {
        if (row->kind == DLR_SETTING_TEXT) {
            status = set_from_text(config, row, row->shown.name,
                                   *text_of(config, row), error);
        }
    } else {
        const char *text = find_in_environment(row, variable);

        if (text != NULL) {
            status = set_from_text(config, row, variable, text, error);
        } else {
            set_default(config, row);
        }
    }
    return status == DATALYR_OK ? check_value(config, row, error) : status;
}

datalyr_status dlr_config_resolve(const datalyr_config *given,
                                  datalyr_config *out, datalyr_error *error)
{
    const struct dlr_setting_row *row;
    datalyr_status status;

    if (given == NULL) {
        return dlr_refuse(error, "config is NULL");
    }
    status = dlr_sized_read(out, sizeof *out, given, "datalyr_config", error);
    out->size = sizeof *out;
    out->storage = NULL; /* the caller's texts stay the caller's */
    for (size_t i = 0;
         status == DATALYR_OK && (row = dlr_setting_row_at(i)) != NULL; i++) {
        status = decide(out, row, error);
    }
    if (status == DATALYR_OK && out->api_key == NULL) {
        status = dlr_refuse(error, "api_key is missing: give the write key of "
                                   "the workspace, or set DATALYR_API_KEY");
    }
    return status;
}
