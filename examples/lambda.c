/* SPDX-License-Identifier: MIT */
/*
 * AWS Lambda, as a custom runtime: `bootstrap` of provided.al2023 and the like.
 *
 * The client is opened once, outside the handler: connections stay open over
 * many invocations. And it is flushed before the answer is given, because the
 * machine may be frozen the moment after, with the sender in the middle of a
 * request, and thawed in an hour or never. The flush gets what is left of the
 * invocation's own time, so that slow analytics never fail an invocation: what
 * is not delivered by then stays queued for the next one.
 *
 * In Node a flush() that found its queue empty returned at once, with requests
 * still on the wire. Here it waits for these too.
 */
#include "ledger_line.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define API "2018-06-01/runtime/invocation"
/* Of the invocation's time, for the answer itself. */
#define RESERVE_MS 200
/* A payload is 6 MB at most. */
#define BODY_MAX ((size_t)8 << 20)

struct invocation {
    char request_id[128];
    int64_t deadline_ms; /* since 1970; 0: not told */
    char *body;
    size_t len;
};

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
    (void)number;
    is_stopped = 1;
}

/* ------------------------------------------------------- the runtime API */

static size_t keep_bytes(char *bytes, size_t one, size_t count, void *self)
{
    struct invocation *invocation = self;
    char *grown;

    (void)one; /* always 1, says libcurl */
    if (invocation->len + count > BODY_MAX) {
        return 0;
    }
    grown = realloc(invocation->body, invocation->len + count);
    if (grown == NULL) {
        return 0; /* libcurl reports it */
    }
    memcpy(grown + invocation->len, bytes, count);
    invocation->body = grown;
    invocation->len += count;
    return count;
}

static void read_header(CURL *curl, const char *name, char *text, size_t size)
{
    struct curl_header *header;

    text[0] = '\0';
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) ==
        CURLHE_OK) {
        (void)snprintf(text, size, "%s", header->value);
    }
}

/* libcurl asks now and then: a signal ends the wait. */
static int check_stop(void *self, curl_off_t total, curl_off_t now,
                      curl_off_t up_total, curl_off_t up_now)
{
    (void)self;
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return is_stopped;
}

/* Waits for the next invocation, for hours if need be. */
static bool take_next(CURL *curl, const char *api,
                      struct invocation *invocation)
{
    char url[512];
    char deadline[32];
    char *end;

    (void)snprintf(url, sizeof url, "http://%s/" API "/next", api);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, invocation);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_stop);
    if (curl_easy_perform(curl) != CURLE_OK) {
        return false;
    }
    read_header(curl, "Lambda-Runtime-Aws-Request-Id", invocation->request_id,
                sizeof invocation->request_id);
    read_header(curl, "Lambda-Runtime-Deadline-Ms", deadline, sizeof deadline);
    invocation->deadline_ms = strtoll(deadline, &end, 10);
    return true;
}

static bool give_answer(CURL *curl, const char *api,
                        const struct invocation *invocation, const char *answer)
{
    struct invocation ignored = {.len = 0};
    char url[512];
    bool is_given;

    (void)snprintf(url, sizeof url, "http://%s/" API "/%s/response", api,
                   invocation->request_id);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ignored);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, answer);
    is_given = curl_easy_perform(curl) == CURLE_OK;
    free(ignored.body);
    return is_given;
}

/* ------------------------------------------------------------- the handler */

static int64_t milliseconds_left(const struct invocation *invocation)
{
    struct timespec now = {0};
    int64_t left;

    if (invocation->deadline_ms == 0) {
        return 1000;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now); /* this clock always works */
    left = invocation->deadline_ms - (int64_t)now.tv_sec * 1000 -
           now.tv_nsec / 1000000 - RESERVE_MS;
    return left < 0 ? 0 : left;
}

static const char *text_at(yyjson_val *object, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(object, name));
}

/* What the vendor's sample does: the body of an API Gateway request is a JSON
 * text inside the event. */
static bool handle(datalyr_client *client, const struct invocation *invocation)
{
    yyjson_doc *event_document =
        yyjson_read(invocation->body, invocation->len, 0);
    yyjson_val *event = yyjson_doc_get_root(event_document);
    const char *body_text = text_at(event, "body");
    yyjson_doc *body_document =
        body_text == NULL ? NULL : yyjson_read(body_text, strlen(body_text), 0);
    yyjson_val *body = yyjson_doc_get_root(body_document);
    datalyr_error error;
    datalyr_status status = datalyr_track_e(
        client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = text_at(body, "userId"),
            .event = "api_request",
            /* An invocation that is tried again is the same event. */
            .event_id = invocation->request_id,
            .properties = DATALYR_OBJECT(
                {"endpoint", DATALYR(text_at(event, "path"))},
                {"method", DATALYR(text_at(event, "httpMethod"))}),
        },
        &error);

    if (status != DATALYR_OK) {
        fprintf(stderr, "lambda: %s\n", error.message);
    }
    yyjson_doc_free(body_document);
    yyjson_doc_free(event_document);
    return status == DATALYR_OK;
}

static void serve(CURL *curl, const char *api, datalyr_client *client)
{
    while (!is_stopped) {
        struct invocation invocation = {.len = 0};
        bool is_taken = take_next(curl, api, &invocation);

        if (is_taken) {
            bool is_good = handle(client, &invocation);

            (void)datalyr_flush(client, milliseconds_left(&invocation));
            is_taken = give_answer(
                curl, api, &invocation,
                is_good ? "{\"statusCode\":200,\"body\":\"{\\\"success\\\":"
                          "true}\"}"
                        : "{\"statusCode\":400,\"body\":\"{\\\"success\\\":"
                          "false}\"}");
        }
        free(invocation.body);
        if (!is_taken) {
            return; /* the environment is going away */
        }
    }
}

int main(void)
{
    const struct sigaction on_signal = {.sa_handler = stop};
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    CURL *curl;

    if (api == NULL) {
        fputs("lambda: AWS_LAMBDA_RUNTIME_API is not set: this is not Lambda\n",
              stderr);
        return 2;
    }
    /* Sent before an environment ends, if an extension is registered. */
    (void)sigaction(SIGTERM, &on_signal, NULL);
    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "lambda: %s\n", error.message);
        return EXIT_FAILURE;
    }
    curl = curl_easy_init();
    if (curl != NULL) {
        serve(curl, api, client);
    }
    curl_easy_cleanup(curl);
    (void)datalyr_close_within(&client, 300, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return EXIT_SUCCESS;
}
