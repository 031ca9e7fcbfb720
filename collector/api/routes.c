/* SPDX-License-Identifier: MIT */
/*
 * Routes: paths to functions, and who may call them.
 *
 * DESIGN
 * A request goes through three gates on its head alone: is there such a route,
 * does the method fit, may this sender. Whatever is POSTed to a path that no
 * route claims is events: the SDKs are configured with many addresses, and the
 * body says what it is.
 */
#include "api/access.h"
#include "api/api.h"
#include "api/side.h"
#include "api/stream.h"
#include "base/escape.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define MAX_PATTERN 4

enum gate {
    GATE_OPEN,  /* anybody: says nothing about data */
    GATE_PAGE,  /* anybody but a page of another origin */
    GATE_READ,  /* read key, or a program on this machine */
    GATE_ADMIN, /* admin key, or a program on this machine in --test */
};

struct route {
    enum dld_method method;
    const char *pattern[MAX_PATTERN]; /* "*" is any one segment */
    enum gate gate;
    bool is_pooled; /* asks the store */
    void (*answer)(struct dld_work *work);
};

/* Behind /api/v1. */
static const struct route api_routes[] = {
    {DLD_METHOD_GET, {"events"}, GATE_READ, true, dld_api_events},
    {DLD_METHOD_GET, {"events", "stream"}, GATE_READ, false, dld_api_watch},
    {DLD_METHOD_GET, {"wait"}, GATE_READ, false, dld_api_wait},
    {DLD_METHOD_GET, {"stats"}, GATE_READ, true, dld_api_stats},
    {DLD_METHOD_GET, {"users", "*"}, GATE_READ, true, dld_api_user},
    {DLD_METHOD_GET,
     {"users", "*", "journey"},
     GATE_READ,
     true,
     dld_api_journey},
    {DLD_METHOD_GET, {"anonymous", "*"}, GATE_READ, true, dld_api_anonymous},
    {DLD_METHOD_GET, {"groups", "*"}, GATE_READ, true, dld_api_group},
    {DLD_METHOD_GET, {"overview"}, GATE_READ, true, dld_api_overview},
    {DLD_METHOD_GET, {"traffic"}, GATE_READ, true, dld_api_traffic},
    {DLD_METHOD_GET, {"openapi.json"}, GATE_OPEN, false, dld_api_openapi},
    {DLD_METHOD_DELETE, {"users", "*"}, GATE_ADMIN, false, dld_api_forget},
    {DLD_METHOD_POST, {"session"}, GATE_PAGE, false, dld_api_log_in},
    {DLD_METHOD_DELETE, {"session"}, GATE_PAGE, false, dld_api_log_out},
    {DLD_METHOD_POST, {"reset"}, GATE_ADMIN, false, dld_api_reset},
};

static const struct route plain_routes[] = {
    {DLD_METHOD_GET, {NULL}, GATE_OPEN, false, dld_api_page},
    {DLD_METHOD_GET, {"healthz"}, GATE_OPEN, false, dld_api_health},
    {DLD_METHOD_GET, {"readyz"}, GATE_OPEN, false, dld_api_ready},
    {DLD_METHOD_GET, {"metrics"}, GATE_READ, false, dld_api_metrics},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool matches(const struct route *route, const struct dlr_text *path,
                    size_t count)
{
    size_t length = 0;

    while (length < MAX_PATTERN && route->pattern[length] != NULL) {
        const char *part = route->pattern[length];

        if (length >= count ||
            (strcmp(part, "*") != 0 &&
             !dlr_text_equals(path[length], dlr_text_of(part)))) {
            return false;
        }
        length++;
    }
    return length == count;
}

static enum dld_method effective(enum dld_method method)
{
    /* The server leaves the body out of the answer to HEAD by itself. */
    return method == DLD_METHOD_HEAD ? DLD_METHOD_GET : method;
}

/* The route of that path and method; `is_path` if only the path is known. */
static const struct route *find(const struct route *routes, size_t count,
                                const struct dld_work *work, bool *is_path)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(&routes[i], work->path, work->path_count)) {
            *is_path = true;
            if (routes[i].method == effective(work->request->method)) {
                return &routes[i];
            }
        }
    }
    return NULL;
}

static bool is_api_path(const struct dld_target *target)
{
    return target->segment_count > 0 &&
           dlr_text_equals(target->segments[0], DLR_TEXT("api"));
}

static const struct route *find_route(struct dld_work *work, bool *is_path)
{
    const struct dld_target *target = &work->request->target;

    size_t skipped = is_api_path(target) ? 2 : 0;

    *is_path = false;
    if (skipped > 0 &&
        (target->segment_count < 2 ||
         !dlr_text_equals(target->segments[1], DLR_TEXT("v1")))) {
        return NULL;
    }
    work->path_count = target->segment_count - skipped;
    memcpy(work->path, target->segments + skipped,
           work->path_count * sizeof work->path[0]);
    return skipped > 0 ? find(api_routes, COUNT(api_routes), work, is_path)
                       : find(plain_routes, COUNT(plain_routes), work, is_path);
}

static void ask_for_key(struct dld_work *work, const char *what)
{
    atomic_fetch_add(&work->api->counts.unauthorised, 1);
    dld_reply_error(work->request, 401, what,
                    "send the header Authorization: Bearer dk_...; without a "
                    "key only programs on this machine may read",
                    NULL);
    dld_reply_header(work->request, "WWW-Authenticate", "Bearer");
}

static bool find_key(struct dld_work *work, struct dlr_text key)
{
    if (key.len > 0) {
        dlr_mask_key(key, work->request->key_label);
    }
    return dld_keys_find(work->api->options.keys, key, &work->workspace,
                         &work->roles);
}

static bool is_own_origin(const struct dld_work *work)
{
    return dld_access_is_own_origin(&work->api->options.proxies, work->request);
}

static void check_reader(struct dld_work *work)
{
    struct dlr_text key = dld_access_read_key(work->request);

    if (find_key(work, key) &&
        (work->roles & (DLD_ROLE_READ | DLD_ROLE_ADMIN)) != 0) {
        return;
    }
    if (dld_access_is_local(work->request) && is_own_origin(work)) {
        if (work->workspace == 0) {
            work->workspace = DLD_DEFAULT_WORKSPACE;
        }
        return;
    }
    ask_for_key(work, "reading needs a read key");
}

static bool check_origin(struct dld_work *work)
{
    if (!is_own_origin(work)) {
        dld_reply_error(work->request, 403,
                        "a page of another origin may not do this", NULL, NULL);
        return false;
    }
    return true;
}

static void check_admin(struct dld_work *work)
{
    struct dlr_text key = dld_access_key(work->request);

    if (!check_origin(work)) {
        return;
    }
    if (find_key(work, key) && (work->roles & DLD_ROLE_ADMIN) != 0) {
        return;
    }
    if (work->roles == 0 && key.len == 0 && work->api->options.is_test &&
        dld_access_is_local(work->request)) {
        work->workspace = DLD_DEFAULT_WORKSPACE;
        return;
    }
    ask_for_key(work, "this needs an admin key");
}

static void check_gate(struct dld_work *work, enum gate gate)
{
    switch (gate) {
    case GATE_OPEN:
        work->workspace = DLD_DEFAULT_WORKSPACE;
        return;
    case GATE_PAGE:
        (void)check_origin(work);
        return;
    case GATE_READ:
        check_reader(work);
        return;
    case GATE_ADMIN:
        check_admin(work);
        return;
    }
}

static void refuse_route(struct dld_work *work, bool is_path)
{
    if (is_path) {
        dld_reply_error(work->request, 405, "the method does not fit the path",
                        NULL, NULL);
    } else {
        dld_reply_error(work->request, 404, "there is no such path",
                        "the paths are listed at /", NULL);
    }
}

/* Below no route of ours: what SDKs send and browsers ask. */
static void begin_open(struct dld_work *work, bool is_path)
{
    struct dld_request *request = work->request;
    bool is_root = request->target.segment_count == 0;

    work->is_ingest = true;
    if (request->method == DLD_METHOD_OPTIONS) {
        dld_origin_preflight(&work->api->options.origins, request);
        work->is_ingest = false;
    } else if (dld_side_find(request, &work->side)) {
        return;
    } else if (request->method == DLD_METHOD_POST && (!is_path || is_root)) {
        dld_api_begin_ingest(work);
    } else {
        refuse_route(work, is_path);
        work->is_ingest = false;
    }
    if (work->is_ingest && request->reply.status != 0) {
        dld_api_add_offers(work);
    }
}

static void begin(void *self, struct dld_request *request)
{
    struct dld_api *api = self;
    struct dld_work *work = dlr_calloc(1, sizeof *work);
    const struct route *route;
    bool is_path;

    request->work = work;
    if (work == NULL) {
        dld_reply_error(request, 503, "out of memory", NULL, NULL);
        return;
    }
    work->api = api;
    work->request = request;
    route = find_route(work, &is_path);
    if (route != NULL) {
        work->route = route;
        check_gate(work, route->gate);
    } else if (is_api_path(&request->target)) {
        refuse_route(work, is_path);
    } else {
        begin_open(work, is_path);
    }
}

static void run_pooled(void *self)
{
    struct dld_work *work = self;
    const struct route *route = work->route;

    route->answer(work);
    dld_request_resume(work->request);
}

static void handle(void *self, struct dld_request *request)
{
    struct dld_work *work = request->work;
    const struct route *route = work->route;

    (void)self;
    if (work->side.len > 0) {
        dld_reply_constant(request, 200, "application/json", work->side.ptr,
                           work->side.len);
        dld_origin_add_headers(&work->api->options.origins, request);
    } else if (route == NULL) {
        dld_api_add_offers(work);
        dld_api_ingest(work);
    } else if (route->is_pooled) {
        work->task = (struct dld_task){.run = run_pooled, .self = work};
        dld_request_defer(request);
        dld_pool_submit(work->api->options.pool, &work->task);
    } else {
        route->answer(work);
    }
}

/* A page that sends events sees why they were refused, and when to try again,
 * only with these headers. */
static void refused(void *self, struct dld_request *request)
{
    struct dld_api *api = self;
    const struct dld_work *work = request->work;

    if (request->method == DLD_METHOD_POST && !is_api_path(&request->target) &&
        (work == NULL || work->route == NULL)) {
        dld_origin_add_headers(&api->options.origins, request);
    }
}

static void finish(void *self, struct dld_request *request, bool is_sent)
{
    struct dld_api *api = self;
    struct dld_work *work = request->work;
    int status_class = request->reply.status / 100;
    struct dld_address address;

    address = dld_access_client(&api->options.proxies, request);
    dld_address_format(&address, request->client);
    dld_log_request(api->options.log, request, is_sent);
    if (status_class >= 0 && status_class < 6) {
        atomic_fetch_add(&api->counts.requests_by_class[status_class], 1);
    }
    if (work != NULL) {
        if (work->stream != NULL) {
            dld_stream_close(work->stream);
            dld_stream_release(&work->stream);
        }
        dld_batch_clear(&work->batch);
        dlr_free(work);
        request->work = NULL;
    }
}

struct dld_http_handler dld_api_handler(struct dld_api *api)
{
    return (struct dld_http_handler){
        .self = api,
        .begin = begin,
        .handle = handle,
        .refused = refused,
        .finish = finish,
    };
}

void dld_api_store_failed(struct dld_work *work, datalyr_status status,
                          const datalyr_error *error)
{
    if (error != NULL) {
        dld_log_failure(work->api->options.log, error);
    }
    dld_reply_error(work->request, 503,
                    status == DATALYR_NOMEM
                        ? "the answer does not fit into memory"
                        : "the store cannot be read at the moment",
                    "try again in a second", NULL);
}

void dld_api_bad_param(struct dld_work *work, struct dlr_text name,
                       const char *fault)
{
    char field[80];

    (void)dlr_escape_copy(name, field, sizeof field);
    dld_reply_error(work->request, 400, fault,
                    "the parameters are listed at /api/v1/openapi.json", field);
}
