/* SPDX-License-Identifier: MIT */
/*
 * Filter: parameters to conditions, conditions to a scan and a check.
 *
 * DESIGN
 * The store narrows by one key, the one that is most likely to name few
 * events. Everything is checked again on the row that comes back, so it does
 * not matter which key was taken.
 */
#include "api/filter.h"

#include "base/number.h"
#include "base/time.h"
#include "base/units.h"

#include <string.h>
#include <strings.h>

void dld_filter_init(struct dld_filter *filter)
{
    memset(filter, 0, sizeof *filter);
    filter->since_ms = DLD_TIME_MIN;
    filter->until_ms = DLD_TIME_MAX;
}

bool dld_cursor_read(struct dlr_text text, uint64_t *seq)
{
    return text.len > 1 && text.ptr[0] == 'c' &&
           dlr_number_read_uint64(text.ptr + 1, text.len - 1, seq) &&
           *seq < INT64_MAX; /* there is one behind it */
}

/* A date, a number as the wire has it, or how long ago ("15m"). */
static bool read_time(struct dlr_text text, int64_t now_ms, int64_t *time_ms)
{
    double number;
    uint64_t ago_ms;

    if (dlr_time_parse(text, time_ms, NULL)) {
        return true;
    }
    if (dlr_number_read_double(text.ptr, text.len, &number)) {
        return dlr_time_from_number(number, time_ms);
    }
    if (dlr_parse_duration_ms(text, &ago_ms) && ago_ms <= (uint64_t)now_ms) {
        *time_ms = now_ms - (int64_t)ago_ms;
        return true;
    }
    return false;
}

static bool is_prop(struct dlr_text name)
{
    return dlr_text_starts_with(name, DLR_TEXT("prop.")) && name.len > 5;
}

static const char *take_prop(struct dld_filter *filter,
                             const struct dld_param *param)
{
    if (filter->prop_count == DLD_FILTER_PROPS) {
        return "at most 8 prop. conditions can be given";
    }
    filter->props[filter->prop_count].path =
        dlr_text_n(param->name.ptr + 5, param->name.len - 5);
    filter->props[filter->prop_count].value = param->value;
    filter->prop_count++;
    return NULL;
}

static const char *take_since(struct dld_filter *filter, struct dlr_text value,
                              int64_t now_ms)
{
    if (dld_cursor_read(value, &filter->after) ||
        read_time(value, now_ms, &filter->since_ms)) {
        return NULL;
    }
    return "since is neither a time (2026-03-04T05:06:07Z, 15m) nor a cursor";
}

static const char *take_until(struct dld_filter *filter, struct dlr_text value,
                              int64_t now_ms)
{
    return read_time(value, now_ms, &filter->until_ms)
               ? NULL
               : "until is no time (2026-03-04T05:06:07Z, 15m)";
}

bool dld_filter_take(struct dld_filter *filter, const struct dld_param *param,
                     int64_t now_ms, const char **fault)
{
    struct {
        struct dlr_text name;
        struct dlr_text *target;
    } texts[] = {
        {DLR_TEXT("event"), &filter->event},
        {DLR_TEXT("user"), &filter->user},
        {DLR_TEXT("anonymous"), &filter->anonymous},
        {DLR_TEXT("id"), &filter->id},
        {DLR_TEXT("session"), &filter->session},
        {DLR_TEXT("q"), &filter->search},
    };

    *fault = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (dlr_text_equals(param->name, texts[i].name)) {
            *fault =
                param->value.len == 0 ? "the parameter has no value" : NULL;
            *texts[i].target = param->value;
            return true;
        }
    }
    if (is_prop(param->name)) {
        *fault = take_prop(filter, param);
    } else if (dlr_text_equals(param->name, DLR_TEXT("since"))) {
        *fault = take_since(filter, param->value, now_ms);
    } else if (dlr_text_equals(param->name, DLR_TEXT("until"))) {
        *fault = take_until(filter, param->value, now_ms);
    } else if (dlr_text_equals(param->name, DLR_TEXT("cursor"))) {
        *fault = dld_cursor_read(param->value, &filter->after)
                     ? NULL
                     : "the cursor is not one of ours";
    } else {
        return false;
    }
    return true;
}

bool dld_filter_is_costly(const struct dld_filter *filter)
{
    bool has_index = filter->event.len > 0 || filter->user.len > 0 ||
                     filter->anonymous.len > 0 || filter->id.len > 0;

    return !has_index && (filter->prop_count > 0 || filter->search.len > 0 ||
                          filter->session.len > 0);
}

void dld_filter_to_scan(const struct dld_filter *filter, uint32_t workspace,
                        struct dld_scan *scan)
{
    const struct {
        enum dld_key key;
        struct dlr_text value;
    } keys[] = {
        {DLD_KEY_ID, filter->id},
        {DLD_KEY_ANONYMOUS, filter->anonymous},
        {DLD_KEY_USER, filter->user},
        {DLD_KEY_NAME, filter->event},
    };

    *scan = (struct dld_scan){
        .workspace = workspace,
        .since_ms = filter->since_ms,
        .until_ms = filter->until_ms,
        .after = filter->after,
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].value.len > 0) {
            scan->key = keys[i].key;
            scan->value = keys[i].value;
            return;
        }
    }
}

static struct dlr_json_value follow_path(struct dlr_json_value value,
                                         struct dlr_text path)
{
    struct dlr_json_value whole = dlr_json_get(value, path);
    const char *dot;

    /* A name with a dot in it wins over a path. */
    while (whole.type == DLR_JSON_NONE && path.len > 0 &&
           (dot = memchr(path.ptr, '.', path.len)) != NULL) {
        struct dlr_text first = {path.ptr, (size_t)(dot - path.ptr)};

        value = dlr_json_get(value, first);
        path = dlr_text_n(dot + 1, path.len - first.len - 1);
        whole = dlr_json_get(value, path);
    }
    return whole;
}

static bool is_same_number(struct dlr_json_value value, struct dlr_text text)
{
    int64_t whole_left;
    int64_t whole_right;
    double left;
    double right;

    /* As doubles, neighbours above 2^53 are the same. */
    if (dlr_number_read_int64(text.ptr, text.len, &whole_right) &&
        dlr_json_to_int64(value, &whole_left)) {
        return whole_left == whole_right;
    }
    return dlr_number_read_double(text.ptr, text.len, &right) &&
           dlr_json_to_double(value, &left) && !(left < right || left > right);
}

static bool value_equals(struct dlr_json_value value, struct dlr_text text)
{
    switch (value.type) {
    case DLR_JSON_STRING:
        return dlr_json_string_equals(value, text);
    case DLR_JSON_NUMBER:
        return dlr_text_equals(value.text, text) || is_same_number(value, text);
    case DLR_JSON_NULL:
    case DLR_JSON_BOOL:
    case DLR_JSON_ARRAY:
    case DLR_JSON_OBJECT:
        return dlr_text_equals(value.text, text);
    case DLR_JSON_NONE:
        return false;
    }
    return false;
}

/* ASCII letters match in either case; other bytes must be the same. */
static bool contains(struct dlr_text text, struct dlr_text part)
{
    if (part.len == 0) {
        return true;
    }
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (strncasecmp(text.ptr + i, part.ptr, part.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_unmet(struct dlr_text wanted, struct dlr_text found)
{
    return wanted.len > 0 && !dlr_text_equals(wanted, found);
}

static const char *miss_props(const struct dld_filter *filter,
                              const struct dld_event *event, unsigned *failed)
{
    const char *name = NULL;

    for (size_t i = 0; i < filter->prop_count; i++) {
        if (!value_equals(follow_path(event->properties, filter->props[i].path),
                          filter->props[i].value)) {
            name = "prop";
            (*failed)++;
        }
    }
    return name;
}

const char *dld_filter_miss(const struct dld_filter *filter,
                            const struct dld_row *row,
                            const struct dld_event *event, unsigned *failed)
{
    const struct {
        const char *name;
        bool is_missed;
    } checks[] = {
        {"since", row->time_ms < filter->since_ms},
        {"until", row->time_ms >= filter->until_ms},
        {"id", is_unmet(filter->id, row->id)},
        {"anonymous", is_unmet(filter->anonymous, event->anonymous)},
        {"user", is_unmet(filter->user, event->user)},
        {"event", is_unmet(filter->event, event->name)},
        {"session", is_unmet(filter->session, event->session)},
        {"q", !contains(row->doc, filter->search)},
    };
    const char *name;

    *failed = 0;
    name = miss_props(filter, event, failed);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].is_missed) {
            name = checks[i].name;
            (*failed)++;
        }
    }
    return name;
}

bool dld_filter_matches(const struct dld_filter *filter,
                        const struct dld_row *row,
                        const struct dld_event *event)
{
    unsigned failed = 0;

    /* The cheap and the telling ones first: most rows are no match. */
    return !is_unmet(filter->event, event->name) &&
           !is_unmet(filter->user, event->user) &&
           !is_unmet(filter->anonymous, event->anonymous) &&
           !is_unmet(filter->id, row->id) &&
           !is_unmet(filter->session, event->session) &&
           row->time_ms >= filter->since_ms &&
           row->time_ms < filter->until_ms &&
           miss_props(filter, event, &failed) == NULL &&
           contains(row->doc, filter->search);
}

bool dld_filter_is_same(const struct dld_filter *left,
                        const struct dld_filter *right)
{
    bool is_same = dlr_text_equals(left->event, right->event) &&
                   dlr_text_equals(left->user, right->user) &&
                   dlr_text_equals(left->anonymous, right->anonymous) &&
                   dlr_text_equals(left->id, right->id) &&
                   dlr_text_equals(left->session, right->session) &&
                   dlr_text_equals(left->search, right->search) &&
                   left->since_ms == right->since_ms &&
                   left->until_ms == right->until_ms &&
                   left->prop_count == right->prop_count;

    for (size_t i = 0; is_same && i < left->prop_count; i++) {
        is_same = dlr_text_equals(left->props[i].path, right->props[i].path) &&
                  dlr_text_equals(left->props[i].value, right->props[i].value);
    }
    return is_same;
}

bool dld_filter_is_open(const struct dld_filter *filter)
{
    struct dld_filter open;

    dld_filter_init(&open);
    return dld_filter_is_same(filter, &open);
}
