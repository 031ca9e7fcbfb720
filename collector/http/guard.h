/* SPDX-License-Identifier: MIT */
/*
 * Guard: heads that two servers could read in two ways are refused.
 */
#ifndef DLD_HTTP_GUARD_H
#define DLD_HTTP_GUARD_H

struct MHD_Connection;

/* What is wrong with the head as a constant sentence, or NULL. */
const char *dld_guard_head(struct MHD_Connection *connection);

#endif
