/* SPDX-License-Identifier: MIT */
/*
 * URL: reads an address with libcurl's own parser, so that what is checked here
 * is what is connected to there.
 *
 * DESIGN
 * libcurl's parser writes the many spellings of an IPv4 address (127.1,
 * 0x7f000001) in their usual form, in which loopback is known (base/host.h).
 */
#include "transport/url.h"

#include "base/escape.h"
#include "base/host.h"
#include "base/number.h"
#include "base/text.h"

#include <curl/curl.h>
#include <stdio.h>

#define SHOWN_CAP 120

/* Without the brackets that an IPv6 address has in a URL. */
static bool keep_host(struct dlr_text host, struct dlr_url *url)
{
    if (host.len >= 2 && host.ptr[0] == '[') {
        host = dlr_text_n(host.ptr + 1, host.len - 2);
    }
    if (host.len == 0 || host.len >= sizeof url->host) {
        return false;
    }
    memcpy(url->host, host.ptr, host.len);
    url->host[host.len] = '\0';
    url->is_loopback = dlr_host_is_loopback(host);
    return true;
}

static bool keep_port(struct dlr_text port, struct dlr_url *url)
{
    uint64_t number = 0;

    if (!dlr_number_read_uint64(port.ptr, port.len, &number) || number == 0 ||
        number > UINT16_MAX) {
        return false;
    }
    url->port = (uint16_t)number;
    return true;
}

static bool keep_scheme(struct dlr_text scheme, struct dlr_url *url)
{
    url->is_https = dlr_text_equals_nocase(scheme, DLR_TEXT("https"));
    return url->is_https || dlr_text_equals_nocase(scheme, DLR_TEXT("http"));
}

/* Takes one part of the URL apart; false if it is missing or not usable. */
static bool read_part(CURLU *parser, CURLUPart part, struct dlr_url *url,
                      bool (*keep)(struct dlr_text, struct dlr_url *))
{
    char *text = NULL;
    bool is_good;

    if (curl_url_get(parser, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return false;
    }
    is_good = keep(dlr_text_of(text), url);
    curl_free(text);
    return is_good;
}

static bool has_blank(struct dlr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ') {
            return true;
        }
    }
    return false;
}

static const char *find_fault(CURLU *parser, const char *text,
                              struct dlr_url *url)
{
    /* libcurl would take http:/host too. */
    if (has_blank(dlr_text_of(text)) || strstr(text, "://") == NULL ||
        curl_url_set(parser, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) !=
            CURLUE_OK) {
        return "is not a URL such as https://ingest.datalyr.com/track";
    }
    if (!read_part(parser, CURLUPART_SCHEME, url, keep_scheme)) {
        return "begins with neither http:// nor https://";
    }
    if (!read_part(parser, CURLUPART_HOST, url, keep_host)) {
        return "names no host";
    }
    if (!read_part(parser, CURLUPART_PORT, url, keep_port)) {
        return "has a port that cannot be used";
    }
    return NULL;
}

/* A URL may hold a password before its '@'. */
static struct dlr_text without_secret(const char *text)
{
    const char *at = strrchr(text, '@');

    return dlr_text_of(at == NULL ? text : at + 1);
}

static void tell(datalyr_error *error, const char *text, const char *fault)
{
    char shown[SHOWN_CAP];

    if (error == NULL) {
        return;
    }
    (void)dlr_escape_copy(without_secret(text), shown, sizeof shown);
    error->status = DATALYR_INVALID;
    error->system_code = 0;
    (void)snprintf(error->message, sizeof error->message, "host \"%s\" %s",
                   shown, fault);
}

datalyr_status dlr_url_read(const char *text, struct dlr_url *url,
                            datalyr_error *error)
{
    CURLU *parser = curl_url();
    const char *fault;

    *url = (struct dlr_url){0};
    if (parser == NULL) {
        return DATALYR_NOMEM;
    }
    fault = find_fault(parser, text, url);
    curl_url_cleanup(parser);
    if (fault == NULL) {
        return DATALYR_OK;
    }
    tell(error, text, fault);
    *url = (struct dlr_url){0};
    return DATALYR_INVALID;
}
