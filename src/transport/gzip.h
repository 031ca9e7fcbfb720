/* SPDX-License-Identifier: MIT */
/*
 * Gzip: bodies made smaller, with a state that is set up once. When that is
 * worth it is left to the sender.
 */
#ifndef DLR_TRANSPORT_GZIP_H
#define DLR_TRANSPORT_GZIP_H

#include "base/buf.h"

#include <datalyr.h>

struct dlr_gzip; /* owned: dlr_gzip_free() */

/* DATALYR_OK or DATALYR_NOMEM. Takes about 270 KiB. */
datalyr_status dlr_gzip_new(struct dlr_gzip **out);

/* Appends one gzip member that holds `len` bytes. DATALYR_OK; DATALYR_TOO_LARGE
 * when the result does not fit the ceiling of `out`; DATALYR_NOMEM. On failure
 * `out` is as it was. */
datalyr_status dlr_gzip_pack(struct dlr_gzip *gzip, const char *bytes,
                             size_t len, struct dlr_buf *out);

/* @param gzip taken: NULL after it; NULL is accepted */
void dlr_gzip_free(struct dlr_gzip **gzip);

#endif
