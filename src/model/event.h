/* SPDX-License-Identifier: MIT */
/*
 * Event: checks one call and turns it into the JSON object of the wire.
 * When and how it travels is left to queue and sender.
 */
#ifndef DLR_MODEL_EVENT_H
#define DLR_MODEL_EVENT_H

#include "base/buf.h"
#include "base/time.h"
#include "base/uuid.h"
#include "model/properties.h"

#include <datalyr.h>

/* Longest event id on the wire, in UTF-16 units. */
#define DLR_EVENT_ID_UNITS 256

/* The largest text that a collapsed or verbatim event id can take. */
#define DLR_EVENT_ID_CAP (DLR_EVENT_ID_UNITS * 3 + 1)

/* Members that a call itself puts into the properties, at most. */
#define DLR_CALL_OWN_MAX 4

/* One call, whichever it was, as the event it records. Borrows everything. It
 * points into itself once filled, so it is not copied. */
struct dlr_call {
    const char *event;
    const char *user_id;
    const char *anonymous_id;
    const char *event_id;
    const char *session_id;
    int64_t timestamp_ms;
    bool takes_defaults; /* the client's default properties belong in it */
    struct dlr_properties properties;
    /* From here on nothing is read that `properties` does not point to, and
     * nothing is zeroed: most calls need none of it. */
    datalyr_member own[DLR_CALL_OWN_MAX];
    datalyr_member fallback;
    char currency[8];
};

/* What the client adds where the caller gave nothing. Arguments and not calls
 * to the clock and the system, so that tests compare whole lines. */
struct dlr_stamp {
    const char *event_id; /* used when the call has none */
    const char *time;     /* ISO 8601, DLR_TIME_TEXT_LEN bytes */
};

/* True if the call brings an event id of its own. */
bool dlr_call_has_event_id(const struct dlr_call *call);

/* Appends the object. DATALYR_INVALID with `error` (may be NULL) naming what
 * is wrong; DATALYR_NOMEM when `out` has no room. The contents of `out` behind
 * its former length are unspecified then. */
datalyr_status dlr_event_encode(const struct dlr_call *call,
                                const struct dlr_stamp *stamp,
                                struct dlr_buf *out, datalyr_error *error);

/* Appends the event id of an encoded event, escapes resolved. False if the
 * text is no such event or there is no room. */
bool dlr_event_read_id(struct dlr_text json, struct dlr_buf *out);

#endif
