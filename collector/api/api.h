/* SPDX-License-Identifier: MIT */
/*
 * API: what paths mean. The only place that knows http, ingest, identity and
 * store at once.
 */
#ifndef DLD_API_API_H
#define DLD_API_API_H

#include "api/log.h"
#include "api/origin.h"
#include "api/pool.h"
#include "http/server.h"
#include "ingest/batch.h"
#include "ingest/keys.h"
#include "ingest/writer.h"
#include "store/store.h"

#include <stdatomic.h>

#define DLD_DEFAULT_WORKSPACE 1u

struct dld_api_options {
    struct dld_store *store;   /* lent */
    struct dld_writer *writer; /* lent */
    struct dld_keys *keys;     /* lent */
    struct dld_pool *pool;     /* lent */
    struct dld_batch_limits limits;
    struct dld_origins origins;
    struct dld_networks proxies; /* whose word about others is taken */
    struct dld_log *log;         /* lent; may be NULL */
    bool is_test;                /* reset is allowed */
    uint64_t query_time_ms;      /* of a question that no index serves */
    struct dlr_text address;     /* "http://127.0.0.1:8484" */
};

struct dld_api_counts {
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t duplicates;
    atomic_uint_fast64_t rejected;
    atomic_uint_fast64_t requests_by_class[6]; /* 2xx at index 2 */
    atomic_uint_fast64_t unauthorised;
    atomic_uint_fast64_t limited;
};

struct dld_api {
    struct dld_api_options options;
    struct dld_api_counts counts;
    struct dld_server *server; /* set after it is started; for numbers */
    struct dld_live *live;
};

/* What one request carries between its stages. */
struct dld_work {
    struct dld_api *api;
    struct dld_request *request;
    const void *route; /* NULL: events come in */
    struct dld_task task;
    uint32_t workspace;
    uint32_t roles;
    bool is_page;         /* a web page speaks for itself, without a key */
    bool is_ingest;       /* the reply offers what senders may use */
    struct dlr_text side; /* answer to a side request of an SDK */
    struct dlr_text path[DLD_SEGMENTS_MAX]; /* without /api/v1 */
    size_t path_count;

    struct dld_batch batch;
    struct dld_job job;
    struct dld_stream_client *stream;
};

struct dld_http_handler dld_api_handler(struct dld_api *api);

/* ------------------------------------------------- routes, one file each */

/* Answers now, or starts work that does. */
void dld_api_ingest(struct dld_work *work);
void dld_api_begin_ingest(struct dld_work *work);
void dld_api_add_offers(struct dld_work *work);
void dld_api_health(struct dld_work *work);
void dld_api_ready(struct dld_work *work);
void dld_api_metrics(struct dld_work *work);
void dld_api_reset(struct dld_work *work);
void dld_api_forget(struct dld_work *work);
void dld_api_log_in(struct dld_work *work);
void dld_api_log_out(struct dld_work *work);
void dld_api_page(struct dld_work *work);
void dld_api_openapi(struct dld_work *work);
void dld_api_wait(struct dld_work *work);
void dld_api_watch(struct dld_work *work);

/* On a thread of the pool. */
void dld_api_events(struct dld_work *work);
void dld_api_stats(struct dld_work *work);
void dld_api_user(struct dld_work *work);
void dld_api_journey(struct dld_work *work);
void dld_api_anonymous(struct dld_work *work);
void dld_api_group(struct dld_work *work);
void dld_api_overview(struct dld_work *work);
void dld_api_traffic(struct dld_work *work);

/* Answers with 503 for a store that fails. */
void dld_api_store_failed(struct dld_work *work, datalyr_status status,
                          const datalyr_error *error);
/* Answers with 400 and the name of the parameter. */
void dld_api_bad_param(struct dld_work *work, struct dlr_text name,
                       const char *fault);

#endif
