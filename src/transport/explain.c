/* SPDX-License-Identifier: MIT */
/*
 * Explain: turns codes into a sentence that says what to look at.
 *
 * DESIGN
 * The sentence is made in two steps: composed plainly, with whatever strangers
 * sent; then secrets are blotted out and the rest escaped, in one place that no
 * sentence can get around. A server that repeats our key in its error text does
 * not carry it into a log.
 *
 * libcurl's own words are kept where ours would say less. Where they are looked
 * into (which part of a request ran out of time), another wording in another
 * version only makes the sentence more general.
 */
#include "transport/explain.h"

#include "base/escape.h"
#include "base/json_check.h"
#include "base/json_read.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

#define DRAFT_CAP   1024
#define REASON_CAP  1024
#define MAX_EXCERPT 160

/* A shorter piece of a secret at the end of a cut text is no secret. */
#define MIN_PIECE 4

/* Of a body that long nobody reads more. */
#define MAX_ERROR_BODY_BYTES 65536

/* X509_V_ERR_… of OpenSSL, whose header the library does not need otherwise. */
enum {
    CERT_NO_ISSUER = 2,
    CERT_NOT_YET_VALID = 9,
    CERT_EXPIRED = 10,
    CERT_SELF_SIGNED = 18,
    CERT_SELF_SIGNED_IN_CHAIN = 19,
    CERT_NO_LOCAL_ISSUER = 20,
    CERT_UNVERIFIABLE_LEAF = 21,
    CERT_HOST_MISMATCH = 62,
    CERT_IP_MISMATCH = 64
};

static bool starts_with(const char *text, const char *start)
{
    return dlr_text_starts_with(dlr_text_of(text), dlr_text_of(start));
}

static void put_place(struct dlr_buf *draft, const struct dlr_url *url)
{
    bool is_ipv6 = strchr(url->host, ':') != NULL;

    dlr_buf_printf(draft, is_ipv6 ? "[%s]:%u" : "%s:%u", url->host,
                   (unsigned)url->port);
}

static void put_detail(struct dlr_buf *draft,
                       const struct dlr_failure_facts *facts)
{
    if (facts->detail[0] != '\0') {
        dlr_buf_printf(draft, ": %s", facts->detail);
    }
}

/* "Failed to connect to 127.0.0.1 port 8484 after 0 ms: …": whom it was tried
 * to reach, which may be a proxy from the environment. */
static void put_peer(struct dlr_buf *draft,
                     const struct dlr_failure_facts *facts)
{
    static const char before[] = "Failed to connect to ";
    const char *host = facts->detail + sizeof before - 1;
    const char *port;
    const char *end;

    if (!starts_with(facts->detail, before) ||
        (port = strstr(host, " port ")) == NULL ||
        (end = strchr(port + 6, ' ')) == NULL) {
        put_place(draft, facts->url);
        return;
    }
    dlr_buf_append(draft, host, (size_t)(port - host));
    dlr_buf_append_char(draft, ':');
    dlr_buf_append(draft, port + 6, (size_t)(end - port - 6));
}

static const char *name_errno(long number)
{
    switch (number) {
    case ENETUNREACH:
        return ": network unreachable";
    case EHOSTUNREACH:
        return ": no route to it";
    case EADDRNOTAVAIL:
        return ": no local port left";
    case EMFILE:
    case ENFILE:
        return ": too many open files";
    default:
        return "";
    }
}

static void put_connect(struct dlr_buf *draft,
                        const struct dlr_failure_facts *facts)
{
    if (facts->system_errno == ECONNREFUSED) {
        dlr_buf_append_string(draft, "connection refused by ");
        put_peer(draft, facts);
        return;
    }
    dlr_buf_append_string(draft, "cannot connect to ");
    put_peer(draft, facts);
    dlr_buf_append_string(draft, name_errno(facts->system_errno));
}

static void put_timeout(struct dlr_buf *draft,
                        const struct dlr_failure_facts *facts)
{
    const char *what = "no answer from ";

    if (starts_with(facts->detail, "Resolving")) {
        what = "no address found for ";
    } else if (starts_with(facts->detail, "Connection time") ||
               starts_with(facts->detail, "Failed to connect")) {
        what = "no connection to ";
    } else if (starts_with(facts->detail, "SSL")) {
        what = "no TLS handshake with ";
    }
    dlr_buf_append_string(draft, what);
    put_place(draft, facts->url);
    dlr_buf_printf(draft, " within %lld ms", (long long)facts->timeout_ms);
}

static const char *certificate_fault(long code)
{
    switch (code) {
    case CERT_NOT_YET_VALID:
        return "is not valid yet (is this machine's clock right?)";
    case CERT_EXPIRED:
        return "has expired (or this machine's clock is wrong)";
    case CERT_HOST_MISMATCH:
    case CERT_IP_MISMATCH:
        return "is for another name";
    case CERT_NO_ISSUER:
    case CERT_SELF_SIGNED:
    case CERT_SELF_SIGNED_IN_CHAIN:
    case CERT_NO_LOCAL_ISSUER:
    case CERT_UNVERIFIABLE_LEAF:
        return "is signed by an unknown authority (set ca_file)";
    default:
        return NULL;
    }
}

static void put_certificate(struct dlr_buf *draft,
                            const struct dlr_failure_facts *facts)
{
    const char *fault = certificate_fault(facts->certificate_code);

    /* libcurl compares the name itself, after the chain was found good. */
    if (fault == NULL && strstr(facts->detail, "name") != NULL) {
        fault = "is for another name";
    }
    if (fault == NULL) {
        fault = "is not accepted";
    }
    dlr_buf_printf(draft, "TLS: the certificate of %s %s", facts->url->host,
                   fault);
    if (certificate_fault(facts->certificate_code) == NULL) {
        put_detail(draft, facts);
    }
}

static void put_broken(struct dlr_buf *draft,
                       const struct dlr_failure_facts *facts)
{
    if (facts->proxy_status != 0) {
        dlr_buf_printf(draft, "the proxy answered %ld to CONNECT",
                       facts->proxy_status);
        return;
    }
    dlr_buf_append_string(draft, "the connection to ");
    put_place(draft, facts->url);
    dlr_buf_append_string(draft, " broke before an answer came");
    put_detail(draft, facts);
}

static void put_tls(struct dlr_buf *draft,
                    const struct dlr_failure_facts *facts)
{
    dlr_buf_append_string(draft, "TLS: no agreement with ");
    put_place(draft, facts->url);
    put_detail(draft, facts);
}

static void put_other(struct dlr_buf *draft, CURLcode code,
                      const struct dlr_failure_facts *facts)
{
    dlr_buf_append_string(draft, "request to ");
    put_place(draft, facts->url);
    dlr_buf_printf(draft, " failed: %s", curl_easy_strerror(code));
    put_detail(draft, facts);
}

static void put_failure(struct dlr_buf *draft, CURLcode code,
                        const struct dlr_failure_facts *facts)
{
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        dlr_buf_printf(draft, "cannot resolve host %s", facts->url->host);
        return;
    case CURLE_COULDNT_RESOLVE_PROXY:
        dlr_buf_append_string(draft, "cannot resolve the proxy");
        put_detail(draft, facts);
        return;
    case CURLE_COULDNT_CONNECT:
        put_connect(draft, facts);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        put_timeout(draft, facts);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
        put_certificate(draft, facts);
        return;
    case CURLE_SSL_CACERT_BADFILE:
        dlr_buf_printf(draft, "TLS: cannot use ca_file %.300s",
                       facts->ca_file == NULL ? "of the system"
                                              : facts->ca_file);
        return;
    case CURLE_SSL_CERTPROBLEM:
        dlr_buf_append_string(draft,
                              "TLS: cannot use client_cert or client_key");
        put_detail(draft, facts);
        return;
    case CURLE_SSL_CONNECT_ERROR:
        put_tls(draft, facts);
        return;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        put_place(draft, facts->url);
        dlr_buf_append_string(draft, " does not answer in HTTP");
        put_detail(draft, facts);
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PROXY:
        put_broken(draft, facts);
        return;
    default:
        put_other(draft, code, facts);
        return;
    }
}

/* What an error body says: its "error" or "message" member, else the body
 * itself unless it is a web page. */
static struct dlr_text find_reason(struct dlr_text body, struct dlr_buf *memory)
{
    struct dlr_text shown = dlr_text_trim(body);
    struct dlr_json_value root;
    struct dlr_json_value reason;

    if (body.len > MAX_ERROR_BODY_BYTES ||
        !dlr_json_check_object(body, DLR_JSON_DEPTH, NULL)) {
        return shown.len > 0 && shown.ptr[0] == '<' ? dlr_text_n(NULL, 0)
                                                    : shown;
    }
    root = dlr_json_root(body);
    reason = dlr_json_get(root, DLR_TEXT("error"));
    if (reason.type != DLR_JSON_STRING) {
        reason = dlr_json_get(root, DLR_TEXT("message"));
    }
    return dlr_json_decode(reason, memory) ? dlr_buf_text(memory) : shown;
}

static void put_status(struct dlr_buf *draft, const struct dlr_answer *answer,
                       const struct dlr_head *head)
{
    char storage[REASON_CAP];
    struct dlr_buf memory;
    struct dlr_text reason;

    if (answer->http_status == 407) {
        dlr_buf_append_string(draft, "the proxy answered 407: it wants a user "
                                     "name and a password, or other ones");
        return;
    }
    dlr_buf_printf(draft, "the server answered %d", (int)answer->http_status);
    if (answer->http_status < 400 && head->location[0] != '\0') {
        dlr_buf_printf(draft, " and points to %s (set host to the new address)",
                       head->location);
        return;
    }
    dlr_buf_init_fixed(&memory, storage, sizeof storage);
    reason = find_reason(dlr_buf_text(&answer->body), &memory);
    if (reason.len > MAX_EXCERPT) {
        reason.len = MAX_EXCERPT;
    }
    if (reason.len > 0) {
        dlr_buf_append_string(draft, ": ");
        dlr_buf_append_text(draft, reason);
    }
}

/* Overwrites each occurrence of a secret with stars, also one that the end of
 * the draft cuts short. */
static void blot_out(struct dlr_buf *draft, const char *secret)
{
    size_t len = secret == NULL ? 0 : strlen(secret);

    for (size_t i = 0; len > 0 && i < draft->len; i++) {
        size_t rest = draft->len - i;
        size_t piece = rest < len ? rest : len;

        if ((piece == len || piece >= MIN_PIECE) &&
            memcmp(draft->ptr + i, secret, piece) == 0) {
            memset(draft->ptr + i, '*', piece);
            i += piece - 1;
        }
    }
}

void dlr_explain(struct dlr_answer *answer, const struct dlr_head *head,
                 const struct dlr_failure_facts *facts)
{
    char storage[DRAFT_CAP];
    struct dlr_buf draft;

    answer->message[0] = '\0';
    dlr_buf_init_fixed(&draft, storage, sizeof storage);
    if (answer->http_status == 0) {
        put_failure(&draft, (CURLcode)answer->system_code, facts);
    } else if (answer->http_status < 200 || answer->http_status > 299) {
        put_status(&draft, answer, head);
    } else if (answer->system_code != 0) {
        dlr_buf_printf(&draft, "the answer %d of the server broke off",
                       (int)answer->http_status);
        put_detail(&draft, facts);
    } else {
        return;
    }
    for (size_t i = 0; i < sizeof facts->secrets / sizeof facts->secrets[0];
         i++) {
        blot_out(&draft, facts->secrets[i]);
    }
    (void)dlr_escape_copy(dlr_buf_text(&draft), answer->message,
                          sizeof answer->message);
}
