/* SPDX-License-Identifier: MIT */
/*
 * Side: requests that the vendor's browser and mobile SDKs make beside events.
 */
#ifndef DLD_API_SIDE_H
#define DLD_API_SIDE_H

#include "http/request.h"

#include <stdbool.h>

/* True if the request is one of them; `*body` is what to answer it. */
bool dld_side_find(const struct dld_request *request, struct dlr_text *body);

#endif
