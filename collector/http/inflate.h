/* SPDX-License-Identifier: MIT */
/*
 * Inflate: a gzip body, decoded while it arrives, against a limit.
 */
#ifndef DLD_HTTP_INFLATE_H
#define DLD_HTTP_INFLATE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum dld_inflate_result {
    DLD_INFLATE_OK,
    DLD_INFLATE_BROKEN,
    DLD_INFLATE_TOO_LARGE,
    DLD_INFLATE_NO_MEMORY,
};

/* All zero is idle. */
struct dld_inflate {
    void *stream;
    bool is_complete; /* the last member ended where the bytes end */
};

/* Decodes into `out`, whose ceiling is the limit. */
enum dld_inflate_result dld_inflate_add(struct dld_inflate *inflate,
                                        const char *bytes, size_t len,
                                        struct dlr_buf *out);
void dld_inflate_clear(struct dld_inflate *inflate);

#endif
