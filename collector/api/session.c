/* SPDX-License-Identifier: MIT */
/*
 * Session: the page's way to a read key. A browser cannot send a header with a
 * stream of events, and an address with a key in it ends up in logs; so the key
 * is sent once, in a body, and comes back as a cookie that no script can read
 * and no other site can use. The cookie opens reading, never more.
 */
#include "api/access.h"
#include "api/api.h"
#include "base/json_check.h"
#include "base/json_read.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define KEY_MAX    200
#define BODY_DEPTH 8

/* A cookie ends at a space, comma or semicolon. */
static bool fits_cookie(struct dlr_text key)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char byte = (unsigned char)key.ptr[i];

        if (byte <= ' ' || byte >= 127 || strchr("\",;\\", byte) != NULL) {
            return false;
        }
    }
    return key.len > 0 && key.len <= KEY_MAX;
}

static bool read_key(const struct dld_request *request, struct dlr_buf *out)
{
    struct dlr_text body = dlr_buf_text(&request->body);
    struct dlr_json_error error;

    return dlr_json_check(body, BODY_DEPTH, &error) &&
           dlr_json_decode(dlr_json_get(dlr_json_root(body), DLR_TEXT("key")),
                           out);
}

static void put_cookie(struct dld_work *work, struct dlr_text key)
{
    bool is_secure = dld_access_is_secure(
        &work->api->options.proxies, work->request,
        dlr_text_starts_with(work->api->options.address, DLR_TEXT("https:")));

    dld_reply_header(
        work->request, "Set-Cookie",
        DLD_ACCESS_COOKIE "=%.*s; Path=/; HttpOnly; SameSite=Strict%s%s",
        (int)key.len, key.len == 0 ? "" : key.ptr,
        key.len == 0 ? "; Max-Age=0" : "", is_secure ? "; Secure" : "");
    dld_reply_header(work->request, "Cache-Control", "no-store");
}

void dld_api_log_in(struct dld_work *work)
{
    struct dld_request *request = work->request;
    char storage[KEY_MAX + 1];
    struct dlr_buf key;

    dlr_buf_init_fixed(&key, storage, sizeof storage);
    if (!read_key(request, &key) || !fits_cookie(dlr_buf_text(&key))) {
        dld_reply_error(request, 400, "the body has no key",
                        "send {\"key\":\"dk_...\"}", "key");
        return;
    }
    if (!dld_keys_find(work->api->options.keys, dlr_buf_text(&key),
                       &work->workspace, &work->roles) ||
        (work->roles & (DLD_ROLE_READ | DLD_ROLE_ADMIN)) == 0) {
        atomic_fetch_add(&work->api->counts.unauthorised, 1);
        dld_reply_error(request, 401, "the key is no read key",
                        "datalyrd key add --role read makes one", "key");
        return;
    }
    dld_reply_constant(request, 200, "application/json", "{\"success\":true}",
                       16);
    put_cookie(work, dlr_buf_text(&key));
}

void dld_api_log_out(struct dld_work *work)
{
    dld_reply_constant(work->request, 200, "application/json",
                       "{\"success\":true}", 16);
    put_cookie(work, (struct dlr_text){0});
}
