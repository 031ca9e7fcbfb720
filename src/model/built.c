/* SPDX-License-Identifier: MIT */
/*
 * Built: reads a builder. It stands below both the builder, which writes values,
 * and the values, one of which may be a builder.
 */
#include "model/built.h"

const char *dlr_builder_text(const datalyr_builder *builder,
                             struct dlr_text *out)
{
    if (builder == NULL) {
        return "is a builder that is NULL";
    }
    if (builder->status != DATALYR_OK) {
        return builder->wrong;
    }
    if (builder->depth > 0) {
        return "is a builder with a level still open";
    }
    /* Additions reserve this byte; it is behind the text and changes nothing
     * that a later addition would see. */
    builder->text.ptr[builder->text.len] = '}';
    *out = dlr_text_n(builder->text.ptr, builder->text.len + 1);
    return NULL;
}
