/* SPDX-License-Identifier: MIT */
/*
 * Collector: the order in which parts need each other.
 */
#include "collector.h"

#include "api/live.h"
#include "base/escape.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE  2
#define EXIT_LISTEN 3
#define EXIT_STORE  5

/* Requests that are in work when we are told to stop. */
#define DRAIN_MS 10000

#define PEM_MAX 1048576

#define COMPLAINT_INTERVAL_MS 60000

__attribute__((format(printf, 4, 5))) static datalyr_status
fail(struct dld_collector *collector, datalyr_error *error, int exit_code,
     const char *format, ...)
{
    va_list args;

    collector->failed_exit = exit_code;
    error->status = DATALYR_INVALID;
    va_start(args, format);
    (void)vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return DATALYR_INVALID;
}

/* --------------------------------------------------------------------- keys */

static bool read_key_file(struct dld_collector *collector)
{
    char text[DLD_KEY_TEXT_CAP + 1] = {0};
    int fd = open(collector->key_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len;

    if (fd < 0) {
        return false;
    }
    len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[strcspn(text, "\r\n")] = '\0';
    if (len <= 0 || strlen(text) >= sizeof collector->made_key) {
        return false;
    }
    memcpy(collector->made_key, text, strlen(text) + 1);
    return text[0] != '\0';
}

static bool write_key_file(struct dld_collector *collector)
{
    int fd;
    size_t len;
    bool is_written;

    if (!dld_keys_make(collector->made_key)) {
        return false;
    }
    fd = open(collector->key_path,
              O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return false;
    }
    len = strlen(collector->made_key);
    is_written = write(fd, collector->made_key, len) == (ssize_t)len &&
                 write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    return close(fd) == 0 && is_written;
}

/* The key of a store that was started without one. */
static datalyr_status make_key(struct dld_collector *collector,
                               const char *store_path, datalyr_error *error)
{
    int len = snprintf(collector->key_path, sizeof collector->key_path,
                       "%s.key", store_path);

    if (len < 0 || len >= (int)sizeof collector->key_path) {
        return fail(collector, error, EXIT_STORE, "the path is too long: %.80s",
                    store_path);
    }
    if (!read_key_file(collector) && !write_key_file(collector)) {
        return fail(collector, error, EXIT_STORE,
                    "the key file %.150s cannot be written",
                    collector->key_path);
    }
    return DATALYR_OK;
}

static datalyr_status add_keys(struct dld_collector *collector,
                               const struct dld_text_list *list, uint32_t roles)
{
    datalyr_status status = DATALYR_OK;

    for (size_t i = 0; i < list->count && status == DATALYR_OK; i++) {
        status = dld_keys_add(collector->keys, dlr_text_of(list->items[i]),
                              DLD_DEFAULT_WORKSPACE, roles);
    }
    return status;
}

static void take_record(void *self, const struct dld_key_record *record)
{
    struct dld_keys *keys = self;

    if (record->revoked_ms == 0) {
        /* Without memory the key is missing until the next look. */
        (void)dld_keys_add_stored(keys, record->hash, record->workspace,
                                  record->roles);
        (void)dld_keys_name_workspace(keys, dlr_text_of(record->workspace_name),
                                      record->workspace);
    }
}

void dld_collector_refresh_keys(struct dld_collector *collector)
{
    datalyr_error error;

    if (dld_key_table_has_changed(collector->key_table)) {
        dld_keys_begin_stored(collector->keys);
        (void)dld_key_table_list(collector->key_table, take_record,
                                 collector->keys, &error);
        dld_keys_end_stored(collector->keys);
    }
}

static datalyr_status start_keys(struct dld_collector *collector,
                                 const struct dld_options *options,
                                 const char *store_path, datalyr_error *error)
{
    struct dld_limit limit = {
        .per_second =
            options->rate_limit == UINT64_MAX ? 0 : options->rate_limit,
        .burst = options->rate_burst,
    };
    datalyr_status status = dld_keys_new(&limit, &collector->keys);

    if (status == DATALYR_OK && options->api_keys.count == 0) {
        status = make_key(collector, store_path, error);
        if (status == DATALYR_OK) {
            status =
                dld_keys_add(collector->keys, dlr_text_of(collector->made_key),
                             DLD_DEFAULT_WORKSPACE, DLD_ROLE_WRITE);
        }
    }
    if (status == DATALYR_OK) {
        status = add_keys(collector, &options->api_keys, DLD_ROLE_WRITE);
    }
    if (status == DATALYR_OK) {
        status = add_keys(collector, &options->read_keys, DLD_ROLE_READ);
    }
    if (status == DATALYR_OK) {
        status = add_keys(collector, &options->admin_keys, DLD_ROLE_ADMIN);
    }
    if (status == DATALYR_OK) {
        status = dld_key_table_open(store_path, &collector->key_table, error);
    }
    if (status == DATALYR_OK) {
        dld_collector_refresh_keys(collector);
    }
    return status;
}

/* -------------------------------------------------------------------- store */

static const char *store_path(const struct dld_options *options)
{
    static const char scheme[] = "sqlite:";

    return strncmp(options->store, scheme, sizeof scheme - 1) == 0 &&
                   options->store[sizeof scheme - 1] != '\0'
               ? options->store + sizeof scheme - 1
               : NULL;
}

/* On the writer's thread. Without a log somebody must be told why senders get
 * 503; a line a minute says it. */
static void complain(void *self, const datalyr_error *error)
{
    struct dld_collector *collector = self;
    int64_t now_ms = dlr_clock_monotonic_ms();
    char text[512];

    if (collector->log != NULL) {
        dld_log_failure(collector->log, error);
    } else if (now_ms >= collector->quiet_until_ms) {
        collector->quiet_until_ms = now_ms + COMPLAINT_INTERVAL_MS;
        (void)dlr_escape_copy(dlr_text_of(error->message), text, sizeof text);
        (void)fprintf(stderr, "datalyrd: %s\n", text);
    }
}

static datalyr_status start_store(struct dld_collector *collector,
                                  const struct dld_options *options,
                                  datalyr_error *error)
{
    struct dld_sqlite_options store = {
        .path = store_path(options),
        .partition_rows = (uint32_t)options->partition_rows,
    };
    struct dld_writer_options writer = {.store = &collector->store};
    datalyr_status status;

    if (store.path == NULL) {
        return fail(collector, error, EXIT_USAGE,
                    "--store is %.100s; it is sqlite:PATH", options->store);
    }
    collector->failed_exit = EXIT_STORE;
    status = dld_sqlite_open(&store, &collector->store, error);
    if (status == DATALYR_OK) {
        status = start_keys(collector, options, store.path, error);
    }
    if (status == DATALYR_OK) {
        status = dld_live_start(&collector->store, &collector->api.live);
    }
    if (status == DATALYR_OK) {
        writer.on_commit = dld_live_commit;
        writer.self = collector->api.live;
        writer.on_failure = complain;
        writer.log = collector;
        status = dld_writer_start(&writer, &collector->writer);
    }
    return status;
}

/* ------------------------------------------------------------------- server */

/* "127.0.0.1:8484", "[::1]:8484" or ":8484" (all addresses). */
static bool split_address(const char *text, char host[256], char port[16])
{
    const char *colon = strrchr(text, ':');
    size_t len;

    if (colon == NULL) {
        return false;
    }
    len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= 256 || strlen(colon + 1) >= 16 || colon[1] == '\0') {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static void write_address(struct dld_collector *collector, const char *host)
{
    const char *scheme = collector->certificate != NULL ? "https" : "http";
    bool is_any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
                  strcmp(host, "::") == 0;
    bool is_six = strchr(host, ':') != NULL;

    (void)snprintf(collector->address, sizeof collector->address,
                   is_six && !is_any ? "%s://[%.80s]:%u" : "%s://%.80s:%u",
                   scheme, is_any ? "127.0.0.1" : host,
                   (unsigned)dld_server_port(collector->server));
}

static datalyr_status read_pem(struct dld_collector *collector,
                               const char *path, char **out,
                               datalyr_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = dlr_malloc(PEM_MAX);
    ssize_t len = fd < 0 || text == NULL ? -1 : read(fd, text, PEM_MAX - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    if (len <= 0) {
        dlr_free(text);
        return fail(collector, error, EXIT_USAGE, "cannot read %.150s", path);
    }
    text[len] = '\0';
    *out = text;
    return DATALYR_OK;
}

static datalyr_status read_tls(struct dld_collector *collector,
                               const struct dld_options *options,
                               datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    if ((options->certificate == NULL) != (options->private_key == NULL)) {
        return fail(collector, error, EXIT_USAGE,
                    "--cert and --key belong together");
    }
    if (options->certificate != NULL) {
        status = read_pem(collector, options->certificate,
                          &collector->certificate, error);
    }
    if (status == DATALYR_OK && options->private_key != NULL) {
        status = read_pem(collector, options->private_key,
                          &collector->private_key, error);
    }
    return status;
}

static datalyr_status read_proxies(struct dld_collector *collector,
                                   const struct dld_options *options,
                                   datalyr_error *error)
{
    struct dld_networks *proxies = &collector->proxies;

    for (size_t i = 0; i < options->proxies.count; i++) {
        const char *text = options->proxies.items[i];

        if (!dld_network_read(dlr_text_of(text),
                              &proxies->items[proxies->count++])) {
            return fail(collector, error, EXIT_USAGE,
                        "--trusted-proxy is %.60s; it is ADDRESS or "
                        "ADDRESS/BITS",
                        text);
        }
    }
    return DATALYR_OK;
}

/* A quarter of the files we may open is for the store: connections must not
 * keep it from its own. */
static uint32_t count_connections(const struct dld_options *options)
{
    uint64_t count = options->max_connections;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && count > limit.rlim_cur / 4 * 3) {
        count = limit.rlim_cur / 4 * 3;
    }
    return (uint32_t)count;
}

static datalyr_status start_server(struct dld_collector *collector,
                                   const struct dld_options *options,
                                   datalyr_error *error)
{
    char host[256];
    char port[16];
    struct dld_server_options server = {
        .host = host,
        .port = port,
        .certificate = collector->certificate,
        .private_key = collector->private_key,
        .thread_count = (uint32_t)options->threads,
        .connection_max = count_connections(options),
        .max_body_bytes = options->max_body_bytes,
        .max_decoded_bytes = options->max_decoded_bytes,
        .max_memory_bytes = options->max_memory_bytes,
        .head_timeout_ms = options->head_timeout_ms,
        .body_timeout_ms = options->body_timeout_ms,
        .idle_timeout_ms = options->idle_timeout_ms,
        .handler = dld_api_handler(&collector->api),
    };
    datalyr_status status;

    if (!split_address(options->listen, host, port)) {
        return fail(collector, error, EXIT_USAGE,
                    "--listen is %.100s; it is HOST:PORT", options->listen);
    }
    if (host[0] == '\0') {
        server.host = NULL;
    }
    collector->failed_exit = EXIT_LISTEN;
    status = dld_server_open(&server, &collector->server, error);
    if (status == DATALYR_OK) {
        /* All that a request looks at is in place before one can come. */
        write_address(collector, host);
        collector->api.options.address = dlr_text_of(collector->address);
        collector->api.server = collector->server;
        status = dld_server_run(collector->server, error);
    }
    return status;
}

static void fill_api(struct dld_collector *collector,
                     const struct dld_options *options)
{
    collector->api.options = (struct dld_api_options){
        .store = &collector->store,
        .writer = collector->writer,
        .keys = collector->keys,
        .pool = collector->pool,
        .limits = {.max_events = options->max_batch_events,
                   .max_depth = options->max_depth},
        .origins = {.items = options->origins.items,
                    .count = options->origins.count},
        .proxies = collector->proxies,
        .log = collector->log,
        .is_test = options->is_test,
        .query_time_ms = options->query_time_ms,
        .address = dlr_text_of(collector->address),
    };
}

datalyr_status dld_collector_start(const struct dld_options *options,
                                   struct dld_collector *collector,
                                   datalyr_error *error)
{
    datalyr_status status;

    memset(collector, 0, sizeof *collector);
    memset(error, 0, sizeof *error);
    collector->keep_ms = options->keep_ms;
    status = read_proxies(collector, options, error);
    if (status == DATALYR_OK) {
        status = read_tls(collector, options, error);
    }
    if (status == DATALYR_OK && options->log != NULL) {
        collector->failed_exit = EXIT_USAGE;
        status = dld_log_open(options->log, &collector->log, error);
    }
    if (status == DATALYR_OK) {
        status = start_store(collector, options, error);
    }
    if (status == DATALYR_OK) {
        status = dld_pool_start(2, &collector->pool);
    }
    if (status == DATALYR_OK) {
        fill_api(collector, options);
        status = start_server(collector, options, error);
    }
    if (status == DATALYR_OK) {
        return DATALYR_OK;
    }
    if (error->message[0] == '\0') {
        (void)snprintf(error->message, sizeof error->message, "%s",
                       "out of memory or threads");
    }
    dld_collector_stop(collector, NULL);
    return status;
}

static void print_ledger(struct dld_collector *collector, FILE *ledger)
{
    const struct dld_api_counts *counts = &collector->api.counts;

    (void)fprintf(ledger,
                  "accepted=%" PRIuFAST64 " duplicates=%" PRIuFAST64
                  " rejected=%" PRIuFAST64 "\n",
                  atomic_load(&counts->accepted),
                  atomic_load(&counts->duplicates),
                  atomic_load(&counts->rejected));
}

static void on_retained(void *self, struct dld_job *job)
{
    struct dld_collector *collector = self;

    (void)job; /* failures are in the log, and it is tried again */
    atomic_store(&collector->is_retaining, false);
}

void dld_collector_retain(struct dld_collector *collector)
{
    int64_t now_ms = dlr_clock_realtime_ms();

    if (collector->keep_ms > (uint64_t)now_ms ||
        atomic_exchange(&collector->is_retaining, true)) {
        return;
    }
    collector->retain = (struct dld_job){
        .kind = DLD_JOB_RETAIN,
        .before_ms = now_ms - (int64_t)collector->keep_ms,
        .now_ms = now_ms,
        .done = on_retained,
        .self = collector,
    };
    dld_writer_submit(collector->writer, &collector->retain);
}

void dld_collector_stop(struct dld_collector *collector, FILE *ledger)
{
    if (collector->server != NULL) {
        dld_server_quiesce(collector->server);
    }
    /* Those who wait for events have waited long enough. */
    dld_live_stop(collector->api.live);
    if (collector->server != NULL) {
        (void)dld_server_drain(collector->server, DRAIN_MS);
    }
    dld_pool_stop(&collector->pool);
    dld_writer_stop(&collector->writer);
    dld_server_stop(&collector->server);
    dld_live_free(collector->api.live);
    if (collector->store.close != NULL) {
        collector->store.close(collector->store.self);
    }
    dld_log_close(collector->log);
    dld_key_table_close(&collector->key_table);
    dld_keys_free(collector->keys);
    dlr_free(collector->certificate);
    dlr_free(collector->private_key);
    if (ledger != NULL) {
        print_ledger(collector, ledger);
    }
}
