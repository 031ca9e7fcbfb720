/* SPDX-License-Identifier: MIT */
/*
 * People: users, their journeys, and anonymous ids.
 */
#include "api/api.h"

#include "api/filter.h"
#include "api/profile.h"
#include "api/render.h"
#include "base/number.h"
#include "identity/person.h"
#include "os/clock.h"

/* A person with more is cut, and the answer says so. */
#define EVENTS_MAX 100000

enum person_kind {
    PERSON_USER,
    PERSON_JOURNEY,
    PERSON_ANONYMOUS,
};

struct window {
    enum person_kind kind;
    uint64_t first;
    uint64_t limit;
};

static bool read_window(struct dld_work *work, struct window *window)
{
    const struct dld_target *target = &work->request->target;

    *window = (struct window){.limit = 10000};
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

static void write_person(struct dld_work *work, struct dlr_buf *body,
                         const struct dld_person *person,
                         const struct window *window)
{
    struct dld_session_list sessions = {0};
    struct dld_profile_page page = {person, &sessions, window->first,
                                    window->limit};

    body->failed = body->failed || !dld_sessions_make(person, &sessions);
    dld_profile_put_person(body, person);
    if (window->kind != PERSON_ANONYMOUS) {
        dld_profile_put_sums(body, person, &sessions);
    }
    if (window->kind != PERSON_USER) {
        dld_profile_put_sessions(body, person, &sessions);
        dld_profile_put_events(body, &page);
    }
    dlr_buf_append_char(body, '}');
    dld_reply_json(work->request, 200, body);
    dld_sessions_clear(&sessions);
}

static void answer(struct dld_work *work, enum person_kind kind)
{
    struct dld_person_question question = make_question(work);
    bool is_user = kind != PERSON_ANONYMOUS;
    struct dld_person person;
    struct window window;
    struct dlr_buf body;
    datalyr_error error = {0};
    datalyr_status status;

    if (!read_window(work, &window)) {
        return;
    }
    window.kind = kind;
    status = is_user ? dld_person_of_user(&question, &person, &error)
                     : dld_person_of_anonymous(&question, &person, &error);
    dlr_buf_init(&body, DLD_ANSWER_MAX);
    if (status != DATALYR_OK) {
        dld_api_store_failed(work, status, &error);
    } else if (person.deed_count == 0 && (is_user || person.users.count == 0)) {
        dld_reply_error(work->request, 404,
                        is_user ? "no event of this user is here"
                                : "no event of this anonymous id is here",
                        "ids are compared byte for byte", NULL);
    } else {
        dlr_buf_append_char(&body, '{');
        dld_render_text(&body, is_user ? "userId" : "anonymousId", question.id);
        write_person(work, &body, &person, &window);
    }
    dlr_buf_clear(&body);
    dld_person_clear(&person);
}

void dld_api_user(struct dld_work *work)
{
    answer(work, PERSON_USER);
}

void dld_api_journey(struct dld_work *work)
{
    answer(work, PERSON_JOURNEY);
}

void dld_api_anonymous(struct dld_work *work)
{
    answer(work, PERSON_ANONYMOUS);
}
