/* SPDX-License-Identifier: MIT */
/*
 * Target: the path and query of a request line, taken apart.
 */
#ifndef DLD_HTTP_TARGET_H
#define DLD_HTTP_TARGET_H

#include "http/request.h"

/* Copies and decodes. Empty segments (doubled and trailing slashes) are left
 * out. What cannot be decoded is named in `fault`. */
void dld_target_read(struct dld_target *target, const char *uri);
void dld_target_clear(struct dld_target *target);

#endif
