/* SPDX-License-Identifier: MIT */
/*
 * Form: what the columns of a record mean where no --map says it.
 */
#ifndef CLI_IMPORT_FORM_H
#define CLI_IMPORT_FORM_H

#include "import/event.h"
#include "import/zone.h"

enum cli_form {
    CLI_FORM_FLAT,    /* a table: columns are fields or properties */
    CLI_FORM_SEGMENT, /* type, userId, properties, context … of Segment */
    CLI_FORM_WIRE     /* our own: as it travels, and as export writes it */
};

/* Names with a meaning, in both spellings. */
enum cli_known {
    CLI_KNOWN_TYPE,
    CLI_KNOWN_EVENT,
    CLI_KNOWN_NAME,
    CLI_KNOWN_CATEGORY,
    CLI_KNOWN_USER_ID,
    CLI_KNOWN_ANONYMOUS_ID,
    CLI_KNOWN_GROUP_ID,
    CLI_KNOWN_PREVIOUS_ID,
    CLI_KNOWN_SESSION_ID,
    CLI_KNOWN_EVENT_ID,
    CLI_KNOWN_MESSAGE_ID,
    CLI_KNOWN_TIMESTAMP,
    CLI_KNOWN_ORIGINAL_TIMESTAMP,
    CLI_KNOWN_SENT_AT,
    CLI_KNOWN_PROPERTIES,
    CLI_KNOWN_TRAITS,
    CLI_KNOWN_CONTEXT,
    CLI_KNOWN_COUNT
};

struct cli_knowns {
    struct cli_column *columns[CLI_KNOWN_COUNT]; /* NULL: not there */
    enum cli_form form;
};

void cli_form_recognise(struct cli_knowns *knowns, struct cli_record *record);

/* Sets the fields of the event that it does not have yet. False with `problem`
 * filled. */
bool cli_form_fill(const struct cli_knowns *knowns, struct cli_event *event,
                   struct cli_zone *zone, struct dlr_buf *problem);

/* Reads a time into the event. False with `problem` filled. */
bool cli_form_set_time(struct cli_event *event, struct cli_zone *zone,
                       const struct cli_value *value, struct dlr_buf *problem);

/* Adds the properties that the record has beside the ones that were mapped.
 * False with `problem` filled. */
bool cli_form_add_properties(const struct cli_knowns *knowns,
                             struct cli_record *record,
                             const struct cli_maps *maps,
                             struct cli_event *event, struct dlr_buf *problem);

#endif
