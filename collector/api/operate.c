/* SPDX-License-Identifier: MIT */
/*
 * Operate: numbers for people and machines that look after the collector.
 */
#include "api/api.h"

#include "api/render.h"

#include <inttypes.h>
#include <string.h>

#define METRICS_MAX 65536

void dld_api_health(struct dld_work *work)
{
    dld_reply_constant(work->request, 200, "application/json",
                       "{\"status\":\"ok\"}", 15);
}

void dld_api_ready(struct dld_work *work)
{
    struct dld_writer_stats stats;

    dld_writer_stats(work->api->options.writer, &stats);
    if (stats.is_recovered) {
        dld_reply_constant(work->request, 200, "application/json",
                           "{\"status\":\"ready\"}", 18);
    } else {
        dld_reply_error(work->request, 503, "the store is not read yet",
                        "try again in a second", NULL);
    }
}

void dld_api_stats(struct dld_work *work)
{
    struct dld_store *store = work->api->options.store;
    struct dld_store_stats stats;
    struct dlr_buf body;

    if (work->request->target.param_count > 0) {
        dld_api_bad_param(work, work->request->target.params[0].name,
                          "the parameter is not known");
        return;
    }
    if (!store->stats(store->self, work->workspace, &stats)) {
        dld_api_store_failed(work, DATALYR_IO, NULL);
        return;
    }
    dlr_buf_init(&body, METRICS_MAX);
    dlr_buf_append_char(&body, '{');
    dld_render_number(&body, "events", stats.events);
    dld_render_number(&body, "duplicates", stats.duplicates);
    dld_render_number(&body, "idConflicts", stats.id_conflicts);
    dld_render_number(&body, "rejected", stats.rejected);
    dld_render_number(&body, "visitors", stats.visitors);
    dld_render_number(&body, "users", stats.users);
    dld_render_cursor(&body, "cursor", stats.last_seq);
    dlr_buf_append_char(&body, '}');
    dld_reply_json(work->request, 200, &body);
}

static void put_metric(struct dlr_buf *body, const char *name, const char *type,
                       const char *help, uint64_t value)
{
    dlr_buf_printf(body, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name,
                   help, name, type, name, value);
}

static void put_requests(struct dlr_buf *body, struct dld_api *api)
{
    dlr_buf_append_string(body,
                          "# HELP datalyrd_requests_total Answers by class\n"
                          "# TYPE datalyrd_requests_total counter\n");
    for (int i = 2; i < 6; i++) {
        dlr_buf_printf(
            body, "datalyrd_requests_total{status=\"%dxx\"} %" PRIuFAST64 "\n",
            i, atomic_load(&api->counts.requests_by_class[i]));
    }
}

static void put_server(struct dlr_buf *body, struct dld_api *api)
{
    struct dld_server_stats stats;

    if (api->server == NULL) {
        return;
    }
    dld_server_stats(api->server, &stats);
    put_metric(body, "datalyrd_connections", "gauge", "Open connections",
               stats.connections);
    put_metric(body, "datalyrd_connections_cut_total", "counter",
               "Connections cut because they were too slow", stats.cut);
    put_metric(body, "datalyrd_body_bytes", "gauge",
               "Bytes of request bodies in memory", stats.body_bytes);
}

void dld_api_metrics(struct dld_work *work)
{
    struct dld_api *api = work->api;
    struct dld_writer_stats writer;
    struct dlr_buf body;

    dlr_buf_init(&body, METRICS_MAX);
    dld_writer_stats(api->options.writer, &writer);
    put_metric(&body, "datalyrd_events_accepted_total", "counter",
               "Events stored", atomic_load(&api->counts.accepted));
    put_metric(&body, "datalyrd_events_duplicate_total", "counter",
               "Events whose id was known",
               atomic_load(&api->counts.duplicates));
    put_metric(&body, "datalyrd_events_rejected_total", "counter",
               "Events refused", atomic_load(&api->counts.rejected));
    put_metric(&body, "datalyrd_unauthorised_total", "counter",
               "Requests without a valid key",
               atomic_load(&api->counts.unauthorised));
    put_metric(&body, "datalyrd_rate_limited_total", "counter",
               "Requests answered with 429", atomic_load(&api->counts.limited));
    put_metric(&body, "datalyrd_commits_total", "counter",
               "Transactions of the store", writer.commits);
    put_metric(&body, "datalyrd_commit_failures_total", "counter",
               "Transactions that failed", writer.failures);
    put_metric(&body, "datalyrd_commit_microseconds_total", "counter",
               "Time spent in transactions", writer.commit_us_total);
    put_metric(&body, "datalyrd_waiting_requests", "gauge",
               "Requests that wait for the store", writer.waiting);
    put_requests(&body, api);
    put_server(&body, api);
    dld_reply_json(work->request, 200, &body);
    work->request->reply.content_type =
        "text/plain; version=0.0.4; charset=utf-8";
}

static void on_reset(void *self, struct dld_job *job)
{
    struct dld_work *work = self;

    if (job->status == DATALYR_OK) {
        dld_reply_constant(work->request, 200, "application/json",
                           "{\"success\":true}", 16);
    } else {
        dld_reply_error(work->request, 503, "the store cannot be emptied",
                        "look at the log", NULL);
    }
    dld_request_resume(work->request);
}

void dld_api_reset(struct dld_work *work)
{
    if (!work->api->options.is_test) {
        dld_reply_error(work->request, 403, "the collector is not in test mode",
                        "start it with --test", NULL);
        return;
    }
    work->job = (struct dld_job){.kind = DLD_JOB_RESET,
                                 .workspace = work->workspace,
                                 .done = on_reset,
                                 .self = work};
    dld_request_defer(work->request);
    dld_writer_submit(work->api->options.writer, &work->job);
}
