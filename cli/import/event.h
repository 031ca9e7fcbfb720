/* SPDX-License-Identifier: MIT */
/*
 * Event: a record that has become one call of the library.
 */
#ifndef CLI_IMPORT_EVENT_H
#define CLI_IMPORT_EVENT_H

#include "import/map.h"

#include <datalyr.h>

enum cli_type {
    CLI_TYPE_TRACK,
    CLI_TYPE_IDENTIFY,
    CLI_TYPE_GROUP,
    CLI_TYPE_PAGE,
    CLI_TYPE_SCREEN, /* a page view with `screen` */
    CLI_TYPE_ALIAS,
    CLI_TYPE_UNKNOWN
};

/* In any case of letters. */
enum cli_type cli_type_of(struct dlr_text name);
const char *cli_type_name(enum cli_type type);

struct cli_event {
    enum cli_type type;
    bool has_type;                   /* it was given; else it is a track */
    size_t text_at[CLI_FIELD_COUNT]; /* 1 + place in `texts`; 0: not given */
    struct dlr_buf texts;            /* the ids and the name, each with a NUL */
    struct dlr_buf properties;       /* a JSON object */
    int64_t timestamp_ms;
    bool has_timestamp;
};

void cli_event_init(struct cli_event *event);
void cli_event_clear(struct cli_event *event);
void cli_event_reset(struct cli_event *event);

/* NULL where it was not given. Lent until the event changes. */
const char *cli_event_text(const struct cli_event *event, enum cli_field field);

/* Sets a text from a value; empty values leave it unset. False with `problem`
 * filled if it cannot be one: no UTF-8, a NUL in it, an object. */
bool cli_event_set(struct cli_event *event, enum cli_field field,
                   const struct cli_value *value, struct dlr_buf *problem);

/* Sets a text that is known to be one. */
void cli_event_set_text(struct cli_event *event, enum cli_field field,
                        struct dlr_text text);

/* Adds one property, or the members of a whole JSON object. */
bool cli_event_add_property(struct cli_event *event, struct dlr_text key,
                            const struct cli_value *value);
void cli_event_add_members(struct cli_event *event, struct dlr_json_value from);

/* Whether what the call needs is there. False with `problem` filled. */
bool cli_event_check(const struct cli_event *event, struct dlr_buf *problem);

/* Records it. */
datalyr_status cli_event_record(const struct cli_event *event,
                                datalyr_client *client, datalyr_error *error);

/* Appends it as datalyr_track_json() and import itself read it. */
void cli_event_put_json(const struct cli_event *event, struct dlr_buf *out);

#endif
