/* SPDX-License-Identifier: MIT */
/*
 * Render: rows as the JSON of the read API.
 */
#ifndef DLD_API_RENDER_H
#define DLD_API_RENDER_H

#include "base/buf.h"
#include "event/event.h"
#include "store/store.h"

/* What an answer may grow to. */
#define DLD_ANSWER_MAX (64u << 20)

/* Reads the fields of a row for as long as `arena` lives. False: no memory. */
bool dld_render_read(const struct dld_row *row, struct dlr_buf *arena,
                     struct dld_event *event);

/* Appends the members of the event, without braces: export form first, then
 * what the collector knows of it. */
void dld_render_members(struct dlr_buf *out, const struct dld_row *row,
                        const struct dld_event *event);
void dld_render_event(struct dlr_buf *out, const struct dld_row *row,
                      const struct dld_event *event);

/* `,"name":` and the value; the text's control characters are escaped. */
void dld_render_text(struct dlr_buf *out, const char *name,
                     struct dlr_text text);
void dld_render_time(struct dlr_buf *out, const char *name, int64_t time_ms);
void dld_render_number(struct dlr_buf *out, const char *name, uint64_t number);
void dld_render_bool(struct dlr_buf *out, const char *name, bool value);
void dld_render_cursor(struct dlr_buf *out, const char *name, uint64_t seq);
void dld_render_string(struct dlr_buf *out, struct dlr_text text);

#endif
