/* SPDX-License-Identifier: MIT */
/*
 * Person: from one user id to all that belongs to it.
 *
 * DESIGN
 * 1. Users: the id asked for, and by keyed aliases every user id merged with
 *    it, in both directions, until nothing is added.
 * 2. The events that carry one of these user ids.
 * 3. Anonymous ids: those on these events, and those their aliases name.
 * 4. For each, everything that ever happened on it; assign.c says which of the
 *    events without a user belong to one of these users.
 *
 * Whether the previous id of an alias is a user or a visitor is read from the
 * events, too: a user if an event carries it as user id, else a visitor if one
 * carries it as anonymous id, else a user. An id made by an SDK ("anon_") is
 * always a visitor.
 */
#include "identity/person.h"

#include "base/mem.h"
#include "identity/assign.h"
#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

struct gather {
    const struct dld_person_question *question;
    struct dld_person *person;
    struct dld_row_list *rows;
    datalyr_status status;
    datalyr_error *error;
};

/* ------------------------------------------------------------------ events */

static bool is_over_time(const struct gather *gather)
{
    return gather->question->deadline_ns != 0 &&
           dlr_clock_monotonic_ns() > gather->question->deadline_ns;
}

static bool keep_row(void *self, const struct dld_row *row)
{
    struct gather *gather = self;

    if (gather->rows->count >= gather->question->max_events ||
        is_over_time(gather)) {
        gather->person->is_partial = true;
        return false;
    }
    return dld_row_list_add(gather->rows, row);
}

/* Adds all rows with that key to the list. */
static void fetch(struct gather *gather, enum dld_key key,
                  struct dlr_text value, struct dld_row_list *rows)
{
    struct dld_scan scan = {
        .workspace = gather->question->workspace,
        .key = key,
        .value = value,
        .since_ms = DLD_TIME_MIN,
        .until_ms = DLD_TIME_MAX,
    };

    if (gather->status != DATALYR_OK) {
        return;
    }
    gather->rows = rows;
    gather->status = gather->question->store->scan(
        gather->question->store->self, &scan, keep_row, gather, gather->error);
    if (gather->status == DATALYR_OK && rows->has_failed) {
        gather->status = DATALYR_NOMEM;
    }
}

static bool keep_block(struct dld_person *person, void *block)
{
    void **larger =
        dlr_realloc(person->blocks, (person->block_count + 1) * sizeof *larger);

    if (larger == NULL) {
        return false;
    }
    person->blocks = larger;
    person->blocks[person->block_count++] = block;
    return true;
}

/* A copy that lives as long as the person; empty (and NOMEM) on failure. */
static struct dlr_text keep_text(struct gather *gather, struct dlr_text text)
{
    char *copy = dlr_mem_dup(text.ptr, text.len);

    if (copy == NULL || !keep_block(gather->person, copy)) {
        dlr_free(copy);
        gather->status = DATALYR_NOMEM;
        return (struct dlr_text){0};
    }
    return dlr_text_n(copy, text.len);
}

/* Reads the fields of a row; texts that had escapes go into a block that lives
 * as long as the person. */
static bool read_event(struct dld_person *person, const struct dld_row *row,
                       struct dld_event *event)
{
    size_t cap = row->doc.len + DLD_EVENT_ARENA_EXTRA;
    struct dld_event_fault fault;
    struct dlr_buf arena;
    char *block = dlr_malloc(cap);

    if (block == NULL) {
        return false;
    }
    dlr_buf_init_fixed(&arena, block, cap);
    dld_event_read(row->doc, &arena, event, &fault);
    event->id = row->id;
    if (arena.len == 0) {
        dlr_free(block);
        return true;
    }
    if (!keep_block(person, block)) {
        dlr_free(block);
        return false;
    }
    return true;
}

/* ----------------------------------------------------------------- tie lists */

static struct dld_tie *find_tie(const struct dld_tie_list *list,
                                struct dlr_text id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (dlr_text_equals(list->ties[i].id, id)) {
            return &list->ties[i];
        }
    }
    return NULL;
}

/* Adds the id, or an earlier proof of it. */
static bool add_tie(struct dld_tie_list *list, struct dlr_text id,
                    enum dld_tie_rule rule, const struct dld_row *row)
{
    struct dld_tie *tie = find_tie(list, id);
    struct dld_tie *larger;

    if (id.len == 0) {
        return true;
    }
    if (tie != NULL) {
        if (row != NULL && tie->event_id.len > 0 &&
            dld_assign_compare(row->time_ms, row->id, tie->time_ms,
                               tie->event_id) < 0) {
            tie->rule = rule;
            tie->event_id = row->id;
            tie->time_ms = row->time_ms;
        }
        return true;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 8;

        larger = dlr_realloc(list->ties, capacity * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        list->ties = larger;
        list->capacity = capacity;
    }
    list->ties[list->count++] = (struct dld_tie){
        .id = id,
        .rule = rule,
        .event_id = row == NULL ? (struct dlr_text){0} : row->id,
        .time_ms = row == NULL ? 0 : row->time_ms,
    };
    return true;
}

/* --------------------------------------------------------------------- users */

static bool is_any(void *self, const struct dld_row *row)
{
    (void)row;
    *(bool *)self = true;
    return false;
}

static bool exists(struct gather *gather, enum dld_key key,
                   struct dlr_text value)
{
    struct dld_scan scan = {
        .workspace = gather->question->workspace,
        .key = key,
        .value = value,
        .since_ms = DLD_TIME_MIN,
        .until_ms = DLD_TIME_MAX,
    };
    bool is_found = false;

    if (gather->status == DATALYR_OK) {
        gather->status =
            gather->question->store->scan(gather->question->store->self, &scan,
                                          is_any, &is_found, gather->error);
    }
    return is_found;
}

/* Is the previous id of an alias a user? See DESIGN. */
static bool is_user(struct gather *gather, struct dlr_text id)
{
    if (dlr_text_starts_with(id, DLR_TEXT("anon_"))) {
        return false;
    }
    return exists(gather, DLD_KEY_USER, id) ||
           !exists(gather, DLD_KEY_ANONYMOUS, id);
}

static bool is_merging(const struct dld_row *row, const struct dld_event *event)
{
    return event->kind == DLD_EVENT_ALIAS && event->user.len > 0 &&
           event->link.len > 0 && (row->flags & DLD_ROW_KEYED) != 0;
}

/* The other user that an alias merges with this one. */
static void add_merged(struct gather *gather, const struct dld_row *row,
                       struct dlr_text user)
{
    struct dld_person *person = gather->person;
    struct dld_event event;
    struct dlr_text other;

    if (gather->status != DATALYR_OK) {
        return;
    }
    if (!read_event(person, row, &event)) {
        gather->status = DATALYR_NOMEM;
        return;
    }
    other = dlr_text_equals(event.user, user) ? event.link : event.user;
    if (is_merging(row, &event) && is_user(gather, event.link) &&
        !add_tie(&person->users, other, DLD_TIE_ALIAS, row)) {
        gather->status = DATALYR_NOMEM;
    }
}

/* Fetches the events of one user and the aliases that name it. */
static void follow_user(struct gather *gather, struct dlr_text user,
                        struct dld_row_list *aliases)
{
    struct dld_row_list *rows = &gather->person->rows;
    size_t first = rows->count;
    size_t first_alias = aliases->count;

    fetch(gather, DLD_KEY_USER, user, rows);
    fetch(gather, DLD_KEY_LINK, user, aliases);
    for (size_t i = first; i < rows->count; i++) {
        add_merged(gather, &rows->rows[i], user);
    }
    for (size_t i = first_alias; i < aliases->count; i++) {
        add_merged(gather, &aliases->rows[i], user);
    }
}

/* Ties found through aliases of others point into a list that goes. */
static void keep_ties(struct gather *gather)
{
    struct dld_tie_list *users = &gather->person->users;

    for (size_t i = 0; i < users->count && gather->status == DATALYR_OK; i++) {
        users->ties[i].id = keep_text(gather, users->ties[i].id);
        if (users->ties[i].event_id.len > 0) {
            users->ties[i].event_id =
                keep_text(gather, users->ties[i].event_id);
        }
    }
}

/* -------------------------------------------------------------------- deeds */

static bool add_deed(struct dld_person *person, const struct dld_row *row,
                     const struct dld_event *event, struct dlr_text owner)
{
    if (person->deed_count == person->deed_capacity) {
        size_t capacity = person->deed_capacity * 2 + 16;
        void *larger =
            dlr_realloc(person->deeds, capacity * sizeof *person->deeds);

        if (larger == NULL) {
            return false;
        }
        person->deeds = larger;
        person->deed_capacity = capacity;
    }
    person->deeds[person->deed_count++] = (struct dld_deed){
        .row = *row,
        .event = *event,
        .owner = owner,
        .is_by_identity = event->user.len == 0,
    };
    return true;
}

static void add_own_deeds(struct gather *gather)
{
    struct dld_person *person = gather->person;
    size_t count = person->rows.count;

    for (size_t i = 0; i < count && gather->status == DATALYR_OK; i++) {
        const struct dld_row *row = &person->rows.rows[i];
        struct dld_event event;

        if (!read_event(person, row, &event) ||
            !add_deed(person, row, &event, event.user) ||
            !add_tie(&person->anonymous, event.anonymous, DLD_TIE_TOGETHER,
                     row)) {
            gather->status = DATALYR_NOMEM;
            return;
        }
        if (event.kind == DLD_EVENT_ALIAS && event.link.len > 0 &&
            !is_user(gather, event.link) &&
            !add_tie(&person->anonymous, event.link, DLD_TIE_ALIAS, row)) {
            gather->status = DATALYR_NOMEM;
        }
    }
}

/* ---------------------------------------------------------- anonymous events */

struct visitor {
    struct dld_row_list rows;
    struct dld_event *events;
    struct dld_point *points;
    size_t count;
};

static void clear_visitor(struct visitor *visitor)
{
    dlr_free(visitor->events);
    dlr_free(visitor->points);
    dld_row_list_clear(&visitor->rows);
}

/* Everything on one anonymous id and every alias of it, as points. */
static void read_visitor(struct gather *gather, struct dlr_text anonymous,
                         struct visitor *visitor)
{
    size_t event_count;

    fetch(gather, DLD_KEY_ANONYMOUS, anonymous, &visitor->rows);
    event_count = visitor->rows.count;
    fetch(gather, DLD_KEY_LINK, anonymous, &visitor->rows);
    visitor->count = visitor->rows.count;
    visitor->events = dlr_calloc(visitor->count + 1, sizeof(struct dld_event));
    visitor->points = dlr_calloc(visitor->count + 1, sizeof(struct dld_point));
    if (visitor->events == NULL || visitor->points == NULL) {
        gather->status = DATALYR_NOMEM;
    }
    for (size_t i = 0; gather->status == DATALYR_OK && i < visitor->count;
         i++) {
        struct dld_row *row = &visitor->rows.rows[i];
        struct dld_event *event = &visitor->events[i];

        if (!read_event(gather->person, row, event)) {
            gather->status = DATALYR_NOMEM;
            return;
        }
        visitor->points[i] = (struct dld_point){
            .time_ms = row->time_ms,
            .id = row->id,
            .is_event = i < event_count,
            .tag = row,
            /* A group is no identification of its id's namesake. */
            .user = i < event_count || event->kind == DLD_EVENT_ALIAS
                        ? event->user
                        : (struct dlr_text){0},
        };
    }
}

/* Copies a row that stays into the person's own list, as a deed. */
static void keep_deed(struct gather *gather, const struct dld_point *point,
                      struct dlr_text owner)
{
    struct dld_person *person = gather->person;
    const struct dld_row *row;
    struct dld_event event;

    if (!dld_row_list_add(&person->rows, point->tag)) {
        gather->status = DATALYR_NOMEM;
        return;
    }
    row = &person->rows.rows[person->rows.count - 1];
    if (!read_event(person, row, &event) ||
        !add_deed(person, row, &event, owner)) {
        gather->status = DATALYR_NOMEM;
    }
}

static void follow_anonymous(struct gather *gather, struct dlr_text anonymous)
{
    const struct dld_person_question *question = gather->question;
    struct dld_person *person = gather->person;
    struct visitor visitor = {0};

    if (!question->store->may_have_unowned(question->store->self,
                                           question->workspace, anonymous)) {
        return;
    }
    read_visitor(gather, anonymous, &visitor);
    if (gather->status == DATALYR_OK) {
        dld_assign(visitor.points, visitor.count);
    }
    for (size_t i = 0; gather->status == DATALYR_OK && i < visitor.count; i++) {
        const struct dld_point *point = &visitor.points[i];
        const struct dld_tie *user = find_tie(&person->users, point->owner);

        if (point->is_event && point->user.len == 0 && user != NULL) {
            keep_deed(gather, point, user->id);
        }
    }
    clear_visitor(&visitor);
}

static int compare_deeds(const void *left, const void *right)
{
    const struct dld_deed *a = left;
    const struct dld_deed *b = right;

    return dld_assign_compare(a->row.time_ms, a->row.id, b->row.time_ms,
                              b->row.id);
}

static void sort_deeds(struct dld_person *person)
{
    if (person->deed_count > 0) {
        qsort(person->deeds, person->deed_count, sizeof *person->deeds,
              compare_deeds);
    }
}

datalyr_status dld_person_of_user(const struct dld_person_question *question,
                                  struct dld_person *person,
                                  datalyr_error *error)
{
    struct gather gather = {
        .question = question, .person = person, .error = error};
    struct dld_row_list aliases = {0};

    memset(person, 0, sizeof *person);
    if (!add_tie(&person->users, keep_text(&gather, question->id),
                 DLD_TIE_ASKED, NULL)) {
        gather.status = DATALYR_NOMEM;
    }
    for (size_t i = 0; i < person->users.count && gather.status == DATALYR_OK;
         i++) {
        follow_user(&gather, person->users.ties[i].id, &aliases);
    }
    keep_ties(&gather);
    dld_row_list_clear(&aliases);
    add_own_deeds(&gather);
    for (size_t i = 0;
         i < person->anonymous.count && gather.status == DATALYR_OK; i++) {
        follow_anonymous(&gather, person->anonymous.ties[i].id);
    }
    sort_deeds(person);
    return gather.status;
}

static void add_visitor_deeds(struct gather *gather, struct visitor *visitor)
{
    struct dld_person *person = gather->person;

    for (size_t i = 0; gather->status == DATALYR_OK && i < visitor->count;
         i++) {
        const struct dld_point *point = &visitor->points[i];
        struct dlr_text owner = {0};

        if (point->owner.len > 0) {
            const struct dld_tie *tie;

            if (find_tie(&person->users, point->owner) == NULL &&
                !add_tie(&person->users, keep_text(gather, point->owner),
                         DLD_TIE_TOGETHER, NULL)) {
                gather->status = DATALYR_NOMEM;
            }
            tie = find_tie(&person->users, point->owner);
            owner = tie == NULL ? owner : tie->id;
        }
        if (point->is_event) {
            keep_deed(gather, point, owner);
        }
    }
}

datalyr_status
dld_person_of_anonymous(const struct dld_person_question *question,
                        struct dld_person *person, datalyr_error *error)
{
    struct gather gather = {
        .question = question, .person = person, .error = error};
    struct visitor visitor = {0};

    memset(person, 0, sizeof *person);
    if (!add_tie(&person->anonymous, keep_text(&gather, question->id),
                 DLD_TIE_ASKED, NULL)) {
        gather.status = DATALYR_NOMEM;
    }
    read_visitor(&gather, question->id, &visitor);
    if (gather.status == DATALYR_OK) {
        dld_assign(visitor.points, visitor.count);
        add_visitor_deeds(&gather, &visitor);
    }
    clear_visitor(&visitor);
    sort_deeds(person);
    return gather.status;
}

void dld_person_clear(struct dld_person *person)
{
    for (size_t i = 0; i < person->block_count; i++) {
        dlr_free(person->blocks[i]);
    }
    dlr_free(person->blocks);
    dlr_free(person->users.ties);
    dlr_free(person->anonymous.ties);
    dlr_free(person->deeds);
    dld_row_list_clear(&person->rows);
    memset(person, 0, sizeof *person);
}
