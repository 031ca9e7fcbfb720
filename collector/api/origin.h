/* SPDX-License-Identifier: MIT */
/*
 * Origin: which web pages may send events, and the headers that tell their
 * browsers so. Reading has none of this: no page but ours may read.
 */
#ifndef DLD_API_ORIGIN_H
#define DLD_API_ORIGIN_H

#include "http/request.h"

/* Origins that may send; "*" is any. Lent. */
struct dld_origins {
    const char *const *items;
    size_t count;
};

enum dld_origin_answer {
    DLD_ORIGIN_NONE, /* no browser, or one that does not say */
    DLD_ORIGIN_ALLOWED,
    DLD_ORIGIN_FOREIGN,
};

enum dld_origin_answer dld_origin_check(const struct dld_origins *origins,
                                        const struct dld_request *request);

/* Adds the headers for an allowed origin; call when the reply is made. */
void dld_origin_add_headers(const struct dld_origins *origins,
                            struct dld_request *request);

/* Answers OPTIONS. */
void dld_origin_preflight(const struct dld_origins *origins,
                          struct dld_request *request);

#endif
