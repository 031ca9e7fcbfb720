/* SPDX-License-Identifier: MIT */
/*
 * Settings: the one table that gives each setting its name, range, default and
 * help. Reading a configuration from it is the business of client/config.h.
 */
#ifndef DLR_CLIENT_SETTINGS_H
#define DLR_CLIENT_SETTINGS_H

#include <datalyr.h>

enum dlr_setting_kind {
    DLR_SETTING_TEXT,
    DLR_SETTING_COUNT,
    DLR_SETTING_DURATION, /* milliseconds */
    DLR_SETTING_SIZE,     /* bytes */
    DLR_SETTING_CHOICE,   /* 1 + index into `choices` */
    DLR_SETTING_SWITCH
};

struct dlr_setting_row {
    datalyr_setting shown;
    enum dlr_setting_kind kind;
    size_t offset;   /* in datalyr_config */
    int64_t initial; /* the default, where it is a number */
    int64_t min;
    int64_t max;
    bool has_never;     /* 0 is allowed: DATALYR_NEVER in the struct */
    bool has_unlimited; /* "unlimited": DATALYR_UNLIMITED in the struct */
    const char *const *choices; /* ends in NULL */
};

/* The rows in order of docs/settings.md; NULL behind the last. */
const struct dlr_setting_row *dlr_setting_row_at(size_t index);

/* NULL if there is none of that name. */
const struct dlr_setting_row *dlr_setting_find(const char *name);

#endif
