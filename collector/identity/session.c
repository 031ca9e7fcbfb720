/* SPDX-License-Identifier: MIT */
/*
 * Session: cut by silence, or by an SDK that says so.
 *
 * DESIGN
 * Events of servers carry no session; they belong to the visit that they fall
 * into. Only when two different session ids follow each other does the id end
 * a visit, so a purchase from the backend does not tear one apart.
 */
#include "identity/session.h"

#include "base/mem.h"

#define DAY_MS (24 * 60 * 60 * (int64_t)1000)

static bool begins_session(const struct dld_person *person,
                           const struct dld_session *current, size_t at)
{
    const struct dld_deed *deed = &person->deeds[at];
    const struct dld_deed *before = at == 0 ? NULL : &person->deeds[at - 1];

    if (before == NULL ||
        deed->row.time_ms - before->row.time_ms > DLD_SESSION_IDLE_MS) {
        return true;
    }
    return deed->event.session.len > 0 && current->id.len > 0 &&
           !dlr_text_equals(deed->event.session, current->id);
}

static void enter(struct dld_session_list *list,
                  const struct dld_person *person, size_t at)
{
    struct dld_session *session = &list->sessions[list->count - 1];
    const struct dld_deed *deed = &person->deeds[at];
    struct dld_touch touch;
    bool is_real = dld_touch_read(&deed->event, &touch);

    if (touch.click_id_type != NULL) {
        list->clicks[list->click_count++] =
            (struct dld_click){at, deed->row.time_ms, touch.window_days};
    }

    if (session->count == 0 || (is_real && !session->has_touch)) {
        session->touch = touch;
        session->has_touch = is_real;
    }
    if (session->id.len == 0) {
        session->id = deed->event.session;
    }
    session->count++;
}

bool dld_sessions_make(const struct dld_person *person,
                       struct dld_session_list *list)
{
    struct dld_session *current = NULL;

    *list = (struct dld_session_list){0};
    list->sessions = dlr_calloc(person->deed_count + 1, sizeof *list->sessions);
    list->clicks = dlr_calloc(person->deed_count + 1, sizeof *list->clicks);
    if (list->sessions == NULL || list->clicks == NULL) {
        dld_sessions_clear(list);
        return false;
    }
    for (size_t i = 0; i < person->deed_count; i++) {
        if (begins_session(person, current, i)) {
            current = &list->sessions[list->count++];
            current->first = i;
        }
        enter(list, person, i);
    }
    return true;
}

static size_t session_of(const struct dld_session_list *list, size_t deed)
{
    size_t at = list->count;

    while (at > 0 && list->sessions[at - 1].first > deed) {
        at--;
    }
    return at == 0 ? 0 : at - 1;
}

size_t dld_session_credit(const struct dld_person *person,
                          const struct dld_session_list *list, size_t deed)
{
    size_t first = list->sessions[session_of(list, deed)].first;
    int64_t at_ms = person->deeds[deed].row.time_ms;
    size_t earlier = SIZE_MAX;

    for (size_t i = 0; i < list->click_count; i++) {
        const struct dld_click *click = &list->clicks[i];

        if (click->deed > deed) {
            break;
        }
        if (click->deed >= first) {
            return click->deed;
        }
        if (earlier == SIZE_MAX &&
            at_ms - click->time_ms <= (int64_t)click->window_days * DAY_MS) {
            earlier = click->deed;
        }
    }
    return earlier;
}

void dld_sessions_clear(struct dld_session_list *list)
{
    dlr_free(list->sessions);
    dlr_free(list->clicks);
    *list = (struct dld_session_list){0};
}
