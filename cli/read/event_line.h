/* SPDX-License-Identifier: MIT */
/* Event line: a stored event as one line for people, or as NDJSON. */
#ifndef CLI_READ_EVENT_LINE_H
#define CLI_READ_EVENT_LINE_H

#include "base/buf.h"
#include "base/json_read.h"

/* Appends: time, event, user or visitor, properties. Nothing in it can move a
 * terminal's cursor. */
void cli_event_line_put(struct dlr_json_value event, struct dlr_buf *out);

/* Appends the event as it came, with a `type` first. */
void cli_event_line_put_json(struct dlr_json_value event, const char *type,
                             struct dlr_buf *out);

/* Prints it in the form that is asked for. */
void cli_event_line_print(struct dlr_json_value event, struct dlr_buf *line);

#endif
