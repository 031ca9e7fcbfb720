/* SPDX-License-Identifier: MIT */
/* Host: what the name of a host tells without asking a resolver. */
#ifndef DLR_BASE_HOST_H
#define DLR_BASE_HOST_H

#include "base/text.h"

#include <stdbool.h>

/* localhost, *.localhost, 127.0.0.0/8 in its usual form, ::1. With or without
 * the brackets that an IPv6 address has in a URL. */
bool dlr_host_is_loopback(struct dlr_text host);

/* Of these 127.0.0.0/8 alone: four numbers, the first of them 127. */
bool dlr_host_is_loopback_ipv4(struct dlr_text host);

#endif
