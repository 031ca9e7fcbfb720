/* SPDX-License-Identifier: MIT */
/*
 * Builder: properties known only at run time.
 *
 * DESIGN
 * Members are encoded when they are added, so nothing of the caller's is kept
 * and recording the event is one copy.
 *
 * Every addition leaves room for the brackets that are still to come, so that
 * closing a level, and reading the whole, cannot fail.
 */
#include "base/json_check.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "model/built.h"
#include "model/value.h"

#include <string.h>

/* Far above any event that a queue would take, low enough that a loop gone
 * wrong ends in an error and not in swap. */
#define BUILDER_MAX_BYTES ((size_t)64 << 20)

static bool in_list(const datalyr_builder *builder)
{
    return builder->depth > 0 && builder->is_list[builder->depth - 1];
}

static datalyr_status fail(datalyr_builder *builder, datalyr_status status,
                           const char *wrong)
{
    if (builder->status == DATALYR_OK) {
        builder->status = status;
        builder->wrong = wrong;
    }
    return builder->status;
}

static void begin(datalyr_builder *builder)
{
    dlr_buf_rewind(&builder->text, 0);
    builder->status = DATALYR_OK;
    builder->wrong = NULL;
    builder->depth = 0;
    dlr_buf_append_char(&builder->text, '{');
    /* The root's closing brace always has a place: see dlr_builder_text(). */
    (void)dlr_buf_reserve(&builder->text, 1);
}

datalyr_builder *datalyr_builder_new(void)
{
    datalyr_builder *builder = dlr_calloc(1, sizeof *builder);

    if (builder == NULL) {
        return NULL;
    }
    dlr_buf_init(&builder->text, BUILDER_MAX_BYTES);
    begin(builder);
    if (builder->text.failed) {
        datalyr_builder_free(&builder);
    }
    return builder;
}

static void put_comma(datalyr_builder *builder)
{
    char last = builder->text.ptr[builder->text.len - 1];

    if (last != '{' && last != '[') {
        dlr_buf_append_char(&builder->text, ',');
    }
}

/* Writes what stands before a value: a comma, and in an object the name. */
static datalyr_status put_place(datalyr_builder *builder, const char *name)
{
    if (builder->status != DATALYR_OK) {
        return builder->status;
    }
    if (in_list(builder) != (name == NULL)) {
        return fail(builder, DATALYR_INVALID,
                    name == NULL ? "has a member without a name"
                                 : "has a named item in a list");
    }
    put_comma(builder);
    return DATALYR_OK;
}

/* Writes name and value. What nests must fit below the levels that are open:
 * builders in builders would have no end. */
static datalyr_status put_member(datalyr_builder *builder, const char *name,
                                 const datalyr_value *value)
{
    struct dlr_path place = {NULL, name, 0};
    struct dlr_text text;
    datalyr_status status;
    size_t start;

    if (name != NULL && !dlr_json_put_key(&builder->text, name, strlen(name))) {
        return DATALYR_INVALID;
    }
    start = builder->text.len;
    status = dlr_value_put(&builder->text, value, &place, NULL);
    if (status != DATALYR_OK || value->kind < DATALYR_KIND_LIST) {
        return status;
    }
    text = dlr_text_n(builder->text.ptr + start, builder->text.len - start);
    return dlr_json_check(text, DLR_VALUE_DEPTH - builder->depth, NULL)
               ? DATALYR_OK
               : DATALYR_INVALID;
}

datalyr_status datalyr_builder_add(datalyr_builder *builder, const char *name,
                                   datalyr_value value)
{
    size_t mark;
    datalyr_status status;

    if (builder == NULL) {
        return DATALYR_INVALID;
    }
    mark = builder->text.len;
    status = put_place(builder, name);
    if (status != DATALYR_OK) {
        return status;
    }
    status = put_member(builder, name, &value);
    if (status == DATALYR_OK &&
        dlr_buf_reserve(&builder->text, builder->depth + 2) != NULL) {
        return DATALYR_OK;
    }
    status = builder->text.failed ? DATALYR_NOMEM : status;
    dlr_buf_rewind(&builder->text, mark);
    return fail(builder, status,
                status == DATALYR_NOMEM ? "is a builder that ran out of memory"
                                        : "is a builder with a value that JSON "
                                          "cannot hold");
}

static datalyr_status open_level(datalyr_builder *builder, const char *name,
                                 bool is_list)
{
    datalyr_status status;

    if (builder == NULL) {
        return DATALYR_INVALID;
    }
    if (builder->depth >= DLR_VALUE_DEPTH) {
        return fail(builder, DATALYR_INVALID, "is nested too deeply");
    }
    status = datalyr_builder_add(builder, name,
                                 is_list ? datalyr_list(NULL, 0)
                                         : datalyr_object(NULL, 0));
    if (status != DATALYR_OK) {
        return status;
    }
    builder->text.len -= 1; /* takes the closing bracket back */
    builder->is_list[builder->depth] = is_list;
    builder->depth += 1;
    return DATALYR_OK;
}

datalyr_status datalyr_builder_open_object(datalyr_builder *builder,
                                           const char *name)
{
    return open_level(builder, name, false);
}

datalyr_status datalyr_builder_open_list(datalyr_builder *builder,
                                         const char *name)
{
    return open_level(builder, name, true);
}

datalyr_status datalyr_builder_close(datalyr_builder *builder)
{
    if (builder == NULL) {
        return DATALYR_INVALID;
    }
    if (builder->status != DATALYR_OK) {
        return builder->status;
    }
    if (builder->depth == 0) {
        return fail(builder, DATALYR_INVALID,
                    "is a builder that closed more than it opened");
    }
    dlr_buf_append_char(&builder->text, in_list(builder) ? ']' : '}');
    builder->depth -= 1;
    return DATALYR_OK;
}

void datalyr_builder_reset(datalyr_builder *builder)
{
    if (builder != NULL) {
        begin(builder);
    }
}

void datalyr_builder_free(datalyr_builder **builder)
{
    if (builder == NULL || *builder == NULL) {
        return;
    }
    dlr_buf_clear(&(*builder)->text);
    dlr_free(*builder);
    *builder = NULL;
}
