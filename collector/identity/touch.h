/* SPDX-License-Identifier: MIT */
/*
 * Touch: where a visitor came from, as an event tells it.
 */
#ifndef DLD_IDENTITY_TOUCH_H
#define DLD_IDENTITY_TOUCH_H

#include "event/event.h"

/* Texts are slices of the event or constants. */
struct dld_touch {
    struct dlr_text source;
    struct dlr_text medium;
    struct dlr_text campaign;
    struct dlr_text click_id;
    const char *click_id_type; /* NULL: no click */
    struct dlr_text landing_page;
    struct dlr_text referrer;
    uint32_t window_days; /* in which a click of that kind earns credit */
};

/* False for an event that says nothing of where its visitor came from: then
 * the touch is "direct". */
bool dld_touch_read(const struct dld_event *event, struct dld_touch *touch);

#endif
