/* SPDX-License-Identifier: MIT */
/*
 * Request: what a handler asks of a request, and how its connection waits.
 */
#include "http/request.h"

#include "http/peers.h"

#include <microhttpd.h>

struct dlr_text dld_request_header(const struct dld_request *request,
                                   const char *name)
{
    return dlr_text_of(MHD_lookup_connection_value(request->connection,
                                                   MHD_HEADER_KIND, name));
}

struct dlr_text dld_request_cookie(const struct dld_request *request,
                                   const char *name)
{
    return dlr_text_of(MHD_lookup_connection_value(request->connection,
                                                   MHD_COOKIE_KIND, name));
}

bool dld_request_param(const struct dld_request *request, const char *name,
                       struct dlr_text *value)
{
    for (size_t i = 0; i < request->target.param_count; i++) {
        if (dlr_text_equals(request->target.params[i].name,
                            dlr_text_of(name))) {
            *value = request->target.params[i].value;
            return true;
        }
    }
    return false;
}

bool dld_request_is_from_loopback(const struct dld_request *request)
{
    return request->peer != NULL &&
           dld_address_is_loopback(&request->peer->address);
}

struct dld_address dld_request_peer(const struct dld_request *request)
{
    return request->peer == NULL ? (struct dld_address){0}
                                 : request->peer->address;
}

void dld_request_defer(struct dld_request *request)
{
    request->is_deferred = true;
    MHD_suspend_connection(request->connection);
}

void dld_request_resume(struct dld_request *request)
{
    struct MHD_Connection *connection = request->connection;

    /* What this thread wrote is seen by the one that answers; from here on the
     * request is its own. */
    atomic_store_explicit(&request->is_ready, true, memory_order_release);
    MHD_resume_connection(connection);
}

void dld_request_sleep(struct dld_request *request)
{
    MHD_suspend_connection(request->connection);
}

void dld_request_wake(struct dld_request *request)
{
    MHD_resume_connection(request->connection);
}
