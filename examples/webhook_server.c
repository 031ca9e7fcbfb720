/* SPDX-License-Identifier: MIT */
/*
 * Webhook server: see webhook_server.h.
 *
 * The sender of a webhook waits a few seconds for the answer and calls again if
 * none comes. So the answer goes out as soon as the signature is checked, and
 * the event is tracked when libmicrohttpd reports the request as completed.
 * The price: a crash between the two loses an event that was answered with 200.
 * Whoever cannot have that tracks before answering, with journal_dir set: both
 * take microseconds.
 */
#include "webhook_server.h"

#include "ledger_line.h"

#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)1 << 20)

struct service {
    const struct webhook *webhook;
    const char *secret;
    datalyr_client *client;
};

/* A request while it arrives. */
struct visit {
    struct webhook_request request;
    bool is_too_large;
    bool is_accepted; /* answered with 200: to be handled */
};

static enum MHD_Result answer(struct MHD_Connection *connection,
                              unsigned status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(size_t)text, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void keep_body(struct visit *visit, const char *bytes, size_t len)
{
    struct webhook_request *request = &visit->request;
    char *grown = NULL;

    if (request->len + len <= BODY_MAX) {
        grown = realloc(request->body, request->len + len);
    }
    if (grown == NULL) {
        visit->is_too_large = true;
        return;
    }
    memcpy(grown + request->len, bytes, len);
    request->body = grown;
    request->len += len;
}

static enum MHD_Result judge(const struct service *service,
                             struct MHD_Connection *connection,
                             struct visit *visit, const char *url)
{
    if (strcmp(url, service->webhook->path) != 0) {
        return answer(connection, MHD_HTTP_NOT_FOUND, "{\"error\":\"path\"}");
    }
    if (visit->is_too_large) {
        return answer(connection, MHD_HTTP_CONTENT_TOO_LARGE,
                      "{\"error\":\"too large\"}");
    }
    visit->request.signature = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, service->webhook->signature_header);
    if (!service->webhook->is_genuine(&visit->request, service->secret)) {
        return answer(connection, MHD_HTTP_BAD_REQUEST,
                      "{\"error\":\"signature\"}");
    }
    visit->is_accepted = true;
    return answer(connection, MHD_HTTP_OK, "{\"received\":true}");
}

/* Called for the head, for each part of the body, and once more at its end. */
static enum MHD_Result receive(void *self, struct MHD_Connection *connection,
                               const char *url, const char *method,
                               const char *version, const char *bytes,
                               size_t *len, void **state)
{
    struct visit *visit = *state;

    (void)version;
    if (visit == NULL) {
        *state = calloc(1, sizeof *visit);
        return *state == NULL ? MHD_NO : MHD_YES;
    }
    if (*len > 0) {
        keep_body(visit, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (strcmp(method, "POST") != 0) {
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                      "{\"error\":\"method\"}");
    }
    return judge(self, connection, visit, url);
}

/* The answer is out, or the connection is gone. */
static void complete(void *self, struct MHD_Connection *connection,
                     void **state, enum MHD_RequestTerminationCode code)
{
    const struct service *service = self;
    struct visit *visit = *state;

    (void)connection;
    (void)code; /* an answer that did not get through changes nothing: the
                   event happened, and its id makes a second call harmless */
    if (visit != NULL) {
        if (visit->is_accepted) {
            service->webhook->handle(&visit->request, service->client);
        }
        free(visit->request.body);
        free(visit);
        *state = NULL;
    }
}

static bool serve(struct service *service, unsigned port,
                  const sigset_t *signals)
{
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *daemon;
    int number;

    daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)port, NULL, NULL, receive,
        service, MHD_OPTION_NOTIFY_COMPLETED, complete, service,
        MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "cannot listen on port %u\n", port);
        return false;
    }
    info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("http://127.0.0.1:%u%s\n", info == NULL ? port : info->port,
           service->webhook->path);
    (void)fflush(stdout);
    (void)sigwait(signals, &number);
    MHD_stop_daemon(daemon); /* lets what is in work finish */
    return true;
}

bool webhook_digest(const char *secret, const char *prefix,
                    const struct webhook_request *request,
                    unsigned char digest[WEBHOOK_DIGEST_BYTES])
{
    size_t prefix_len = strlen(prefix);
    size_t len = prefix_len + request->len;
    unsigned char *text = malloc(len + 1);
    unsigned digest_len = 0;

    if (text == NULL) {
        return false;
    }
    memcpy(text, prefix, prefix_len);
    if (request->len > 0) {
        memcpy(text + prefix_len, request->body, request->len);
    }
    (void)HMAC(EVP_sha256(), secret, (int)strlen(secret), text, len, digest,
               &digest_len);
    free(text);
    return digest_len == WEBHOOK_DIGEST_BYTES;
}

static bool read_port(int argc, char **argv, unsigned *port)
{
    char *end = NULL;
    unsigned long number = argc > 1 ? strtoul(argv[1], &end, 10) : 3000;

    *port = (unsigned)number;
    return argc <= 2 && number <= 65535 && (end == NULL || *end == '\0');
}

int webhook_main(const struct webhook *webhook, int argc, char **argv)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    struct service service = {.webhook = webhook};
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    sigset_t signals;
    unsigned port;
    bool has_served;

    /* Before any thread is started: they wait until serve() asks for them. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);

    service.secret = getenv(webhook->secret_name);
    if (service.secret == NULL || service.secret[0] == '\0') {
        fprintf(stderr, "%s is not set: without it anybody could send events\n",
                webhook->secret_name);
        return 2;
    }
    if (!read_port(argc, argv, &port)) {
        fprintf(stderr, "usage: %s [PORT]\n", argv[0]);
        return 2;
    }
    if (datalyr_open(&config, &service.client, &error) != DATALYR_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    has_served = serve(&service, port, &signals);
    (void)datalyr_close_within(&service.client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return has_served && last.delivered == last.calls ? EXIT_SUCCESS
                                                      : EXIT_FAILURE;
}
