/* SPDX-License-Identifier: MIT */
/*
 * People: users, their journeys, and anonymous ids.
 */
#include "api/api.h"

#include "api/render.h"
#include "base/number.h"
#include "identity/person.h"
#include "os/clock.h"

/* A person with more is cut, and the answer says so. */
#define EVENTS_MAX 100000

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

static void put_person(struct dlr_buf *body, const struct dld_person *person)
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

static void put_deeds(struct dlr_buf *body, const struct dld_person *person,
                      uint64_t first, uint64_t limit)
{
    uint64_t end =
        first + limit < person->deed_count ? first + limit : person->deed_count;

    dlr_buf_append_string(body, ",\"events\":[");
    for (uint64_t i = first; i < end; i++) {
        const struct dld_deed *deed = &person->deeds[i];

        dlr_buf_append_string(body, i == first ? "{" : ",{");
        dld_render_members(body, &deed->row, &deed->event);
        if (deed->owner.len > 0) {
            dld_render_text(body, "resolvedUserId", deed->owner);
        }
        if (deed->is_by_identity && deed->owner.len > 0) {
            dld_render_bool(body, "byIdentity", true);
        }
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
    dld_render_bool(body, "more", end < person->deed_count);
    if (end < person->deed_count) {
        dlr_buf_printf(body, ",\"cursor\":\"c%llu\"", (unsigned long long)end);
    }
}

struct window {
    uint64_t first;
    uint64_t limit;
};

static bool read_window(struct dld_work *work, struct window *window)
{
    const struct dld_target *target = &work->request->target;

    *window = (struct window){0, 10000};
    for (size_t i = 0; i < target->param_count; i++) {
        const struct dld_param *param = &target->params[i];
        const char *fault = NULL;

        if (dlr_text_equals(param->name, DLR_TEXT("limit"))) {
            if (!dlr_number_read_uint64(param->value.ptr, param->value.len,
                                        &window->limit) ||
                window->limit < 1 || window->limit > 10000) {
                fault = "limit is a number from 1 to 10000";
            }
        } else if (dlr_text_equals(param->name, DLR_TEXT("cursor"))) {
            if (param->value.len < 2 || param->value.ptr[0] != 'c' ||
                !dlr_number_read_uint64(param->value.ptr + 1,
                                        param->value.len - 1, &window->first)) {
                fault = "the cursor is not one of ours";
            }
        } else {
            fault = "the parameter is not known";
        }
        if (fault != NULL) {
            dld_api_bad_param(work, param->name, fault);
            return false;
        }
    }
    return true;
}

static struct dld_person_question make_question(const struct dld_work *work)
{
    return (struct dld_person_question){
        .store = work->api->options.store,
        .workspace = work->workspace,
        .id = work->path[1],
        .max_events = EVENTS_MAX,
        .deadline_ns = dlr_clock_monotonic_ns() +
                       (int64_t)work->api->options.query_time_ms * 1000000,
    };
}

static void answer_user(struct dld_work *work, bool has_events)
{
    struct dld_person_question question = make_question(work);
    struct dld_person person;
    struct window window;
    struct dlr_buf body;
    datalyr_error error = {0};
    datalyr_status status;

    if (!read_window(work, &window)) {
        return;
    }
    status = dld_person_of_user(&question, &person, &error);
    dlr_buf_init(&body, DLD_ANSWER_MAX);
    if (status != DATALYR_OK) {
        dld_api_store_failed(work, status, &error);
    } else if (person.deed_count == 0) {
        dld_reply_error(work->request, 404, "no event of this user is here",
                        "ids are compared byte for byte", NULL);
    } else {
        dlr_buf_append_char(&body, '{');
        dld_render_text(&body, "userId", question.id);
        put_person(&body, &person);
        if (has_events) {
            put_deeds(&body, &person, window.first, window.limit);
        }
        dlr_buf_append_char(&body, '}');
        dld_reply_json(work->request, 200, &body);
    }
    dlr_buf_clear(&body);
    dld_person_clear(&person);
}

void dld_api_user(struct dld_work *work)
{
    answer_user(work, false);
}

void dld_api_journey(struct dld_work *work)
{
    answer_user(work, true);
}

void dld_api_anonymous(struct dld_work *work)
{
    struct dld_person_question question = make_question(work);
    struct dld_person person;
    struct window window;
    struct dlr_buf body;
    datalyr_error error = {0};
    datalyr_status status;

    if (!read_window(work, &window)) {
        return;
    }
    status = dld_person_of_anonymous(&question, &person, &error);
    dlr_buf_init(&body, DLD_ANSWER_MAX);
    if (status != DATALYR_OK) {
        dld_api_store_failed(work, status, &error);
    } else if (person.deed_count == 0 && person.users.count == 0) {
        dld_reply_error(work->request, 404,
                        "no event of this anonymous id is here",
                        "ids are compared byte for byte", NULL);
    } else {
        dlr_buf_append_char(&body, '{');
        dld_render_text(&body, "anonymousId", question.id);
        put_person(&body, &person);
        put_deeds(&body, &person, window.first, window.limit);
        dlr_buf_append_char(&body, '}');
        dld_reply_json(work->request, 200, &body);
    }
    dlr_buf_clear(&body);
    dld_person_clear(&person);
}
