/* SPDX-License-Identifier: MIT */
/*
 * Builder: an object made member by member, kept as the JSON text it becomes.
 * The public calls are in <datalyr.h>.
 */
#ifndef DLR_MODEL_BUILDER_H
#define DLR_MODEL_BUILDER_H

#include "base/text.h"

#include <datalyr.h>

/* The whole object, lent until the builder changes. NULL when it is sound,
 * else what is wrong with it, as the end of a sentence. */
const char *dlr_builder_text(const datalyr_builder *builder,
                             struct dlr_text *out);

#endif
