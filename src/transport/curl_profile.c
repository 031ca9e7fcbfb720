/* SPDX-License-Identifier: MIT */
/*
 * Curl profile: the settings of a transport, checked as far as that is possible
 * without the network, so that a typing error shows when the client is opened
 * and not as events that never arrive.
 *
 * DESIGN
 * Certificate files are only looked at, not read: libcurl reads them for each
 * connection, so that renewed ones are used without a restart.
 */
#include "transport/curl_handle.h"

#include "base/escape.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define SHOWN_CAP 120

/* Not const: struct curl_slist has no const pointer. Nobody writes to them. */
static char content_type_line[] = "Content-Type: application/json";
static char content_encoding_line[] = "Content-Encoding: gzip";
static char no_expect_line[] = "Expect:";
static char no_accept_line[] = "Accept:";

/* `value` is shown; NULL where it is missing or must not be. */
static datalyr_status refuse(datalyr_error *error, const char *name,
                             const char *value, const char *fault)
{
    char shown[SHOWN_CAP];

    if (error == NULL) {
        return DATALYR_INVALID;
    }
    error->status = DATALYR_INVALID;
    error->system_code = 0;
    if (value == NULL) {
        (void)snprintf(error->message, sizeof error->message, "%s %s", name,
                       fault);
    } else {
        (void)dlr_escape_copy(dlr_text_of(value), shown, sizeof shown);
        (void)snprintf(error->message, sizeof error->message, "%s \"%s\" %s",
                       name, shown, fault);
    }
    return DATALYR_INVALID;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static datalyr_status copy_text(const char *text, char **out)
{
    if (!is_set(text)) {
        return DATALYR_OK;
    }
    *out = dlr_mem_dup(text, strlen(text));
    return *out == NULL ? DATALYR_NOMEM : DATALYR_OK;
}

static datalyr_status copy_file(const char *name, const char *path, char **out,
                                datalyr_error *error)
{
    if (is_set(path) && access(path, R_OK) != 0) {
        return refuse(error, name, path,
                      errno == ENOENT ? "does not exist" : "cannot be read");
    }
    return copy_text(path, out);
}

static datalyr_status copy_files(struct dlr_curl_profile *profile,
                                 const struct dlr_curl_settings *settings,
                                 datalyr_error *error)
{
    datalyr_status status =
        copy_file("ca_file", settings->ca_file, &profile->ca_file, error);

    if (status == DATALYR_OK) {
        status = copy_file("client_cert", settings->client_cert,
                           &profile->client_cert, error);
    }
    if (status == DATALYR_OK) {
        status = copy_file("client_key", settings->client_key,
                           &profile->client_key, error);
    }
    return status;
}

/* The password in a proxy's URL, so that it can be kept out of messages. */
static datalyr_status copy_password(CURLU *parser, char **out)
{
    char *password = NULL;
    datalyr_status status = DATALYR_OK;

    if (curl_url_get(parser, CURLUPART_PASSWORD, &password, CURLU_URLDECODE) ==
        CURLUE_OK) {
        status = copy_text(password, out);
    }
    curl_free(password);
    return status;
}

/* Neither the proxy's text nor a part of it is shown: it may hold a password
 * at any place, if it is misspelt. */
static datalyr_status copy_proxy(struct dlr_curl_profile *profile,
                                 const char *proxy, datalyr_error *error)
{
    CURLU *parser = curl_url();
    datalyr_status status = DATALYR_NOMEM;

    if (parser == NULL) {
        goto done;
    }
    if (curl_url_set(parser, CURLUPART_URL, proxy,
                     CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) !=
        CURLUE_OK) {
        status = refuse(error, "proxy", NULL,
                        "is not a URL such as http://proxy.example:3128");
        goto done;
    }
    status = copy_password(parser, &profile->proxy_password);
    if (status == DATALYR_OK) {
        status = copy_text(proxy, &profile->proxy);
    }
done:
    curl_url_cleanup(parser);
    return status;
}

/* A line end in the key would let it write header lines of its own. */
static bool is_header_value(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte < ' ' || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static datalyr_status copy_key(struct dlr_curl_profile *profile,
                               const char *key, datalyr_error *error)
{
    static const char name[] = "X-API-Key: ";
    size_t len;

    if (!is_set(key) || !is_header_value(key)) {
        return refuse(error, "api_key", NULL,
                      is_set(key) ? "has a control character in it"
                                  : "is missing");
    }
    len = strlen(key);
    profile->key = dlr_mem_dup(key, len);
    profile->key_line = dlr_malloc(sizeof name + len);
    if (profile->key == NULL || profile->key_line == NULL) {
        return DATALYR_NOMEM;
    }
    memcpy(profile->key_line, name, sizeof name - 1);
    memcpy(profile->key_line + sizeof name - 1, key, len + 1);
    return DATALYR_OK;
}

static void link_lines(struct dlr_curl_profile *profile)
{
    char *lines[] = {profile->key_line, content_type_line, no_expect_line,
                     no_accept_line};
    size_t count = sizeof lines / sizeof lines[0];

    for (size_t i = 0; i < count; i++) {
        profile->common[i].data = lines[i];
        profile->common[i].next =
            i + 1 < count ? &profile->common[i + 1] : NULL;
    }
    profile->gzip.data = content_encoding_line;
    profile->gzip.next = profile->common;
}

datalyr_status dlr_curl_profile_init(struct dlr_curl_profile *profile,
                                     const struct dlr_curl_settings *settings,
                                     datalyr_error *error)
{
    datalyr_status status;

    *profile = (struct dlr_curl_profile){0};
    if (!is_set(settings->url)) {
        return refuse(error, "host", NULL, "is missing");
    }
    status = dlr_url_read(settings->url, &profile->url, error);
    if (status == DATALYR_OK) {
        status = copy_text(settings->url, &profile->url_text);
    }
    if (status == DATALYR_OK) {
        status = copy_key(profile, settings->api_key, error);
    }
    if (status == DATALYR_OK && is_set(settings->proxy)) {
        status = copy_proxy(profile, settings->proxy, error);
    }
    if (status == DATALYR_OK) {
        status = copy_files(profile, settings, error);
    }
    link_lines(profile);
    return status;
}

void dlr_curl_profile_clear(struct dlr_curl_profile *profile)
{
    dlr_free(profile->url_text);
    dlr_free(profile->key);
    dlr_free(profile->key_line);
    dlr_free(profile->proxy);
    dlr_free(profile->proxy_password);
    dlr_free(profile->ca_file);
    dlr_free(profile->client_cert);
    dlr_free(profile->client_key);
    *profile = (struct dlr_curl_profile){0};
}
