/* SPDX-License-Identifier: MIT */
/*
 * Overview: a time range in numbers. Traffic: where it came from.
 *
 * DESIGN
 * Both read the events of the range, within the time of a question; what the
 * time was too short for is said ("partial"). A visitor is a person as far as
 * one event tells: its anonymous id, else its user id. Sessions are those of
 * visitors, cut as everywhere by half an hour of silence or by the SDK's id.
 */
#include "api/api.h"

#include "api/filter.h"
#include "api/profile.h"
#include "api/render.h"
#include "api/tally.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/number.h"
#include "os/clock.h"

#include <stdlib.h>

#define HOUR_MS (60 * 60 * (int64_t)1000)
#define DAY_MS  (24 * HOUR_MS)

/* Points of a series; longer ranges take larger steps. */
#define POINTS_MAX 2000

struct moment {
    uint64_t visitor;
    uint64_t session; /* hash of the id sent, or 0 */
    int64_t time_ms;
};

struct point {
    uint64_t events;
    uint64_t pageviews;
};

struct report {
    struct dld_filter filter;
    struct dld_scan scan;
    int64_t step_ms;
    int64_t first_ms; /* of the series */
    struct point *points;
    size_t point_count;
    struct moment *moments;
    size_t moment_count;
    size_t moment_capacity;
    struct dld_revenue revenue;
    struct dld_tally tally;
    struct dlr_text type; /* of traffic */
    uint64_t limit;
    uint64_t events;
    uint64_t pageviews;
    int64_t deadline_ns;
    bool is_partial;
    bool has_failed;
    struct dlr_buf arena;
};

static uint64_t hash_of(struct dlr_text text)
{
    static const struct dlr_hash_key key = {{0x76697369, 0x746f7273}};

    return text.len == 0 ? 0 : dlr_hash(&key, text.ptr, text.len) | 1;
}

static bool add_moment(struct report *report, const struct dld_row *row,
                       const struct dld_event *event)
{
    if (report->moment_count == report->moment_capacity) {
        size_t capacity = report->moment_capacity * 2 + 1024;
        void *larger =
            dlr_realloc(report->moments, capacity * sizeof *report->moments);

        if (larger == NULL) {
            return false;
        }
        report->moments = larger;
        report->moment_capacity = capacity;
    }
    report->moments[report->moment_count++] = (struct moment){
        .visitor =
            hash_of(event->anonymous.len > 0 ? event->anonymous : event->user),
        .session = hash_of(event->session),
        .time_ms = row->time_ms,
    };
    return true;
}

static bool begin_row(struct report *report, const struct dld_row *row,
                      struct dld_event *event)
{
    if (dlr_clock_monotonic_ns() > report->deadline_ns) {
        report->is_partial = true;
        return false;
    }
    report->has_failed =
        report->has_failed || !dld_render_read(row, &report->arena, event);
    return !report->has_failed;
}

static bool count_row(void *self, const struct dld_row *row)
{
    struct report *report = self;
    struct dld_event event;
    struct dld_money money;
    int64_t at;

    if (!begin_row(report, row, &event)) {
        return false;
    }
    at = (row->time_ms - report->first_ms) / report->step_ms;
    if (at >= 0 && (size_t)at < report->point_count) {
        report->points[at].events++;
        report->points[at].pageviews += event.kind == DLD_EVENT_PAGE ? 1 : 0;
    }
    report->events++;
    report->pageviews += event.kind == DLD_EVENT_PAGE ? 1 : 0;
    if (dld_revenue_read(&event, &money)) {
        dld_revenue_add(&report->revenue, &money);
    }
    report->has_failed = !add_moment(report, row, &event);
    return !report->has_failed;
}

static int compare_moments(const void *left, const void *right)
{
    const struct moment *a = left;
    const struct moment *b = right;

    if (a->visitor != b->visitor) {
        return a->visitor < b->visitor ? -1 : 1;
    }
    return (a->time_ms > b->time_ms) - (a->time_ms < b->time_ms);
}

static void count_people(struct report *report, uint64_t *visitors,
                         uint64_t *sessions)
{
    uint64_t session = 0;

    *visitors = 0;
    *sessions = 0;
    if (report->moment_count > 0) {
        qsort(report->moments, report->moment_count, sizeof *report->moments,
              compare_moments);
    }
    for (size_t i = 0; i < report->moment_count; i++) {
        const struct moment *now = &report->moments[i];
        const struct moment *before = now - 1;
        bool is_new = i == 0 || before->visitor != now->visitor;
        bool is_next =
            is_new || now->time_ms - before->time_ms > DLD_SESSION_IDLE_MS ||
            (now->session != 0 && session != 0 && now->session != session);

        *visitors += is_new ? 1 : 0;
        *sessions += is_next ? 1 : 0;
        session = is_next || session == 0 ? now->session : session;
    }
}

static const char *take_step(struct report *report, struct dlr_text value)
{
    static const struct {
        struct dlr_text name;
        int64_t step_ms;
    } steps[] = {
        {{"hour", 4}, HOUR_MS},
        {{"day", 3}, DAY_MS},
        {{"week", 4}, 7 * DAY_MS},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (dlr_text_equals(value, steps[i].name)) {
            report->step_ms = steps[i].step_ms;
            return NULL;
        }
    }
    return "aggregation is hour, day or week";
}

static const char *take_type(struct report *report, struct dlr_text value)
{
    report->type = value;
    return dlr_text_equals(value, DLR_TEXT("referrer")) ||
                   dlr_text_equals(value, DLR_TEXT("campaign")) ||
                   dlr_text_equals(value, DLR_TEXT("page"))
               ? NULL
               : "type is referrer, campaign or page";
}

static const char *take_limit(struct report *report, struct dlr_text value)
{
    return dlr_number_read_uint64(value.ptr, value.len, &report->limit) &&
                   report->limit >= 1 && report->limit <= 100
               ? NULL
               : "limit is a number from 1 to 100";
}

static const char *take_param(struct report *report,
                              const struct dld_param *param, int64_t now_ms,
                              bool is_traffic)
{
    const char *fault = NULL;

    if (!is_traffic && dlr_text_equals(param->name, DLR_TEXT("aggregation"))) {
        return take_step(report, param->value);
    }
    if (is_traffic && dlr_text_equals(param->name, DLR_TEXT("type"))) {
        return take_type(report, param->value);
    }
    if (is_traffic && dlr_text_equals(param->name, DLR_TEXT("limit"))) {
        return take_limit(report, param->value);
    }
    if ((dlr_text_equals(param->name, DLR_TEXT("since")) ||
         dlr_text_equals(param->name, DLR_TEXT("until"))) &&
        dld_filter_take(&report->filter, param, now_ms, &fault)) {
        return fault;
    }
    return "the parameter is not known";
}

/* False when the answer is an error already. */
static bool begin_report(struct dld_work *work, struct report *report,
                         bool is_traffic)
{
    const struct dld_target *target = &work->request->target;
    int64_t now_ms = work->request->received_ms;

    report->limit = 20;
    report->type = DLR_TEXT("referrer");
    dld_filter_init(&report->filter);
    dlr_buf_init(&report->arena, DLD_ANSWER_MAX);
    report->deadline_ns = dlr_clock_monotonic_ns() +
                          (int64_t)work->api->options.query_time_ms * 1000000;
    for (size_t i = 0; i < target->param_count; i++) {
        const char *fault =
            take_param(report, &target->params[i], now_ms, is_traffic);

        if (fault != NULL) {
            dld_api_bad_param(work, target->params[i].name, fault);
            return false;
        }
    }
    if (report->filter.until_ms == DLD_TIME_MAX) {
        report->filter.until_ms = now_ms + DAY_MS;
    }
    if (report->filter.since_ms == DLD_TIME_MIN) {
        report->filter.since_ms = now_ms - 7 * DAY_MS;
    }
    if (report->filter.until_ms <= report->filter.since_ms) {
        dld_api_bad_param(work, DLR_TEXT("until"), "until is not after since");
        return false;
    }
    dld_filter_to_scan(&report->filter, work->workspace, &report->scan);
    return true;
}

/* Steps as the vendor has them: hours for a day, days for two months. */
static bool make_points(struct report *report)
{
    int64_t range_ms = report->filter.until_ms - report->filter.since_ms;

    range_ms = range_ms < 0 ? 0 : range_ms;
    if (report->step_ms == 0) {
        report->step_ms = range_ms <= 2 * DAY_MS    ? HOUR_MS
                          : range_ms <= 60 * DAY_MS ? DAY_MS
                                                    : 7 * DAY_MS;
    }
    while (range_ms / report->step_ms >= POINTS_MAX) {
        report->step_ms *= 2;
    }
    report->first_ms = report->filter.since_ms;
    report->first_ms -= report->first_ms % report->step_ms;
    report->point_count = (size_t)((report->filter.until_ms - report->first_ms +
                                    report->step_ms - 1) /
                                   report->step_ms);
    report->points =
        dlr_calloc(report->point_count + 1, sizeof *report->points);
    return report->points != NULL;
}

static void put_series(struct dlr_buf *body, const struct report *report)
{
    bool is_first = true;

    dlr_buf_append_string(body, ",\"series\":[");
    for (size_t i = 0; i < report->point_count; i++) {
        if (report->points[i].events == 0) {
            continue;
        }
        dlr_buf_append_string(body, is_first ? "{" : ",{");
        is_first = false;
        dld_render_time(body, "at",
                        report->first_ms + (int64_t)i * report->step_ms);
        dld_render_number(body, "events", report->points[i].events);
        dld_render_number(body, "pageviews", report->points[i].pageviews);
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
}

static void write_overview(struct dlr_buf *body, struct report *report)
{
    uint64_t visitors;
    uint64_t sessions;

    count_people(report, &visitors, &sessions);
    dlr_buf_append_char(body, '{');
    dld_render_time(body, "since", report->filter.since_ms);
    dld_render_time(body, "until", report->filter.until_ms);
    dld_render_number(body, "visitors", visitors);
    dld_render_number(body, "sessions", sessions);
    dld_render_number(body, "pageviews", report->pageviews);
    dld_render_number(body, "events", report->events);
    dld_profile_put_revenue(body, &report->revenue);
    dld_render_number(body, "stepMs", (uint64_t)report->step_ms);
    put_series(body, report);
    dld_render_bool(body, "partial", report->is_partial);
    dlr_buf_append_char(body, '}');
}

static void clear_report(struct report *report)
{
    dlr_free(report->points);
    dlr_free(report->moments);
    dld_tally_clear(&report->tally);
    dlr_buf_clear(&report->arena);
}

/* Runs the scan; false when the answer is an error already. */
static bool run_scan(struct dld_work *work, struct report *report,
                     dld_visit visit)
{
    const struct dld_store *store = work->api->options.store;
    datalyr_error error = {0};
    datalyr_status status =
        store->scan(store->self, &report->scan, visit, report, &error);

    if (status == DATALYR_OK && report->has_failed) {
        status = DATALYR_NOMEM;
    }
    if (status != DATALYR_OK) {
        dld_api_store_failed(work, status, &error);
    }
    return status == DATALYR_OK;
}

void dld_api_overview(struct dld_work *work)
{
    struct report report = {0};
    struct dlr_buf body;

    if (begin_report(work, &report, false)) {
        report.has_failed = !make_points(&report);
        if (run_scan(work, &report, count_row)) {
            dlr_buf_init(&body, DLD_ANSWER_MAX);
            write_overview(&body, &report);
            dld_reply_json(work->request, 200, &body);
        }
    }
    clear_report(&report);
}

static struct dlr_text traffic_name(const struct report *report,
                                    const struct dld_event *event,
                                    const struct dld_touch *touch)
{
    if (dlr_text_equals(report->type, DLR_TEXT("campaign"))) {
        return touch->campaign;
    }
    if (dlr_text_equals(report->type, DLR_TEXT("page"))) {
        return event->kind == DLD_EVENT_PAGE ? touch->landing_page
                                             : (struct dlr_text){0};
    }
    return event->kind == DLD_EVENT_PAGE ? touch->source : (struct dlr_text){0};
}

static bool tally_row(void *self, const struct dld_row *row)
{
    struct report *report = self;
    struct dld_event event;
    struct dld_touch touch;
    struct dlr_text name;

    if (!begin_row(report, row, &event)) {
        return false;
    }
    (void)dld_touch_read(&event, &touch);
    name = traffic_name(report, &event, &touch);
    if (name.len > 0) {
        report->events++;
        report->has_failed = !dld_tally_add(&report->tally, name);
    }
    return !report->has_failed;
}

static void write_traffic(struct dlr_buf *body, struct report *report)
{
    dld_tally_sort(&report->tally);
    dlr_buf_append_char(body, '{');
    dld_render_text(body, "type", report->type);
    dld_render_number(body, "events", report->events);
    dlr_buf_append_string(body, ",\"rows\":[");
    for (size_t i = 0; i < report->tally.count && i < report->limit; i++) {
        const struct dld_tally_line *line = &report->tally.lines[i];

        dlr_buf_append_string(body, i == 0 ? "{" : ",{");
        dld_render_text(body, "name", dlr_text_n(line->name, line->len));
        dld_render_number(body, "events", line->count);
        dlr_buf_append_char(body, '}');
    }
    dlr_buf_append_char(body, ']');
    dld_render_bool(body, "partial", report->is_partial);
    dlr_buf_append_char(body, '}');
}

void dld_api_traffic(struct dld_work *work)
{
    struct report report = {0};
    struct dlr_buf body;

    if (begin_report(work, &report, true) &&
        run_scan(work, &report, tally_row)) {
        dlr_buf_init(&body, DLD_ANSWER_MAX);
        write_traffic(&body, &report);
        dld_reply_json(work->request, 200, &body);
    }
    clear_report(&report);
}
