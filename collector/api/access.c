/* SPDX-License-Identifier: MIT */
/*
 * Access: a loopback address is no proof of a friend.
 *
 * DESIGN
 * A browser can be made to ask a port of its own machine: by a page that knows
 * the port (the answer stays unreadable without CORS, a write would not), and
 * by a name that is rebound to 127.0.0.1 (then Host is the foreign name). A
 * proxy on this machine makes the world's requests look local; it says so in a
 * header. So all three have to agree before nobody is asked for a key.
 */
#include "api/access.h"

#include "base/host.h"

#include <string.h>

struct dlr_text dld_access_key(const struct dld_request *request)
{
    struct dlr_text key = dld_request_header(request, "X-API-Key");

    if (key.len == 0) {
        key = dld_request_header(request, "X-Datalyr-API-Key");
    }
    if (key.len == 0) {
        key = dld_request_header(request, "Authorization");
        if (key.len > 7 && dlr_text_equals_nocase(dlr_text_n(key.ptr, 7),
                                                  DLR_TEXT("Bearer "))) {
            key = dlr_text_n(key.ptr + 7, key.len - 7);
        } else {
            key = (struct dlr_text){0};
        }
    }
    return dlr_text_trim(key);
}

struct dlr_text dld_access_read_key(const struct dld_request *request)
{
    struct dlr_text key = dld_access_key(request);

    return key.len > 0
               ? key
               : dlr_text_trim(dld_request_cookie(request, DLD_ACCESS_COOKIE));
}

/* ------------------------------------------------------------------- proxies */

static bool is_from_proxy(const struct dld_networks *proxies,
                          const struct dld_request *request)
{
    struct dld_address peer = dld_request_peer(request);

    return dld_networks_have(proxies, &peer);
}

/* Takes the last part of a list with commas off its end. */
static struct dlr_text take_last(struct dlr_text *list)
{
    size_t at = list->len;
    struct dlr_text last;

    while (at > 0 && list->ptr[at - 1] != ',') {
        at--;
    }
    last = dlr_text_n(list->ptr + at, list->len - at);
    list->len = at > 0 ? at - 1 : 0;
    return dlr_text_trim(last);
}

/* What a trusted proxy says in a header: its own word is the last. */
static struct dlr_text said_by_proxy(const struct dld_networks *proxies,
                                     const struct dld_request *request,
                                     const char *name)
{
    struct dlr_text list = dld_request_header(request, name);

    return list.len > 0 && is_from_proxy(proxies, request)
               ? take_last(&list)
               : (struct dlr_text){0};
}

struct dld_address dld_access_client(const struct dld_networks *proxies,
                                     const struct dld_request *request)
{
    struct dlr_text list = dld_request_header(request, "X-Forwarded-For");
    struct dld_address client = dld_request_peer(request);
    struct dld_address before;

    while (list.len > 0 && dld_networks_have(proxies, &client) &&
           dld_address_read(take_last(&list), &before)) {
        client = before;
    }
    return client;
}

bool dld_access_is_secure(const struct dld_networks *proxies,
                          const struct dld_request *request, bool is_tls)
{
    return is_tls || dlr_text_equals_nocase(
                         said_by_proxy(proxies, request, "X-Forwarded-Proto"),
                         DLR_TEXT("https"));
}

/* ------------------------------------------------------------------ loopback */

static bool is_port(struct dlr_text text)
{
    if (text.len == 0) {
        return true;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.ptr[0] == ':' && text.len <= 6;
}

static bool is_loopback_host(struct dlr_text host)
{
    struct dlr_text name = host;
    const char *colon;

    if (dlr_text_starts_with(host, DLR_TEXT("[::1]"))) {
        return is_port(dlr_text_n(host.ptr + 5, host.len - 5));
    }
    colon = host.len == 0 ? NULL : memchr(host.ptr, ':', host.len);
    if (colon != NULL) {
        name.len = (size_t)(colon - host.ptr);
        if (!is_port(dlr_text_n(colon, host.len - name.len))) {
            return false;
        }
    }
    return dlr_text_equals_nocase(name, DLR_TEXT("localhost")) ||
           dlr_host_is_loopback_ipv4(name);
}

static bool is_forwarded(const struct dld_request *request)
{
    static const char *const names[] = {
        "Forwarded",         "Via",
        "X-Forwarded-For",   "X-Forwarded-Host",
        "X-Forwarded-Proto", "X-Forwarded-Server",
        "X-Real-IP",         "X-Client-IP",
        "True-Client-IP",    "CF-Connecting-IP",
        "Fly-Client-IP",     "X-Cluster-Client-IP",
        "X-Original-Host",   "X-Envoy-External-Address",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (dld_request_header(request, names[i]).ptr != NULL) {
            return true;
        }
    }
    return false;
}

bool dld_access_is_own_origin(const struct dld_networks *proxies,
                              const struct dld_request *request)
{
    struct dlr_text origin = dld_request_header(request, "Origin");
    struct dlr_text site = dld_request_header(request, "Sec-Fetch-Site");
    struct dlr_text host = said_by_proxy(proxies, request, "X-Forwarded-Host");
    size_t skip;

    if (host.len == 0) {
        host = dld_request_header(request, "Host");
    }
    if (site.len > 0 && !dlr_text_equals(site, DLR_TEXT("same-origin")) &&
        !dlr_text_equals(site, DLR_TEXT("none"))) {
        return false;
    }
    if (origin.len == 0) {
        return true;
    }
    skip = dlr_text_starts_with(origin, DLR_TEXT("https://"))  ? 8
           : dlr_text_starts_with(origin, DLR_TEXT("http://")) ? 7
                                                               : origin.len;
    return host.len > 0 &&
           dlr_text_equals_nocase(
               dlr_text_n(origin.ptr + skip, origin.len - skip), host);
}

bool dld_access_is_local(const struct dld_request *request)
{
    return dld_request_is_from_loopback(request) &&
           is_loopback_host(dld_request_header(request, "Host")) &&
           !is_forwarded(request);
}
