/* SPDX-License-Identifier: MIT */
/*
 * Calls: identify, group, page, alias and purchase are events with a reserved
 * name and properties of a known shape (PROTOCOL of the vendor's server SDK).
 *
 * What the call's own arguments say wins over the caller's properties: a trait
 * called groupId does not move the user to another group.
 */
#include "model/calls.h"

#include "model/refuse.h"
#include "model/sized.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static void init(struct dlr_call *call)
{
    memset(call, 0, offsetof(struct dlr_call, own));
}

datalyr_status dlr_call_track(struct dlr_call *call, const datalyr_event *event,
                              datalyr_error *error)
{
    datalyr_event copy;

    init(call);
    if (event == NULL) {
        return dlr_refuse(error, "event is NULL");
    }
    if (event->size != sizeof *event) {
        datalyr_status status =
            dlr_sized_read(&copy, sizeof copy, event, "datalyr_event", error);
        if (status != DATALYR_OK) {
            return status;
        }
        event = &copy;
    }
    call->takes_defaults = true;
    call->event = event->event;
    call->user_id = event->user_id;
    call->anonymous_id = event->anonymous_id;
    call->event_id = event->event_id;
    call->session_id = event->session_id;
    call->timestamp_ms = event->timestamp_ms;
    call->properties.what = "properties";
    call->properties.given = event->properties;
    return DATALYR_OK;
}

datalyr_status dlr_call_options(struct dlr_call *call,
                                const datalyr_options *options,
                                datalyr_error *error)
{
    datalyr_options copy;
    datalyr_status status;

    init(call);
    if (options == NULL) {
        return DATALYR_OK;
    }
    status =
        dlr_sized_read(&copy, sizeof copy, options, "datalyr_options", error);
    if (status == DATALYR_OK) {
        call->anonymous_id = copy.anonymous_id;
        call->event_id = copy.event_id;
        call->session_id = copy.session_id;
        call->timestamp_ms = copy.timestamp_ms;
    }
    return status;
}

datalyr_status dlr_call_identify(struct dlr_call *call, const char *user_id,
                                 datalyr_value traits, datalyr_error *error)
{
    if (is_empty(user_id)) {
        return dlr_refuse(error, "user_id is missing: identify needs the user "
                                 "whose traits these are");
    }
    call->event = "$identify";
    call->user_id = user_id;
    call->properties.what = "traits";
    call->properties.given = traits;
    return DATALYR_OK;
}

datalyr_status dlr_call_group(struct dlr_call *call, const char *user_id,
                              const char *group_id, datalyr_value traits,
                              datalyr_error *error)
{
    if (is_empty(group_id)) {
        return dlr_refuse(error, "group_id is missing: group needs the account "
                                 "that the user belongs to");
    }
    call->event = "$group";
    call->user_id = user_id;
    call->own[0].name = "groupId";
    call->own[0].value = datalyr_text(group_id);
    call->properties.what = "traits";
    call->properties.given = traits;
    call->properties.first = call->own;
    call->properties.first_count = 1;
    return DATALYR_OK;
}

datalyr_status dlr_call_page(struct dlr_call *call, const char *user_id,
                             const char *name, datalyr_value properties,
                             datalyr_error *error)
{
    (void)error; /* nothing is required beyond what every event needs */
    call->takes_defaults = true;
    call->event = "$pageview";
    call->user_id = user_id;
    call->properties.what = "properties";
    call->properties.given = properties;
    if (!is_empty(name)) {
        call->own[0].name = "name";
        call->own[0].value = datalyr_text(name);
        call->properties.first = call->own;
        call->properties.first_count = 1;
        call->fallback.name = "url";
        call->fallback.value = datalyr_text(name);
        call->properties.fallback = &call->fallback;
    }
    return DATALYR_OK;
}

/* Both spellings: the vendor's server reads the second pair only, its older
 * exports have the first. */
datalyr_status dlr_call_alias(struct dlr_call *call, const char *user_id,
                              const char *previous_id, datalyr_error *error)
{
    const char *previous =
        is_empty(previous_id) ? call->anonymous_id : previous_id;

    if (is_empty(user_id)) {
        return dlr_refuse(error, "user_id is missing: alias needs the user "
                                 "that the previous id becomes");
    }
    if (is_empty(previous)) {
        return dlr_refuse(error, "previous_id is missing: give it, or an "
                                 "anonymous_id in the options");
    }
    call->event = "$alias";
    call->user_id = user_id;
    call->own[0] = (datalyr_member){"new_user_id", datalyr_text(user_id)};
    call->own[1] = (datalyr_member){"previous_id", datalyr_text(previous)};
    call->own[2] = (datalyr_member){"userId", datalyr_text(user_id)};
    call->own[3] = (datalyr_member){"previousId", datalyr_text(previous)};
    call->properties.what = "properties";
    call->properties.first = call->own;
    call->properties.first_count = 4;
    return DATALYR_OK;
}

/* Upper case of ASCII only: a currency is three letters, and the locale has no
 * say in it. */
static datalyr_status copy_currency(struct dlr_call *call, const char *currency,
                                    datalyr_error *error)
{
    size_t len;

    if (is_empty(currency)) {
        currency = "USD";
    }
    len = strlen(currency);
    if (len >= sizeof call->currency) {
        return dlr_refuse(error,
                          "currency is \"%s\": use the three letters of "
                          "ISO 4217, such as USD",
                          currency);
    }
    for (size_t i = 0; i <= len; i++) {
        char c = currency[i];

        call->currency[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return DATALYR_OK;
}

datalyr_status dlr_call_purchase(struct dlr_call *call, const char *user_id,
                                 const datalyr_purchase *purchase,
                                 datalyr_error *error)
{
    datalyr_status status;

    if (purchase == NULL) {
        return dlr_refuse(error, "purchase is NULL");
    }
    if (!isfinite(purchase->value)) {
        return dlr_refuse(error, "value is NaN or infinite: a purchase needs "
                                 "an amount");
    }
    status = copy_currency(call, purchase->currency, error);
    if (status != DATALYR_OK) {
        return status;
    }
    call->takes_defaults = true;
    call->event = "purchase";
    call->user_id = user_id;
    call->own[0] = (datalyr_member){"value", datalyr_number(purchase->value)};
    call->own[1] = (datalyr_member){"currency", datalyr_text(call->currency)};
    call->properties.what = "properties";
    call->properties.given = purchase->properties;
    call->properties.last = call->own;
    call->properties.last_count = 2;
    return DATALYR_OK;
}
