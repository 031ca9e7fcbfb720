/* SPDX-License-Identifier: MIT */
/*
 * Properties: merges three sources of members into one object, in this order:
 * the call's own (groupId), the caller's, the client's defaults, the call's
 * own again (anonymous_id).
 *
 * DESIGN
 * The usual event has members in a compound literal and nothing to leave out,
 * and is written straight through. So is a JSON text, compact; it is filtered
 * in place only if it has a member to leave out: what is kept never needs more
 * room than what was read.
 */
#include "model/properties.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "model/refuse.h"
#include "model/value.h"

#include <string.h>

/* Above any sensible set of defaults; they are copied into every event. */
#define DEFAULTS_MAX_BYTES ((size_t)64 << 10)

static bool is_listed(const datalyr_member *members, size_t count,
                      const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_own(const struct dlr_properties *properties, const char *name)
{
    return is_listed(properties->first, properties->first_count, name) ||
           is_listed(properties->last, properties->last_count, name);
}

/* The same for a name inside a JSON text, quotes and escapes included. */
static bool is_own_json(const struct dlr_properties *properties,
                        struct dlr_json_value name)
{
    for (size_t i = 0; i < properties->first_count; i++) {
        if (dlr_json_string_equals(name,
                                   dlr_text_of(properties->first[i].name))) {
            return true;
        }
    }
    for (size_t i = 0; i < properties->last_count; i++) {
        if (dlr_json_string_equals(name,
                                   dlr_text_of(properties->last[i].name))) {
            return true;
        }
    }
    return false;
}

/* A member never ends in an opening brace, so one there means "the first". */
static inline void put_comma(struct dlr_buf *out)
{
    if (!out->failed && out->ptr[out->len - 1] != '{') {
        dlr_buf_append_char(out, ',');
    }
}

static inline bool put_scalar(struct dlr_buf *out, const datalyr_value *value)
{
    if (value->kind == DATALYR_KIND_INTEGER) {
        return dlr_json_put_int64(out, value->as.integer);
    }
    if (value->kind == DATALYR_KIND_NUMBER) {
        return dlr_json_put_double(out, value->as.number);
    }
    return value->kind == DATALYR_KIND_BOOLEAN &&
           dlr_json_put_bool(out, value->as.integer != 0);
}

/* The usual members, which are plain texts and scalars, without the ways that
 * others need. False, with nothing written, where one of those is needed. */
static inline bool put_plain(struct dlr_buf *out, const datalyr_member *member)
{
    const datalyr_value *value = &member->value;
    size_t mark = out->len;

    if (value->kind < DATALYR_KIND_BOOLEAN || value->kind > DATALYR_KIND_TEXT ||
        member->name == NULL) {
        return false;
    }
    if (value->kind == DATALYR_KIND_TEXT) {
        return dlr_json_put_plain_pair(
            out, dlr_text_of(member->name),
            dlr_text_n(value->as.text, value->count));
    }
    if (dlr_json_put_plain_name(out, dlr_text_of(member->name)) &&
        put_scalar(out, value)) {
        return true;
    }
    out->len = mark; /* a failure stays noted */
    return false;
}

static datalyr_status put_members(struct dlr_buf *out,
                                  const datalyr_member *members, size_t count,
                                  const struct dlr_path *path,
                                  datalyr_error *error)
{
    for (size_t i = 0; i < count; i++) {
        datalyr_status status;

        put_comma(out);
        status = dlr_member_put(out, &members[i], path, error);
        if (status != DATALYR_OK) {
            return status;
        }
    }
    return DATALYR_OK;
}

static datalyr_status put_literal(struct dlr_buf *out,
                                  const struct dlr_properties *properties,
                                  const struct dlr_path *path,
                                  datalyr_error *error)
{
    const datalyr_value *given = &properties->given;
    bool has_own = properties->first_count + properties->last_count > 0;

    if (given->count > 0 && given->as.members == NULL) {
        return dlr_refuse(error, "%s has a count but no members",
                          properties->what);
    }
    for (size_t i = 0; i < given->count; i++) {
        const datalyr_member *member = &given->as.members[i];
        datalyr_status status;

        if (has_own && member->name != NULL &&
            is_own(properties, member->name)) {
            continue;
        }
        if (put_plain(out, member)) {
            continue;
        }
        put_comma(out);
        status = dlr_member_put(out, member, path, error);
        if (status != DATALYR_OK) {
            return status;
        }
    }
    return DATALYR_OK;
}

/* Whether a JSON text has a member that is the call's own to say. */
struct search {
    const struct dlr_properties *properties;
    bool has_own;
};

static void look(void *self, struct dlr_json_value name,
                 struct dlr_json_value value)
{
    struct search *search = self;

    (void)value;
    search->has_own |= is_own_json(search->properties, name);
}

/* Moves the members to keep of the object at `from` to `start`, which is `from`
 * or just behind its brace. Each member was preceded by a brace or a comma and
 * is written with at most a comma, so reading stays ahead. */
static void filter_in_place(struct dlr_buf *out, size_t from, size_t start,
                            const struct dlr_properties *properties)
{
    struct dlr_text object = {out->ptr + from, out->len - from};
    struct dlr_json_iter iter = dlr_json_iterate(dlr_json_root(object));
    struct dlr_json_value name;
    struct dlr_json_value value;

    out->len = start;
    while (dlr_json_next_member(&iter, &name, &value)) {
        size_t bytes =
            (size_t)(value.text.ptr + value.text.len - name.text.ptr);

        if (is_own_json(properties, name)) {
            continue;
        }
        if (out->ptr[out->len - 1] != '{') {
            out->ptr[out->len++] = ',';
        }
        memmove(out->ptr + out->len, name.text.ptr, bytes);
        out->len += bytes;
    }
}

/* Makes the object at `from` the end of the members before it. */
static void unwrap(struct dlr_buf *out, size_t from, size_t start)
{
    out->len -= 1; /* the closing brace comes later */
    if (from == start) {
        if (out->len == start + 1) {
            out->len = start; /* it was empty */
        } else {
            out->ptr[from] = ',';
        }
    }
}

/* A text that comes whole. Where nothing stands before it, its brace takes the
 * place of the one that is there. */
static datalyr_status put_text(struct dlr_buf *out,
                               const struct dlr_properties *properties,
                               const struct dlr_path *path,
                               datalyr_error *error)
{
    const datalyr_value *given = &properties->given;
    bool is_json = given->kind == DATALYR_KIND_JSON;
    bool has_own = properties->first_count + properties->last_count > 0;
    struct search search = {properties, has_own && !is_json};
    struct dlr_json_listener listener = {look, &search};
    size_t start = out->len;
    size_t from = properties->first_count == 0 ? start - 1 : start;
    datalyr_status status;

    if (out->failed) {
        return DATALYR_NOMEM; /* that brace is not there either */
    }
    out->len = from;
    status = is_json ? dlr_value_put_json(out, given, path,
                                          has_own ? &listener : NULL, error)
                     : dlr_value_put(out, given, path, error);
    if (status != DATALYR_OK) {
        return status;
    }
    if (out->ptr[from] != '{') {
        return dlr_refuse(error, "%s must be a JSON object", properties->what);
    }
    if (search.has_own) {
        filter_in_place(out, from, start, properties);
    } else {
        unwrap(out, from, start);
    }
    return DATALYR_OK;
}

static datalyr_status put_given(struct dlr_buf *out,
                                const struct dlr_properties *properties,
                                const struct dlr_path *path,
                                datalyr_error *error)
{
    switch ((datalyr_kind)properties->given.kind) {
    case DATALYR_KIND_NONE:
    case DATALYR_KIND_NULL:
        return DATALYR_OK;
    case DATALYR_KIND_OBJECT:
        return put_literal(out, properties, path, error);
    case DATALYR_KIND_JSON:
    case DATALYR_KIND_BUILDER:
        return put_text(out, properties, path, error);
    case DATALYR_KIND_BOOLEAN:
    case DATALYR_KIND_INTEGER:
    case DATALYR_KIND_UNSIGNED:
    case DATALYR_KIND_NUMBER:
    case DATALYR_KIND_TEXT:
    case DATALYR_KIND_LIST:
        break;
    }
    return dlr_refuse(error, "%s must be an object", properties->what);
}

static bool has_member(struct dlr_text members, struct dlr_json_value name)
{
    struct dlr_json_iter iter = {members.ptr, members.ptr + members.len};
    struct dlr_json_value other;
    struct dlr_json_value value;
    struct dlr_text plain;

    while (dlr_json_next_member(&iter, &other, &value)) {
        if (dlr_text_equals(other.text, name.text)) {
            return true;
        }
        /* The same name may be spelled with escapes on one side. */
        if (dlr_json_plain_text(other, &plain) &&
            dlr_json_string_equals(name, plain)) {
            return true;
        }
    }
    return false;
}

/* Writes the fallback unless a member written since `start` has its name. */
static datalyr_status put_fallback(struct dlr_buf *out, size_t start,
                                   const datalyr_member *fallback,
                                   const struct dlr_path *path,
                                   datalyr_error *error)
{
    struct dlr_text so_far = {out->ptr + start, out->len - start};
    struct dlr_json_iter iter = {so_far.ptr, so_far.ptr + so_far.len};
    struct dlr_json_value name;
    struct dlr_json_value value;

    while (!out->failed && dlr_json_next_member(&iter, &name, &value)) {
        if (dlr_json_string_equals(name, dlr_text_of(fallback->name))) {
            return DATALYR_OK;
        }
    }
    return put_members(out, fallback, 1, path, error);
}

static void put_defaults(struct dlr_buf *out, size_t start,
                         const struct dlr_properties *properties)
{
    struct dlr_text defaults = dlr_buf_text(&properties->defaults->text);
    struct dlr_json_iter iter = {defaults.ptr, defaults.ptr + defaults.len};
    struct dlr_json_value name;
    struct dlr_json_value value;

    while (dlr_json_next_member(&iter, &name, &value)) {
        struct dlr_text so_far = {out->ptr + start, out->len - start};
        size_t bytes =
            (size_t)(value.text.ptr + value.text.len - name.text.ptr);

        if (out->failed || has_member(so_far, name) ||
            is_own_json(properties, name)) {
            continue;
        }
        put_comma(out);
        dlr_buf_append(out, name.text.ptr, bytes);
    }
}

datalyr_status dlr_properties_put(struct dlr_buf *out,
                                  const struct dlr_properties *properties,
                                  datalyr_error *error)
{
    struct dlr_path path = {NULL, properties->what, 0};
    datalyr_status status;
    size_t start;

    dlr_buf_append_char(out, '{');
    start = out->len;
    status = put_members(out, properties->first, properties->first_count, &path,
                         error);
    if (status == DATALYR_OK) {
        status = put_given(out, properties, &path, error);
    }
    if (status == DATALYR_OK && properties->fallback != NULL) {
        status = put_fallback(out, start, properties->fallback, &path, error);
    }
    if (status == DATALYR_OK && properties->defaults != NULL &&
        properties->defaults->text.len > 0) {
        put_defaults(out, start, properties);
    }
    if (status == DATALYR_OK) {
        status = put_members(out, properties->last, properties->last_count,
                             &path, error);
    }
    dlr_buf_append_char(out, '}');
    return status == DATALYR_OK && out->failed ? DATALYR_NOMEM : status;
}

datalyr_status dlr_defaults_init(struct dlr_defaults *defaults,
                                 const datalyr_value *value,
                                 datalyr_error *error)
{
    struct dlr_properties properties = {.what = "default_properties",
                                        .given = *value};
    datalyr_status status;

    dlr_buf_init(&defaults->text, DEFAULTS_MAX_BYTES);
    status = dlr_properties_put(&defaults->text, &properties, error);
    if (status == DATALYR_NOMEM) {
        return dlr_refuse_as(error, DATALYR_NOMEM,
                             "default_properties need more than %zu bytes",
                             DEFAULTS_MAX_BYTES);
    }
    if (status == DATALYR_OK) {
        size_t inner = defaults->text.len - 2;

        memmove(defaults->text.ptr, defaults->text.ptr + 1, inner);
        defaults->text.len = inner;
    }
    return status;
}

void dlr_defaults_clear(struct dlr_defaults *defaults)
{
    dlr_buf_clear(&defaults->text);
}
