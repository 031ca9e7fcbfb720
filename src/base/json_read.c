/* SPDX-License-Identifier: MIT */
/*
 * JSON reading: finds where values begin and end, and decodes them.
 *
 * DESIGN
 * There is no tree and no state but a place in the text. Asking for a member
 * walks over those before it; the texts we read so (an event, a server's
 * answer) have a dozen members and are read once. Arrays and objects are
 * stepped over by counting brackets outside of strings, without recursion.
 */
#include "base/json_read.h"

#include "base/number.h"
#include "base/swar.h"
#include "base/utf8.h"

#include <string.h>

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

/* From an opening quote to behind the closing one, or to the end. */
static inline const char *skip_string(const char *at, const char *end)
{
    at++;
    for (;;) {
        at = dlr_bytes_skip_plain(at, end);
        if (at == end) {
            return end;
        }
        if (*at == '"') {
            return at + 1;
        }
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
}

/* From an opening bracket to behind the one that closes it, or to the end. */
static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
        if (depth == 0) {
            return at;
        }
    }
    return end;
}

static const char *skip_word(const char *at, const char *end)
{
    while (at < end && !is_space(*at) && *at != ',' && *at != ']' &&
           *at != '}') {
        at++;
    }
    return at;
}

/* The value at `at`; its text is empty if there is none. */
static struct dlr_json_value value_at(const char *at, const char *end)
{
    struct dlr_json_value value = {DLR_JSON_NONE, {at, 0}};
    const char *behind = at;

    if (at == end) {
        return value;
    }
    value.type = dlr_json_type_of(*at);
    switch (value.type) {
    case DLR_JSON_NONE:
        break;
    case DLR_JSON_STRING:
        behind = skip_string(at, end);
        break;
    case DLR_JSON_ARRAY:
    case DLR_JSON_OBJECT:
        behind = skip_container(at, end);
        break;
    case DLR_JSON_NULL:
    case DLR_JSON_BOOL:
    case DLR_JSON_NUMBER:
        behind = skip_word(at, end);
        break;
    }
    value.text.len = (size_t)(behind - at);
    return value;
}

struct dlr_json_value dlr_json_root(struct dlr_text text)
{
    struct dlr_json_value value = {DLR_JSON_NONE, dlr_text_trim(text)};

    /* The text is one value, so there is no need to look for its end. */
    if (value.text.len > 0) {
        value.type = dlr_json_type_of(value.text.ptr[0]);
    }
    if (value.type == DLR_JSON_NONE) {
        value.text.len = 0;
    }
    return value;
}

struct dlr_json_iter dlr_json_iterate(struct dlr_json_value container)
{
    struct dlr_json_iter iter = {NULL, NULL};

    if (container.type == DLR_JSON_OBJECT || container.type == DLR_JSON_ARRAY) {
        iter.at = container.text.ptr + 1;
        iter.end = container.text.ptr + container.text.len;
    }
    return iter;
}

/* Steps to the next value inside of a container and takes it. */
static bool next_value(struct dlr_json_iter *iter, struct dlr_json_value *value)
{
    if (iter->at == NULL) {
        return false;
    }
    iter->at = skip_space(iter->at, iter->end);
    if (iter->at < iter->end && *iter->at == ',') {
        iter->at = skip_space(iter->at + 1, iter->end);
    }
    *value = value_at(iter->at, iter->end);
    iter->at += value->text.len;
    return value->type != DLR_JSON_NONE;
}

bool dlr_json_next_element(struct dlr_json_iter *iter,
                           struct dlr_json_value *value)
{
    return next_value(iter, value);
}

bool dlr_json_next_member(struct dlr_json_iter *iter,
                          struct dlr_json_value *name,
                          struct dlr_json_value *value)
{
    if (!next_value(iter, name) || name->type != DLR_JSON_STRING) {
        return false;
    }
    iter->at = skip_space(iter->at, iter->end);
    if (iter->at == iter->end || *iter->at != ':') {
        return false;
    }
    iter->at++;
    return next_value(iter, value);
}

struct dlr_json_value dlr_json_get(struct dlr_json_value object,
                                   struct dlr_text name)
{
    struct dlr_json_iter iter = dlr_json_iterate(object);
    struct dlr_json_value none = {DLR_JSON_NONE, {NULL, 0}};
    struct dlr_json_value found;
    struct dlr_json_value value;

    if (object.type != DLR_JSON_OBJECT) {
        return none;
    }
    while (dlr_json_next_member(&iter, &found, &value)) {
        if (dlr_json_string_equals(found, name)) {
            return value;
        }
    }
    return none;
}

/* What stands between the quotes; false if it is no string. */
static bool content_of(struct dlr_json_value string, struct dlr_text *content)
{
    if (string.type != DLR_JSON_STRING || string.text.len < 2 ||
        string.text.ptr[string.text.len - 1] != '"') {
        return false;
    }
    *content = dlr_text_n(string.text.ptr + 1, string.text.len - 2);
    return true;
}

bool dlr_json_plain_text(struct dlr_json_value string, struct dlr_text *out)
{
    return content_of(string, out) &&
           (out->len == 0 || memchr(out->ptr, '\\', out->len) == NULL);
}

bool dlr_json_read_unit(const char *at, size_t len, uint32_t *unit)
{
    *unit = 0;
    if (len < 6 || at[0] != '\\' || at[1] != 'u') {
        return false;
    }
    for (size_t i = 2; i < 6; i++) {
        unsigned char byte = (unsigned char)at[i];
        unsigned char letter = byte | 0x20;

        if (byte >= '0' && byte <= '9') {
            *unit = *unit * 16 + byte - '0';
        } else if (letter >= 'a' && letter <= 'f') {
            *unit = *unit * 16 + letter - 'a' + 10;
        } else {
            return false;
        }
    }
    return true;
}

/* Decodes the \uXXXX (or the pair of them) at `at` to UTF-8 in `out`; returns
 * how many bytes of text it took, 0 if it is none. */
static size_t decode_unicode(const char *at, size_t len, char out[4],
                             size_t *out_len)
{
    uint32_t unit;
    uint32_t low;
    size_t taken = 6;

    if (!dlr_json_read_unit(at, len, &unit)) {
        return 0;
    }
    if (unit >= 0xd800 && unit <= 0xdbff &&
        dlr_json_read_unit(at + 6, len - 6, &low) && low >= 0xdc00 &&
        low <= 0xdfff) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        taken = 12;
    }
    *out_len = dlr_utf8_encode(unit, out);
    return taken;
}

/* Decodes the escape at `at`, as above. */
static size_t decode_escape(const char *at, size_t len, char out[4],
                            size_t *out_len)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (len < 2 || at[1] == '\0') {
        return 0;
    }
    if (at[1] == 'u') {
        return decode_unicode(at, len, out, out_len);
    }
    found = strchr(letters, at[1]);
    if (found == NULL) {
        return 0;
    }
    out[0] = bytes[found - letters];
    *out_len = 1;
    return 2;
}

/* Takes the next piece of a string's content: everything up to a backslash, or
 * one escape, decoded into `scratch`. False at its end, or if it is broken. */
static bool next_piece(struct dlr_text *content, char scratch[4],
                       struct dlr_text *piece)
{
    const char *escape;
    size_t taken;

    if (content->len == 0) {
        return false;
    }
    escape = memchr(content->ptr, '\\', content->len);
    if (escape == content->ptr) {
        piece->ptr = scratch;
        taken = decode_escape(content->ptr, content->len, scratch, &piece->len);
    } else {
        taken = escape == NULL ? content->len : (size_t)(escape - content->ptr);
        *piece = dlr_text_n(content->ptr, taken);
    }
    content->ptr += taken;
    content->len -= taken;
    return taken > 0;
}

bool dlr_json_string_equals(struct dlr_json_value string,
                            struct dlr_text content)
{
    struct dlr_text left;
    struct dlr_text piece;
    char scratch[4];

    if (!content_of(string, &left)) {
        return false;
    }
    /* Escapes are longer than what they stand for. */
    if (left.len <= content.len) {
        return dlr_text_equals(left, content) &&
               (left.len == 0 || memchr(left.ptr, '\\', left.len) == NULL);
    }
    while (next_piece(&left, scratch, &piece)) {
        if (!dlr_text_starts_with(content, piece)) {
            return false;
        }
        content.ptr += piece.len;
        content.len -= piece.len;
    }
    return left.len == 0 && content.len == 0;
}

bool dlr_json_decode(struct dlr_json_value string, struct dlr_buf *out)
{
    size_t mark = out->len;
    struct dlr_text left;
    struct dlr_text piece;
    char scratch[4];

    if (!content_of(string, &left)) {
        return false;
    }
    while (next_piece(&left, scratch, &piece)) {
        dlr_buf_append_text(out, piece);
    }
    if (left.len > 0 || out->failed) {
        out->len = mark;
        return false;
    }
    return true;
}

bool dlr_json_to_int64(struct dlr_json_value number, int64_t *out)
{
    return number.type == DLR_JSON_NUMBER &&
           dlr_number_read_int64(number.text.ptr, number.text.len, out);
}

bool dlr_json_to_double(struct dlr_json_value number, double *out)
{
    return number.type == DLR_JSON_NUMBER &&
           dlr_number_read_double(number.text.ptr, number.text.len, out);
}

bool dlr_json_to_bool(struct dlr_json_value value, bool *out)
{
    if (value.type != DLR_JSON_BOOL) {
        return false;
    }
    *out = value.text.ptr[0] == 't';
    return true;
}
