/* SPDX-License-Identifier: MIT */
/*
 * Groups: accounts, with who belongs to them and what is said of them.
 */
#include "api/api.h"

#include "api/render.h"
#include "base/mem.h"
#include "identity/assign.h"
#include "identity/traits.h"
#include "os/clock.h"
#include "store/row_list.h"

#include <stdlib.h>

#define EVENTS_MAX 100000

struct member {
    struct dlr_text user;
    int64_t first_ms;
    int64_t last_ms;
};

struct group {
    struct dld_row_list rows;
    struct dld_event *events; /* of the rows, in order of time */
    struct dlr_buf arena;
    struct dld_traits traits;
    struct member *members;
    size_t member_count;
    int64_t deadline_ns;
    bool is_partial;
};

static bool keep_row(void *self, const struct dld_row *row)
{
    struct group *group = self;

    if (group->rows.count == EVENTS_MAX ||
        dlr_clock_monotonic_ns() > group->deadline_ns) {
        group->is_partial = true;
        return false;
    }
    return dld_row_list_add(&group->rows, row);
}

static int compare_rows(const void *left, const void *right)
{
    const struct dld_row *a = left;
    const struct dld_row *b = right;

    return dld_assign_compare(a->time_ms, a->id, b->time_ms, b->id);
}

static bool enter_member(struct group *group, struct dlr_text user,
                         int64_t time_ms)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (dlr_text_equals(group->members[i].user, user)) {
            group->members[i].last_ms = time_ms;
            return true;
        }
    }
    group->members[group->member_count++] =
        (struct member){user, time_ms, time_ms};
    return true;
}

/* Events in order of time, so that the last word on a trait is the latest. */
static bool read_rows(struct group *group, struct dlr_text id)
{
    size_t count = group->rows.count;

    group->events = dlr_calloc(count + 1, sizeof *group->events);
    group->members = dlr_calloc(count + 1, sizeof *group->members);
    dlr_buf_init(&group->arena, DLD_ANSWER_MAX);
    if (group->events == NULL || group->members == NULL ||
        dlr_buf_reserve(&group->arena, group->rows.bytes +
                                           count * DLD_EVENT_ARENA_EXTRA + 1) ==
            NULL) {
        return false;
    }
    if (count > 0) {
        qsort(group->rows.rows, count, sizeof *group->rows.rows, compare_rows);
    }
    for (size_t i = 0; i < count; i++) {
        struct dld_event *event = &group->events[i];
        struct dld_event_fault fault;

        dld_event_read(group->rows.rows[i].doc, &group->arena, event, &fault);
        if (event->kind != DLD_EVENT_GROUP ||
            !dlr_text_equals(event->link, id)) {
            continue;
        }
        if (!dld_traits_add(&group->traits, event)) {
            return false;
        }
        if (event->user.len > 0) {
            (void)enter_member(group, event->user, group->rows.rows[i].time_ms);
        }
    }
    return true;
}

static void write_group(const struct group *group, struct dlr_text id,
                        struct dlr_buf *body)
{
    dlr_buf_append_char(body, '{');
    dld_render_text(body, "groupId", id);
    dlr_buf_append_string(body, ",\"traits\":");
    dld_traits_put(body, &group->traits);
    dld_render_number(body, "memberCount", group->member_count);
    dlr_buf_append_string(body, ",\"members\":[");
    for (size_t i = 0; i < group->member_count; i++) {
        dlr_buf_append_string(body, i == 0 ? "{" : ",{");
        dld_render_text(body, "userId", group->members[i].user);
        dld_render_time(body, "since", group->members[i].first_ms);
        dld_render_time(body, "lastSeen", group->members[i].last_ms);
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
    dld_render_bool(body, "partial", group->is_partial);
    dlr_buf_append_char(body, '}');
}

static void clear_group(struct group *group)
{
    dlr_free(group->events);
    dlr_free(group->members);
    dlr_buf_clear(&group->arena);
    dld_traits_clear(&group->traits);
    dld_row_list_clear(&group->rows);
}

void dld_api_group(struct dld_work *work)
{
    const struct dld_store *store = work->api->options.store;
    struct dld_scan scan = {.workspace = work->workspace,
                            .key = DLD_KEY_LINK,
                            .value = work->path[1],
                            .since_ms = DLD_TIME_MIN,
                            .until_ms = DLD_TIME_MAX};
    struct group group = {
        .deadline_ns = dlr_clock_monotonic_ns() +
                       (int64_t)work->api->options.query_time_ms * 1000000};
    struct dlr_buf body;
    datalyr_error error = {0};
    datalyr_status status =
        store->scan(store->self, &scan, keep_row, &group, &error);

    dlr_buf_init(&body, DLD_ANSWER_MAX);
    if (status == DATALYR_OK && !read_rows(&group, scan.value)) {
        status = DATALYR_NOMEM;
    }
    if (status != DATALYR_OK) {
        dld_api_store_failed(work, status, &error);
    } else if (group.member_count == 0 && group.traits.count == 0) {
        dld_reply_error(work->request, 404, "no event of this group is here",
                        "ids are compared byte for byte", NULL);
    } else {
        write_group(&group, scan.value, &body);
        dld_reply_json(work->request, 200, &body);
    }
    dlr_buf_clear(&body);
    clear_group(&group);
}
