/* SPDX-License-Identifier: MIT */
/*
 * Fetch: see fetch.h. Through curl, over one connection that is kept.
 */
#include "read/fetch.h"

#include "say.h"
#include "stop.h"

#include "base/json_check.h"
#include "base/json_read.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX ((size_t)64 << 10)
/* A wait may take up to a minute by itself. */
#define TIMEOUT_MS 90000L

static size_t take_body(char *bytes, size_t size, size_t count, void *self)
{
    struct cli_fetch *fetch = self;

    dlr_buf_append(&fetch->body, bytes, size * count);
    return fetch->body.failed ? 0 : size * count;
}

/* Lets Ctrl-C end a wait at once. */
static int look_around(void *self, curl_off_t down_total, curl_off_t down,
                       curl_off_t up_total, curl_off_t up)
{
    (void)self;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return cli_stop_is_wanted() ? 1 : 0;
}

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void set_options(struct cli_fetch *fetch)
{
    CURL *curl = fetch->curl;

    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_around);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "datalyr/" DATALYR_VERSION);
    if (fetch->read_key != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        (void)curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, fetch->read_key);
    }
}

bool cli_fetch_open(struct cli_fetch *fetch, const struct cli_args *args)
{
    *fetch = (struct cli_fetch){.args = args};
    dlr_buf_init(&fetch->url, URL_MAX);
    dlr_buf_init(&fetch->body, CLI_FETCH_MAX);
    fetch->collector = cli_args_value(args, "collector");
    if (fetch->collector == NULL) {
        fetch->collector =
            from_environment("DATALYR_COLLECTOR", "http://127.0.0.1:8484");
    }
    fetch->read_key = args->secrets.read_key != NULL
                          ? args->secrets.read_key
                          : from_environment("DATALYR_READ_KEY", NULL);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return false;
    }
    fetch->curl = curl_easy_init();
    if (fetch->curl == NULL) {
        return false;
    }
    set_options(fetch);
    return true;
}

void cli_fetch_close(struct cli_fetch *fetch)
{
    curl_easy_cleanup(fetch->curl);
    dlr_buf_clear(&fetch->url);
    dlr_buf_clear(&fetch->body);
    fetch->curl = NULL;
}

void cli_fetch_begin(struct cli_fetch *fetch, const char *path)
{
    size_t len = strlen(fetch->collector);

    while (len > 0 && fetch->collector[len - 1] == '/') {
        len--;
    }
    dlr_buf_rewind(&fetch->url, 0);
    dlr_buf_append(&fetch->url, fetch->collector, len);
    dlr_buf_append_string(&fetch->url, path);
}

static void put_escaped(struct dlr_buf *out, struct dlr_text text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\0' && strchr(plain, text.ptr[i]) != NULL) {
            dlr_buf_append_char(out, text.ptr[i]);
        } else {
            dlr_buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
        }
    }
}

void cli_fetch_add(struct cli_fetch *fetch, struct dlr_text name,
                   struct dlr_text value)
{
    bool is_first = memchr(fetch->url.ptr, '?', fetch->url.len) == NULL;

    dlr_buf_append_char(&fetch->url, is_first ? '?' : '&');
    put_escaped(&fetch->url, name);
    dlr_buf_append_char(&fetch->url, '=');
    put_escaped(&fetch->url, value);
}

bool cli_fetch_run(struct cli_fetch *fetch)
{
    const char *url = dlr_buf_terminate(&fetch->url);
    CURLcode result;

    fetch->status = 0;
    fetch->error[0] = '\0';
    dlr_buf_rewind(&fetch->body, 0);
    if (url == NULL) {
        (void)snprintf(fetch->error, sizeof fetch->error,
                       "the filter is too long");
        return false;
    }
    (void)curl_easy_setopt(fetch->curl, CURLOPT_URL, url);
    result = curl_easy_perform(fetch->curl);
    if (result != CURLE_OK) {
        if (fetch->error[0] == '\0') {
            (void)snprintf(fetch->error, sizeof fetch->error, "%s",
                           curl_easy_strerror(result));
        }
        return false;
    }
    (void)curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE,
                            &fetch->status);
    if (!dlr_json_check_object(dlr_buf_text(&fetch->body), DLR_JSON_DEPTH_MAX,
                               NULL)) {
        (void)snprintf(fetch->error, sizeof fetch->error,
                       "HTTP %ld, and the answer is no JSON", fetch->status);
        return false;
    }
    return true;
}

static void take_text(struct dlr_json_value object, struct dlr_text name,
                      char *out, size_t cap)
{
    struct dlr_buf text;

    dlr_buf_init_fixed(&text, out, cap);
    if (!dlr_json_decode(dlr_json_get(object, name), &text) ||
        dlr_buf_terminate(&text) == NULL) {
        out[0] = '\0';
    }
}

int cli_fetch_complain(const struct cli_fetch *fetch)
{
    struct dlr_json_value answer = dlr_json_root(dlr_buf_text(&fetch->body));
    char error[512];
    char field[128];

    if (cli_stop_is_wanted()) {
        return CLI_EXIT_INTERRUPTED;
    }
    if (fetch->status == 0 || fetch->error[0] != '\0') {
        return cli_fail_try(CLI_EXIT_UNREACHED,
                            "datalyrd, or --collector with its address",
                            "%s: %s", fetch->collector, fetch->error);
    }
    take_text(answer, DLR_TEXT("error"), error, sizeof error);
    take_text(answer, DLR_TEXT("field"), field, sizeof field);
    if (fetch->status == 401 || fetch->status == 403) {
        return cli_fail_try(CLI_EXIT_REFUSED,
                            "export DATALYR_READ_KEY=dk_your_read_key",
                            "%s: %s", fetch->collector, error);
    }
    return cli_fail_try(fetch->status == 400 ? CLI_EXIT_USAGE
                                             : CLI_EXIT_UNREACHED,
                        "datalyr help tail", "%s%s%s (HTTP %ld)", field,
                        field[0] == '\0' ? "" : ": ", error, fetch->status);
}
