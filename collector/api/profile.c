/* SPDX-License-Identifier: MIT */
/*
 * Profile: what is known of a person, each statement with the event that
 * proves it.
 */
#include "api/profile.h"

#include "api/render.h"
#include "identity/traits.h"

static const char *rule_name(enum dld_tie_rule rule)
{
    switch (rule) {
    case DLD_TIE_ASKED:
        return "asked";
    case DLD_TIE_TOGETHER:
        return "together";
    case DLD_TIE_ALIAS:
        return "alias";
    }
    return "";
}

static void put_ids(struct dlr_buf *body, const char *name,
                    const struct dld_tie_list *list)
{
    dlr_buf_printf(body, ",\"%s\":[", name);
    for (size_t i = 0; i < list->count; i++) {
        dlr_buf_append_string(body, i == 0 ? "" : ",");
        dld_render_string(body, list->ties[i].id);
    }
    dlr_buf_append_char(body, ']');
}

/* Each id with the event that proves it. */
static void put_links(struct dlr_buf *body, const char *kind,
                      const struct dld_tie_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct dld_tie *tie = &list->ties[i];

        if (tie->event_id.len == 0) {
            continue;
        }
        dlr_buf_append_string(body,
                              body->ptr[body->len - 1] == '[' ? "{" : ",{");
        dld_render_text(body, kind, tie->id);
        dld_render_text(body, "rule", dlr_text_of(rule_name(tie->rule)));
        dld_render_text(body, "eventId", tie->event_id);
        dld_render_time(body, "timestamp", tie->time_ms);
        dlr_buf_append_char(body, '}');
    }
}

void dld_profile_put_person(struct dlr_buf *body,
                            const struct dld_person *person)
{
    put_ids(body, "userIds", &person->users);
    put_ids(body, "anonymousIds", &person->anonymous);
    dlr_buf_append_string(body, ",\"links\":[");
    put_links(body, "userId", &person->users);
    put_links(body, "anonymousId", &person->anonymous);
    dlr_buf_append_char(body, ']');
    dld_render_number(body, "eventCount", person->deed_count);
    if (person->deed_count > 0) {
        dld_render_time(body, "firstSeen", person->deeds[0].row.time_ms);
        dld_render_time(body, "lastSeen",
                        person->deeds[person->deed_count - 1].row.time_ms);
    }
    dld_render_bool(body, "partial", person->is_partial);
}

/* Traits of all $identify events in order; the last word counts. */
static void put_traits(struct dlr_buf *body, const struct dld_person *person)
{
    struct dld_traits traits = {0};
    bool has_room = true;

    for (size_t i = 0; i < person->deed_count && has_room; i++) {
        if (person->deeds[i].event.kind == DLD_EVENT_IDENTIFY) {
            has_room = dld_traits_add(&traits, &person->deeds[i].event);
        }
    }
    body->failed = body->failed || !has_room;
    dlr_buf_append_string(body, ",\"traits\":");
    dld_traits_put(body, &traits);
    dld_traits_clear(&traits);
}

static void put_optional(struct dlr_buf *body, const char *name,
                         struct dlr_text text)
{
    if (text.len > 0) {
        dld_render_text(body, name, text);
    }
}

static void put_touch_members(struct dlr_buf *body,
                              const struct dld_touch *touch)
{
    dld_render_text(body, "source", touch->source);
    dld_render_text(body, "medium", touch->medium);
    put_optional(body, "campaign", touch->campaign);
    if (touch->click_id_type != NULL) {
        dld_render_text(body, "clickIdType", dlr_text_of(touch->click_id_type));
        dld_render_text(body, "clickId", touch->click_id);
    }
    put_optional(body, "landingPage", touch->landing_page);
    put_optional(body, "referrer", touch->referrer);
}

static void put_touch(struct dlr_buf *body, const char *name,
                      const struct dld_person *person,
                      const struct dld_session *session)
{
    dlr_buf_printf(body, ",\"%s\":{", name);
    put_touch_members(body, &session->touch);
    dld_render_time(body, "timestamp",
                    person->deeds[session->first].row.time_ms);
    dlr_buf_append_char(body, '}');
}

/* The first session counts as direct if nothing says better; the last touch
 * is never taken over by "direct". */
static void put_touches(struct dlr_buf *body, const struct dld_person *person,
                        const struct dld_session_list *sessions)
{
    const struct dld_session *first = NULL;
    const struct dld_session *last = NULL;

    for (size_t i = 0; i < sessions->count; i++) {
        if (sessions->sessions[i].has_touch) {
            first = first == NULL ? &sessions->sessions[i] : first;
            last = &sessions->sessions[i];
        }
    }
    if (sessions->count > 0) {
        put_touch(body, "firstTouch", person,
                  first == NULL ? &sessions->sessions[0] : first);
        put_touch(body, "lastTouch", person,
                  last == NULL ? &sessions->sessions[0] : last);
    }
}

void dld_profile_put_revenue(struct dlr_buf *body,
                             const struct dld_revenue *revenue)
{
    dlr_buf_append_string(body, ",\"revenue\":[");
    for (size_t i = 0; i < revenue->count; i++) {
        dlr_buf_append_string(body, i == 0 ? "{\"amount\":" : ",{\"amount\":");
        dld_revenue_put(body, revenue->sums[i].micros);
        if (revenue->sums[i].currency[0] != '\0') {
            dld_render_text(body, "currency",
                            dlr_text_of(revenue->sums[i].currency));
        }
        dld_render_number(body, "events", revenue->sums[i].events);
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
}

void dld_profile_put_sums(struct dlr_buf *body, const struct dld_person *person,
                          const struct dld_session_list *sessions)
{
    struct dld_revenue revenue = {0};
    struct dld_money money;

    for (size_t i = 0; i < person->deed_count; i++) {
        if (dld_revenue_read(&person->deeds[i].event, &money)) {
            dld_revenue_add(&revenue, &money);
        }
    }
    put_traits(body, person);
    dld_render_number(body, "sessionCount", sessions->count);
    dld_profile_put_revenue(body, &revenue);
    put_touches(body, person, sessions);
}

void dld_profile_put_sessions(struct dlr_buf *body,
                              const struct dld_person *person,
                              const struct dld_session_list *sessions)
{
    dlr_buf_append_string(body, ",\"sessions\":[");
    for (size_t i = 0; i < sessions->count; i++) {
        const struct dld_session *session = &sessions->sessions[i];

        dlr_buf_append_string(body, i == 0 ? "{" : ",{");
        put_optional(body, "sessionId", session->id);
        dld_render_time(body, "start",
                        person->deeds[session->first].row.time_ms);
        dld_render_time(
            body, "end",
            person->deeds[session->first + session->count - 1].row.time_ms);
        dld_render_number(body, "eventCount", session->count);
        put_touch_members(body, &session->touch);
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
}

static void put_money(struct dlr_buf *body, const struct dld_profile_page *page,
                      uint64_t at)
{
    const struct dld_person *person = page->person;
    struct dld_money money;
    struct dld_touch touch;
    size_t credit;

    if (!dld_revenue_read(&person->deeds[at].event, &money)) {
        return;
    }
    dlr_buf_append_string(body, ",\"revenue\":");
    dld_revenue_put(body, money.micros);
    credit = page->sessions->count == 0
                 ? SIZE_MAX
                 : dld_session_credit(person, page->sessions, at);
    if (credit != SIZE_MAX) {
        (void)dld_touch_read(&person->deeds[credit].event, &touch);
        dlr_buf_append_string(body, ",\"credit\":{");
        put_touch_members(body, &touch);
        dld_render_text(body, "eventId", person->deeds[credit].row.id);
        dlr_buf_append_char(body, '}');
    }
}

static void put_event(struct dlr_buf *body, const struct dld_profile_page *page,
                      uint64_t at)
{
    const struct dld_deed *deed = &page->person->deeds[at];

    dlr_buf_append_string(body, at == page->first ? "{" : ",{");
    dld_render_members(body, &deed->row, &deed->event);
    if (deed->owner.len > 0) {
        dld_render_text(body, "resolvedUserId", deed->owner);
    }
    if (deed->is_by_identity && deed->owner.len > 0) {
        dld_render_bool(body, "byIdentity", true);
    }
    put_money(body, page, at);
    dlr_buf_append_char(body, '}');
}

void dld_profile_put_events(struct dlr_buf *body,
                            const struct dld_profile_page *page)
{
    uint64_t total = page->person->deed_count;
    uint64_t first = page->first < total ? page->first : total;
    uint64_t left = total - first;
    uint64_t end = first + (page->limit < left ? page->limit : left);

    dlr_buf_append_string(body, ",\"events\":[");
    for (uint64_t i = first; i < end; i++) {
        put_event(body, page, i);
    }
    dlr_buf_append_char(body, ']');
    dld_render_bool(body, "more", end < total);
    if (end < total) {
        dld_render_cursor(body, "cursor", end);
    }
}
