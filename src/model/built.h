/* SPDX-License-Identifier: MIT */
/*
 * Built: what a builder holds, for those who copy it. Filling one is the
 * business of model/builder.c, its public calls are in <datalyr.h>.
 */
#ifndef DLR_MODEL_BUILT_H
#define DLR_MODEL_BUILT_H

#include "base/buf.h"

#include <datalyr.h>

/* Levels that lists and objects may be nested, JSON texts in them included. */
#define DLR_VALUE_DEPTH 128

struct datalyr_builder {
    struct dlr_buf text; /* without the root's closing brace */
    datalyr_status status;
    const char *wrong; /* what the first failure was */
    size_t depth;      /* open levels below the root */
    bool is_list[DLR_VALUE_DEPTH];
};

/* The whole object, lent until the builder changes. NULL when it is sound,
 * else what is wrong with it, as the end of a sentence. */
const char *dlr_builder_text(const datalyr_builder *builder,
                             struct dlr_text *out);

#endif
