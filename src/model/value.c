/* SPDX-License-Identifier: MIT */
/*
 * Value: one property value as JSON.
 *
 * DESIGN
 * The values are the caller's compound literals, a few levels deep, so plain
 * recursion with a limit is the shortest correct walk. JSON texts inside are
 * walked by base/json_check.h, which needs no stack.
 */
#include "model/value.h"

#include "base/json_write.h"
#include "model/refuse.h"

#include <string.h>

#define PATH_CAP 96

static size_t depth_of(const struct dlr_path *path)
{
    size_t depth = 0;

    for (; path != NULL; path = path->parent) {
        depth++;
    }
    return depth;
}

/* Writes "properties.address.lines[2]". Parents first, hence the recursion;
 * its depth is that of the value. */
static void put_path(struct dlr_buf *out, const struct dlr_path *path)
{
    if (path->parent != NULL) {
        put_path(out, path->parent);
    }
    if (path->name == NULL) {
        dlr_buf_printf(out, "[%zu]", path->index);
        return;
    }
    if (path->parent != NULL) {
        dlr_buf_append_char(out, '.');
    }
    dlr_buf_append_string(out, path->name);
}

static datalyr_status refuse_at(datalyr_error *error,
                                const struct dlr_path *path, const char *why)
{
    char storage[PATH_CAP];
    struct dlr_buf name;

    if (error == NULL) {
        return DATALYR_INVALID;
    }
    dlr_buf_init_fixed(&name, storage, sizeof storage);
    put_path(&name, path);
    return dlr_refuse(error, "%.*s%s %s", (int)name.len, storage,
                      name.failed ? "..." : "", why);
}

/* The writers say false for two reasons; the buffer knows which it was. */
static datalyr_status explain(const struct dlr_buf *out, datalyr_error *error,
                              const struct dlr_path *path, const char *why)
{
    return out->failed ? DATALYR_NOMEM : refuse_at(error, path, why);
}

datalyr_status dlr_value_put_json(struct dlr_buf *out,
                                  const datalyr_value *value,
                                  const struct dlr_path *path,
                                  const struct dlr_json_listener *listener,
                                  datalyr_error *error)
{
    size_t left = DLR_VALUE_DEPTH - depth_of(path);
    struct dlr_json_error wrong = {0};
    char why[128];
    struct dlr_buf sentence;

    if (value->as.text == NULL) {
        return refuse_at(error, path, "is a JSON text that is NULL");
    }
    if (dlr_json_compact_members(dlr_text_n(value->as.text, value->count), left,
                                 listener, out, &wrong)) {
        return DATALYR_OK;
    }
    dlr_buf_init_fixed(&sentence, why, sizeof why);
    dlr_buf_printf(&sentence, "is not valid JSON: %s at byte %zu",
                   wrong.message == NULL ? "malformed" : wrong.message,
                   wrong.position);
    (void)dlr_buf_terminate(&sentence);
    return explain(out, error, path, why);
}

static datalyr_status put_list(struct dlr_buf *out, const datalyr_value *value,
                               const struct dlr_path *path,
                               datalyr_error *error)
{
    struct dlr_path place = {path, NULL, 0};

    dlr_buf_append_char(out, '[');
    for (; place.index < value->count; place.index++) {
        datalyr_status status;

        if (place.index > 0) {
            dlr_buf_append_char(out, ',');
        }
        status =
            dlr_value_put(out, &value->as.items[place.index], &place, error);
        if (status != DATALYR_OK) {
            return status;
        }
    }
    dlr_buf_append_char(out, ']');
    return out->failed ? DATALYR_NOMEM : DATALYR_OK;
}

static datalyr_status put_object(struct dlr_buf *out,
                                 const datalyr_value *value,
                                 const struct dlr_path *path,
                                 datalyr_error *error)
{
    dlr_buf_append_char(out, '{');
    for (size_t i = 0; i < value->count; i++) {
        datalyr_status status;

        if (i > 0) {
            dlr_buf_append_char(out, ',');
        }
        status = dlr_member_put(out, &value->as.members[i], path, error);
        if (status != DATALYR_OK) {
            return status;
        }
    }
    dlr_buf_append_char(out, '}');
    return out->failed ? DATALYR_NOMEM : DATALYR_OK;
}

static datalyr_status put_built(struct dlr_buf *out, const datalyr_value *value,
                                const struct dlr_path *path,
                                datalyr_error *error)
{
    struct dlr_text text;
    const char *why = dlr_builder_text(value->as.builder, &text);

    if (why == NULL && text.ptr == out->ptr) {
        why = "is a builder inside itself"; /* which grows while it is read */
    }
    if (why != NULL) {
        return refuse_at(error, path, why);
    }
    return dlr_json_put_raw(out, text.ptr, text.len) ? DATALYR_OK
                                                     : DATALYR_NOMEM;
}

static datalyr_status put_scalar(struct dlr_buf *out,
                                 const datalyr_value *value,
                                 const struct dlr_path *path,
                                 datalyr_error *error)
{
    switch ((datalyr_kind)value->kind) {
    case DATALYR_KIND_NULL:
        return dlr_json_put_null(out) ? DATALYR_OK : DATALYR_NOMEM;
    case DATALYR_KIND_BOOLEAN:
        return dlr_json_put_bool(out, value->as.integer != 0) ? DATALYR_OK
                                                              : DATALYR_NOMEM;
    case DATALYR_KIND_INTEGER:
        return dlr_json_put_int64(out, value->as.integer) ? DATALYR_OK
                                                          : DATALYR_NOMEM;
    case DATALYR_KIND_UNSIGNED:
        return dlr_json_put_uint64(out, value->as.unsigned_integer)
                   ? DATALYR_OK
                   : DATALYR_NOMEM;
    case DATALYR_KIND_NUMBER:
        return dlr_json_put_double(out, value->as.number)
                   ? DATALYR_OK
                   : explain(out, error, path,
                             "is NaN or infinite, which JSON cannot hold");
    case DATALYR_KIND_TEXT:
        return dlr_json_put_text(out, value->as.text, value->count)
                   ? DATALYR_OK
                   : explain(out, error, path, "is not valid UTF-8");
    case DATALYR_KIND_NONE:
    case DATALYR_KIND_LIST:
    case DATALYR_KIND_OBJECT:
    case DATALYR_KIND_JSON:
    case DATALYR_KIND_BUILDER:
        break;
    }
    return refuse_at(error, path, "is no property value");
}

datalyr_status dlr_value_put(struct dlr_buf *out, const datalyr_value *value,
                             const struct dlr_path *path, datalyr_error *error)
{
    bool is_nesting = value->kind == DATALYR_KIND_LIST ||
                      value->kind == DATALYR_KIND_OBJECT ||
                      value->kind == DATALYR_KIND_JSON ||
                      value->kind == DATALYR_KIND_BUILDER;

    if (!is_nesting) {
        return put_scalar(out, value, path, error);
    }
    if (depth_of(path) >= DLR_VALUE_DEPTH) {
        return refuse_at(error, path, "is nested too deeply");
    }
    if (value->count > 0 && value->as.items == NULL) {
        return refuse_at(error, path, "has a count but no contents");
    }
    if (value->kind == DATALYR_KIND_LIST) {
        return put_list(out, value, path, error);
    }
    if (value->kind == DATALYR_KIND_OBJECT) {
        return put_object(out, value, path, error);
    }
    return value->kind == DATALYR_KIND_JSON
               ? dlr_value_put_json(out, value, path, NULL, error)
               : put_built(out, value, path, error);
}

datalyr_status dlr_member_put(struct dlr_buf *out, const datalyr_member *member,
                              const struct dlr_path *parent,
                              datalyr_error *error)
{
    struct dlr_path place = {parent, member->name, 0};

    if (member->name == NULL) {
        return refuse_at(error, parent, "has a member without a name");
    }
    if (!dlr_json_put_key(out, member->name, strlen(member->name))) {
        return explain(out, error, &place,
                       "has a name that is not valid UTF-8");
    }
    return dlr_value_put(out, &member->value, &place, error);
}
