/* SPDX-License-Identifier: MIT */
/*
 * Options: the table and its reader.
 */
#include "options.h"

#include "base/buf.h"
#include "base/units.h"
#include "ingest/limiter.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

enum kind {
    KIND_TEXT,
    KIND_LIST, /* may be given several times */
    KIND_SWITCH,
    KIND_COUNT,
    KIND_SIZE,
    KIND_DURATION,
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *argument;
    const char *text; /* default of KIND_TEXT */
    uint64_t number;  /* default of the numbers */
    uint64_t min;
    uint64_t max; /* DLR_UNLIMITED: "unlimited" is understood */
    const char *help;
};

#define FIELD(name) offsetof(struct dld_options, name)
#define KIB         1024u
#define MIB         (1024u * 1024u)

static const struct option table[] = {
    {"listen", KIND_TEXT, FIELD(listen), "HOST:PORT", "127.0.0.1:8484", 0, 0, 0,
     "address to listen on; port 0 takes a free one"},
    {"store", KIND_TEXT, FIELD(store), "sqlite:PATH", "sqlite:datalyr.db", 0, 0,
     0, "where events are kept"},
    {"api-key", KIND_LIST, FIELD(api_keys), "KEY", NULL, 0, 0, 0,
     "key that may send; without it one is made and kept beside the store"},
    {"read-key", KIND_LIST, FIELD(read_keys), "KEY", NULL, 0, 0, 0,
     "key that may read from other machines"},
    {"admin-key", KIND_LIST, FIELD(admin_keys), "KEY", NULL, 0, 0, 0,
     "key that may do everything, deleting included"},
    {"allow-origin", KIND_LIST, FIELD(origins), "ORIGIN", NULL, 0, 0, 0,
     "web pages that may send events without a key, or *"},
    {"trusted-proxy", KIND_LIST, FIELD(proxies), "ADDRESS[/BITS]", NULL, 0, 0,
     0, "proxy whose X-Forwarded-For, -Proto and -Host are believed"},
    {"cert", KIND_TEXT, FIELD(certificate), "FILE", NULL, 0, 0, 0,
     "certificate (PEM), for TLS; with --key"},
    {"key", KIND_TEXT, FIELD(private_key), "FILE", NULL, 0, 0, 0,
     "private key (PEM) of --cert"},
    {"log", KIND_TEXT, FIELD(log), "FILE", NULL, 0, 0, 0,
     "a line of JSON for each request and failure; - is stderr"},
    {"test", KIND_SWITCH, FIELD(is_test), NULL, NULL, 0, 0, 0,
     "allow POST /api/v1/reset, for tests"},
    {"rate-limit", KIND_COUNT, FIELD(rate_limit), "N", NULL, 1000, 1,
     DLR_UNLIMITED, "requests a second for each key, or unlimited"},
    {"rate-burst", KIND_COUNT, FIELD(rate_burst), "N", NULL, 2000, 1,
     1000000000, "requests that may come at once"},
    {"max-batch", KIND_COUNT, FIELD(max_batch_events), "N", NULL, 10000, 1,
     1000000, "events in one request"},
    {"max-body", KIND_SIZE, FIELD(max_body_bytes), "SIZE", NULL, 16u * MIB,
     1 * KIB, 1024u * MIB, "bytes of one request as sent"},
    {"max-decoded", KIND_SIZE, FIELD(max_decoded_bytes), "SIZE", NULL,
     64u * MIB, 1 * KIB, 4096ull * MIB, "bytes of one request after gzip"},
    {"max-memory", KIND_SIZE, FIELD(max_memory_bytes), "SIZE", NULL, 256u * MIB,
     1 * KIB, UINT64_MAX / 2, "bytes of all requests at once"},
    {"max-depth", KIND_COUNT, FIELD(max_depth), "N", NULL, 512, 4, 1024,
     "levels of JSON nesting"},
    {"max-connections", KIND_COUNT, FIELD(max_connections), "N", NULL, 16384, 1,
     1000000, "open connections; never more than 3/4 of the open files"},
    {"head-timeout", KIND_DURATION, FIELD(head_timeout_ms), "TIME", NULL, 10000,
     100, 3600000, "time a client has to send a request's head"},
    {"body-timeout", KIND_DURATION, FIELD(body_timeout_ms), "TIME", NULL, 30000,
     100, 3600000, "and its body, longer for large ones that keep coming"},
    {"idle-timeout", KIND_DURATION, FIELD(idle_timeout_ms), "TIME", NULL, 75000,
     100, 3600000, "time an open connection may rest between requests"},
    {"query-time", KIND_DURATION, FIELD(query_time_ms), "TIME", NULL, 2000, 1,
     600000, "time for a question that no index serves"},
    {"keep", KIND_DURATION, FIELD(keep_ms), "TIME", NULL, DLR_UNLIMITED, 1000,
     DLR_UNLIMITED, "how long events are kept (90d); ids are remembered"},
    {"threads", KIND_COUNT, FIELD(threads), "N", NULL, 2, 1, 64,
     "threads that serve connections"},
    {"partition-rows", KIND_COUNT, FIELD(partition_rows), "N", NULL, 200000, 1,
     10000000, "events in one file of the store"},
    {"help", KIND_SWITCH, FIELD(wants_help), NULL, NULL, 0, 0, 0, "this text"},
    {"version", KIND_SWITCH, FIELD(wants_version), NULL, NULL, 0, 0, 0,
     "name and version"},
};

#define OPTION_COUNT (sizeof table / sizeof table[0])

static void *field_of(struct dld_options *options, const struct option *option)
{
    return (char *)options + option->offset;
}

__attribute__((format(printf, 2, 3))) static datalyr_status
fail(datalyr_error *error, const char *format, ...)
{
    va_list args;

    error->status = DATALYR_INVALID;
    va_start(args, format);
    (void)vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return DATALYR_INVALID;
}

static void set_defaults(struct dld_options *options)
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &table[i];

        switch (option->kind) {
        case KIND_TEXT:
            *(const char **)field_of(options, option) = option->text;
            break;
        case KIND_COUNT:
        case KIND_SIZE:
        case KIND_DURATION:
            *(uint64_t *)field_of(options, option) = option->number;
            break;
        case KIND_LIST:
        case KIND_SWITCH:
            break;
        }
    }
}

static bool parse_number(const struct option *option, const char *value,
                         uint64_t *number)
{
    struct dlr_text text = dlr_text_of(value);

    if (option->kind == KIND_SIZE) {
        return dlr_parse_size_bytes(text, number);
    }
    return option->kind == KIND_DURATION ? dlr_parse_duration_ms(text, number)
                                         : dlr_parse_count(text, number);
}

static datalyr_status set_number(struct dld_options *options,
                                 const struct option *option, const char *value,
                                 datalyr_error *error)
{
    uint64_t number;

    if (!parse_number(option, value, &number)) {
        return fail(error, "--%s: %.60s is no number", option->name, value);
    }
    if (number < option->min || number > option->max) {
        (void)snprintf(error->message, sizeof error->message,
                       "--%s is %.40s; the range is %" PRIu64 " to %" PRIu64,
                       option->name, value, option->min, option->max);
        return DATALYR_INVALID;
    }
    *(uint64_t *)field_of(options, option) = number;
    return DATALYR_OK;
}

static datalyr_status add_item(struct dld_options *options,
                               const struct option *option, const char *value,
                               datalyr_error *error)
{
    struct dld_text_list *list = field_of(options, option);

    if (value[0] == '\0') {
        return fail(error, "--%s is empty", option->name);
    }
    if (list->count == DLD_KEYS_MAX) {
        return fail(error, "--%s is given too often", option->name);
    }
    list->items[list->count++] = value;
    return DATALYR_OK;
}

static datalyr_status set_value(struct dld_options *options,
                                const struct option *option, const char *value,
                                datalyr_error *error)
{
    switch (option->kind) {
    case KIND_TEXT:
        *(const char **)field_of(options, option) = value;
        return DATALYR_OK;
    case KIND_LIST:
        return add_item(options, option, value, error);
    case KIND_COUNT:
    case KIND_SIZE:
    case KIND_DURATION:
        return set_number(options, option, value, error);
    case KIND_SWITCH:
        *(bool *)field_of(options, option) = true;
        return DATALYR_OK;
    }
    return DATALYR_INVALID;
}

/* The option that an argument names, and the value behind '=' if there is
 * one. */
static const struct option *find(const char *argument, const char **value)
{
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");

    *value = name[len] == '=' ? name + len + 1 : NULL;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(table[i].name) == len &&
            strncmp(table[i].name, name, len) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

datalyr_status dld_options_read(int argc, char **argv,
                                struct dld_options *options,
                                datalyr_error *error)
{
    datalyr_status status = DATALYR_OK;

    set_defaults(options);
    memset(error, 0, sizeof *error);
    for (int i = 1; i < argc && status == DATALYR_OK; i++) {
        const struct option *option = NULL;
        const char *value = NULL;

        if (strncmp(argv[i], "--", 2) == 0) {
            option = find(argv[i], &value);
        }
        if (option == NULL) {
            return fail(error, "%.80s is no option of datalyrd", argv[i]);
        }
        if (option->kind == KIND_SWITCH && value != NULL) {
            return fail(error, "--%s takes no value", option->name);
        }
        if (option->kind != KIND_SWITCH && value == NULL) {
            if (i + 1 == argc) {
                return fail(error, "--%s needs %s", option->name,
                            option->argument);
            }
            value = argv[++i];
        }
        status = set_value(options, option, value, error);
    }
    return status;
}

static void put_default(FILE *out, const struct option *option)
{
    char storage[64];
    struct dlr_buf text;

    dlr_buf_init_fixed(&text, storage, sizeof storage);
    switch (option->kind) {
    case KIND_TEXT:
        if (option->text != NULL) {
            dlr_buf_append_string(&text, option->text);
        }
        break;
    case KIND_COUNT:
        dlr_buf_printf(&text, "%" PRIu64, option->number);
        break;
    case KIND_SIZE:
        dlr_units_put_size(&text, option->number);
        break;
    case KIND_DURATION:
        dlr_units_put_duration(&text, option->number);
        break;
    case KIND_LIST:
    case KIND_SWITCH:
        break;
    }
    if (text.len > 0) {
        (void)fprintf(out, " [%.*s]", (int)text.len, text.ptr);
    }
    (void)fputc('\n', out);
}

void dld_options_help(FILE *out)
{
    (void)fputs("datalyrd: takes events of every DATALYR SDK, keeps them, and "
                "answers questions\n\nusage: datalyrd [OPTION...]\n"
                "       datalyrd key add|list|revoke ...\n"
                "       datalyrd backup [--store sqlite:PATH] TARGET\n\n",
                out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &table[i];
        int width = fprintf(out, "  --%s%s%s", option->name,
                            option->argument == NULL ? "" : " ",
                            option->argument == NULL ? "" : option->argument);

        (void)fprintf(out, "%*s%s", width < 28 ? 28 - width : 1, "",
                      option->help);
        put_default(out, option);
    }
    (void)fputs("\nexit codes: 0 stopped in order, 2 usage, 3 cannot listen, "
                "5 the store fails\n",
                out);
}
