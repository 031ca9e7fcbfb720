/* SPDX-License-Identifier: MIT */
/*
 * Home: the page, with the headers that keep it to itself, and the description
 * of the API.
 */
#include "api/api.h"

#include "dld_openapi.h"
#include "page/page.h"

#define PAGE_MAX 65536

void dld_api_page(struct dld_work *work)
{
    struct dlr_buf body;

    dlr_buf_init(&body, PAGE_MAX);
    dld_page_write(&body, work->api->options.address);
    dld_reply_json(work->request, 200, &body);
    work->request->reply.content_type = "text/html; charset=utf-8";
    dld_reply_header(work->request, "Content-Security-Policy",
                     "default-src 'none'; base-uri 'none'; form-action 'none'; "
                     "frame-ancestors 'none'");
    dld_reply_header(work->request, "Referrer-Policy", "no-referrer");
}

void dld_api_openapi(struct dld_work *work)
{
    dld_reply_constant(work->request, 200, "application/json", dld_openapi,
                       dld_openapi_len);
}
