/* SPDX-License-Identifier: MIT */
/*
 * Forget: a person's events go, on the word of an admin key.
 *
 * DESIGN
 * Runs on the writer's thread, between two commits: who belongs to the person
 * is asked and answered on one set of events, so that none slips in between.
 * Besides the events of all merged users and what they did before they were
 * known, aliases of others go that name one of the ids. Nothing is cut off
 * here: a person with half of the links gone would keep the other half.
 */
#include "api/api.h"

#include "api/render.h"
#include "base/mem.h"
#include "identity/person.h"

#include <stdlib.h>

#define ARENA_MAX  (64u << 20)
#define ANSWER_CAP 256

struct doomed {
    uint64_t *seqs;
    size_t count;
    size_t capacity;
    struct dlr_text id; /* of the user whose aliases are looked for */
    struct dlr_buf arena;
    bool has_failed;
};

static void doom(struct doomed *doomed, uint64_t seq)
{
    if (doomed->count == doomed->capacity) {
        size_t capacity = doomed->capacity * 2 + 64;
        void *larger =
            dlr_realloc(doomed->seqs, capacity * sizeof *doomed->seqs);

        if (larger == NULL) {
            doomed->has_failed = true;
            return;
        }
        doomed->seqs = larger;
        doomed->capacity = capacity;
    }
    doomed->seqs[doomed->count++] = seq;
}

static bool doom_alias(void *self, const struct dld_row *row)
{
    struct doomed *doomed = self;
    struct dld_event event;

    if (!dld_render_read(row, &doomed->arena, &event)) {
        doomed->has_failed = true;
    } else if (event.kind == DLD_EVENT_ALIAS &&
               dlr_text_equals(event.link, doomed->id)) {
        doom(doomed, row->seq);
    }
    return !doomed->has_failed;
}

static datalyr_status doom_aliases(struct dld_work *work,
                                   const struct dld_tie_list *ids,
                                   struct doomed *doomed, datalyr_error *error)
{
    struct dld_store *store = work->api->options.store;
    datalyr_status status = DATALYR_OK;

    dlr_buf_init(&doomed->arena, ARENA_MAX);
    for (size_t i = 0; i < ids->count && status == DATALYR_OK; i++) {
        struct dld_scan scan = {
            .workspace = work->workspace,
            .key = DLD_KEY_LINK,
            .value = ids->ties[i].id,
            .since_ms = DLD_TIME_MIN,
            .until_ms = DLD_TIME_MAX,
        };

        doomed->id = ids->ties[i].id;
        status = store->scan(store->self, &scan, doom_alias, doomed, error);
    }
    dlr_buf_clear(&doomed->arena);
    return status;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void sort(struct doomed *doomed)
{
    size_t kept = 0;

    if (doomed->count > 0) {
        qsort(doomed->seqs, doomed->count, sizeof *doomed->seqs, compare);
    }
    for (size_t i = 0; i < doomed->count; i++) {
        if (kept == 0 || doomed->seqs[kept - 1] != doomed->seqs[i]) {
            doomed->seqs[kept++] = doomed->seqs[i];
        }
    }
    doomed->count = kept;
}

static datalyr_status collect(struct dld_work *work, struct doomed *doomed,
                              datalyr_error *error)
{
    struct dld_person_question question = {
        .store = work->api->options.store,
        .workspace = work->workspace,
        .id = work->path[1],
        .max_events = SIZE_MAX,
    };
    struct dld_person person;
    datalyr_status status = dld_person_of_user(&question, &person, error);

    for (size_t i = 0; i < person.deed_count; i++) {
        doom(doomed, person.deeds[i].row.seq);
    }
    if (status == DATALYR_OK) {
        status = doom_aliases(work, &person.users, doomed, error);
    }
    dld_person_clear(&person);
    sort(doomed);
    return doomed->has_failed ? DATALYR_NOMEM : status;
}

static datalyr_status forget(void *self, datalyr_error *error)
{
    struct dld_work *work = self;
    struct dld_store *store = work->api->options.store;
    struct doomed doomed = {0};
    datalyr_status status = collect(work, &doomed, error);

    if (status == DATALYR_OK) {
        status = store->forget(store->self, doomed.seqs, doomed.count, error);
    }
    work->request->events = doomed.count;
    dlr_free(doomed.seqs);
    return status;
}

static void on_forgotten(void *self, struct dld_job *job)
{
    struct dld_work *work = self;
    struct dlr_buf body;

    if (job->status != DATALYR_OK) {
        dld_reply_error(work->request, 503, "not all could be forgotten",
                        "try again; the log of the collector says why", NULL);
    } else {
        dlr_buf_init(&body, ANSWER_CAP);
        dlr_buf_append_char(&body, '{');
        dld_render_bool(&body, "success", true);
        dld_render_number(&body, "events", work->request->events);
        dlr_buf_append_char(&body, '}');
        dld_reply_json(work->request, 200, &body);
    }
    dld_request_resume(work->request);
}

void dld_api_forget(struct dld_work *work)
{
    if (work->request->target.param_count > 0) {
        dld_api_bad_param(work, work->request->target.params[0].name,
                          "the parameter is not known");
        return;
    }
    work->job = (struct dld_job){.kind = DLD_JOB_CALL,
                                 .workspace = work->workspace,
                                 .call = forget,
                                 .done = on_forgotten,
                                 .self = work};
    dld_request_defer(work->request);
    dld_writer_submit(work->api->options.writer, &work->job);
}
