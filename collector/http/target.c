/* SPDX-License-Identifier: MIT */
/*
 * Target: decoded piece by piece, with lengths.
 *
 * DESIGN
 * Splitting comes before decoding: an encoded slash belongs to its segment and
 * an encoded NUL ends nothing. A path that a proxy in front of us could read
 * differently (dots as segments, broken escapes, control characters) is
 * refused instead of being repaired.
 */
#include "http/target.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place; the text only becomes shorter. */
static bool decode(char *ptr, size_t len, bool is_plus_space, size_t *out_len)
{
    size_t to = 0;

    for (size_t from = 0; from < len; from++) {
        char c = ptr[from];

        if (c == '%') {
            int high = from + 2 < len ? hex_value(ptr[from + 1]) : -1;
            int low = from + 2 < len ? hex_value(ptr[from + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            from += 2;
        } else if (c == '+' && is_plus_space) {
            c = ' ';
        }
        ptr[to++] = c;
    }
    *out_len = to;
    return true;
}

static bool take_piece(char *ptr, size_t len, bool is_plus_space,
                       struct dlr_text *out, struct dld_target *target)
{
    size_t decoded;

    if (!decode(ptr, len, is_plus_space, &decoded)) {
        target->fault = "the address holds a broken % escape";
        return false;
    }
    if (!dlr_utf8_is_valid(ptr, decoded)) {
        target->fault = "the address is not UTF-8";
        return false;
    }
    *out = dlr_text_n(ptr, decoded);
    return true;
}

static bool is_dots(struct dlr_text text)
{
    return dlr_text_equals(text, DLR_TEXT(".")) ||
           dlr_text_equals(text, DLR_TEXT(".."));
}

static void read_path(struct dld_target *target, char *ptr, char *end)
{
    while (ptr < end && target->fault == NULL) {
        char *slash = memchr(ptr, '/', (size_t)(end - ptr));
        char *stop = slash == NULL ? end : slash;
        struct dlr_text segment;

        if (stop > ptr) {
            if (target->segment_count == DLD_SEGMENTS_MAX) {
                target->fault = "the path has too many parts";
                return;
            }
            if (!take_piece(ptr, (size_t)(stop - ptr), false, &segment,
                            target)) {
                return;
            }
            if (is_dots(segment)) {
                target->fault = "the path holds a dot segment";
                return;
            }
            target->segments[target->segment_count++] = segment;
        }
        ptr = stop + 1;
    }
}

static bool read_param(struct dld_target *target, char *ptr, char *end)
{
    char *equals = memchr(ptr, '=', (size_t)(end - ptr));
    struct dld_param *param = &target->params[target->param_count];
    char *name_end = equals == NULL ? end : equals;

    if (target->param_count == DLD_PARAMS_MAX) {
        target->fault = "the query has too many parameters";
        return false;
    }
    *param = (struct dld_param){0};
    if (!take_piece(ptr, (size_t)(name_end - ptr), true, &param->name,
                    target)) {
        return false;
    }
    if (equals != NULL && !take_piece(equals + 1, (size_t)(end - equals - 1),
                                      true, &param->value, target)) {
        return false;
    }
    target->param_count++;
    return true;
}

static void read_query(struct dld_target *target, char *ptr, char *end)
{
    bool is_good = true;

    while (ptr < end && is_good) {
        char *ampersand = memchr(ptr, '&', (size_t)(end - ptr));
        char *stop = ampersand == NULL ? end : ampersand;

        if (stop > ptr) {
            is_good = read_param(target, ptr, stop);
        }
        ptr = stop + 1;
    }
}

/* Control characters and spaces are no part of a request line's target; a
 * server in front of us may have cut it elsewhere. */
static bool has_foreign_bytes(const char *uri)
{
    for (; *uri != '\0'; uri++) {
        if ((unsigned char)*uri <= ' ' || *uri == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The path of an absolute form (GET http://host/path), as proxies send it. */
static const char *skip_authority(const char *uri)
{
    const char *scheme = strstr(uri, "://");
    const char *path;

    if (uri[0] == '/' || scheme == NULL) {
        return uri;
    }
    path = strchr(scheme + 3, '/');
    return path == NULL ? "/" : path;
}

void dld_target_read(struct dld_target *target, const char *uri)
{
    const char *start = skip_authority(uri);
    size_t len = strlen(start);
    char *query;
    char *path_end;

    *target = (struct dld_target){0};
    target->copy = dlr_mem_dup(start, len);
    target->raw = dlr_mem_dup(start, len);
    if (target->copy == NULL || target->raw == NULL) {
        target->fault = "out of memory";
        return;
    }
    if (has_foreign_bytes(uri)) {
        target->fault = "the address holds a control character";
        return;
    }
    query = strchr(target->copy, '?');
    path_end = query == NULL ? target->copy + len : query;
    read_path(target, target->copy, path_end);
    if (query != NULL && target->fault == NULL) {
        read_query(target, query + 1, target->copy + len);
    }
}

void dld_target_clear(struct dld_target *target)
{
    dlr_free(target->copy);
    dlr_free(target->raw);
    *target = (struct dld_target){0};
}
