/* SPDX-License-Identifier: MIT */
/*
 * JSON checking: one pass over the text, with a bit per open bracket.
 *
 * DESIGN
 * No recursion: 100,000 opening brackets must not end the process of whoever
 * hands them to us. What is open is remembered as one bit a level (object or
 * array), which is all a checker needs. The same pass compacts: it hands every
 * token to `out` if there is one, and leaves white space out by not being asked
 * for it.
 *
 * Positions in errors point at the first byte that no correct text could have
 * there, or at the end of a text that is cut short.
 */
#include "base/json_check.h"

#include "base/number.h"
#include "base/swar.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Shorter numbers without an exponent cannot be too large for a double. */
#define SAFE_NUMBER_LEN 300

struct scan {
    const char *start;
    const char *at;
    const char *end;
    const char *message;
    struct dlr_buf *out; /* NULL: only check */
    size_t depth;
    size_t max_depth;
    uint64_t is_object[DLR_JSON_DEPTH_MAX / 64];
};

static bool fail(struct scan *scan, const char *at, const char *message)
{
    scan->at = at;
    scan->message = message;
    return false;
}

/* What is wrong at a place where `message` would be right if there were more. */
static bool fail_or_end(struct scan *scan, const char *message)
{
    return fail(scan, scan->at,
                scan->at == scan->end ? "the text ends too early" : message);
}

static void emit(struct scan *scan, const char *from)
{
    if (scan->out != NULL) {
        dlr_buf_append(scan->out, from, (size_t)(scan->at - from));
    }
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' ||
                                    *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* Takes the byte if it is next. */
static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte) {
        return false;
    }
    scan->at++;
    emit(scan, scan->at - 1);
    return true;
}

/* Reads four hexadecimal digits; -1 if they are not. */
static int32_t read_hex(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char byte = at[i];

        if (byte >= '0' && byte <= '9') {
            value = value * 16 + (byte - '0');
        } else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f') {
            value = value * 16 + ((byte | 0x20) - 'a') + 10;
        } else {
            return -1;
        }
    }
    return value;
}

/* At the backslash of \uXXXX. */
static bool check_unicode_escape(struct scan *scan)
{
    int32_t unit = read_hex(scan->at + 2, scan->end);

    if (unit < 0) {
        return fail(scan, scan->at, "\\u without four hexadecimal digits");
    }
    if (unit < 0xd800 || unit > 0xdfff) {
        scan->at += 6;
        return true;
    }
    if (unit <= 0xdbff && scan->end - scan->at >= 12 && scan->at[6] == '\\' &&
        scan->at[7] == 'u') {
        int32_t low = read_hex(scan->at + 8, scan->end);

        if (low >= 0xdc00 && low <= 0xdfff) {
            scan->at += 12;
            return true;
        }
    }
    return fail(scan, scan->at, "half of a surrogate pair");
}

/* At a byte that needs attention inside of a string. */
static bool check_special(struct scan *scan)
{
    unsigned char byte = (unsigned char)*scan->at;

    if (byte >= 0x80) {
        size_t step =
            dlr_utf8_sequence(scan->at, (size_t)(scan->end - scan->at));

        scan->at += step;
        return step > 0 || fail(scan, scan->at, "text that is not UTF-8");
    }
    if (byte < 0x20) {
        return fail(scan, scan->at, "a control character inside a string");
    }
    if (scan->end - scan->at < 2) {
        scan->at = scan->end;
        return fail_or_end(scan, "");
    }
    if (scan->at[1] == 'u') {
        return check_unicode_escape(scan);
    }
    if (scan->at[1] == '\0' || strchr("\"\\/bfnrt", scan->at[1]) == NULL) {
        return fail(scan, scan->at + 1, "an unknown escape");
    }
    scan->at += 2;
    return true;
}

/* Steps over characters that need no attention. */
static void skip_plain(struct scan *scan)
{
    const char *at = scan->at;
    const char *end = scan->end;
    uint64_t marks;

    while (end - at >= 8) {
        marks = dlr_swar_mark_json(dlr_swar_load_8(at));
        if (marks != 0) {
            scan->at = at + dlr_swar_first(marks);
            return;
        }
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 &&
           (unsigned char)*at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    scan->at = at;
}

/* At the opening quote. */
static bool check_string(struct scan *scan)
{
    const char *from = scan->at;

    scan->at++;
    for (;;) {
        skip_plain(scan);
        if (scan->at == scan->end) {
            return fail_or_end(scan, "");
        }
        if (*scan->at == '"') {
            scan->at++;
            emit(scan, from);
            return true;
        }
        if (!check_special(scan)) {
            return false;
        }
    }
}

/* Steps over digits; false if there is none. */
static bool check_digits(struct scan *scan)
{
    const char *from = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return scan->at > from || fail_or_end(scan, "a digit is missing");
}

static bool is_next(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == byte;
}

/* At the first byte. Where the number ends is for the caller to judge: "01" is
 * the number 0 and then something that cannot follow. */
static bool check_number(struct scan *scan)
{
    const char *from = scan->at;
    bool has_exponent = false;
    double value;

    scan->at += is_next(scan, '-');
    if (is_next(scan, '0')) {
        scan->at++;
    } else if (!check_digits(scan)) {
        return false;
    }
    if (is_next(scan, '.')) {
        scan->at++;
        if (!check_digits(scan)) {
            return false;
        }
    }
    if (is_next(scan, 'e') || is_next(scan, 'E')) {
        has_exponent = true;
        scan->at++;
        scan->at += is_next(scan, '+') || is_next(scan, '-');
        if (!check_digits(scan)) {
            return false;
        }
    }
    if ((has_exponent || scan->at - from > SAFE_NUMBER_LEN) &&
        !dlr_number_read_double(from, (size_t)(scan->at - from), &value)) {
        return fail(scan, from, "a number too large for a double");
    }
    emit(scan, from);
    return true;
}

static bool check_word(struct scan *scan, struct dlr_text word)
{
    const char *from = scan->at;

    for (size_t i = 0; i < word.len; i++) {
        if (!is_next(scan, word.ptr[i])) {
            return fail_or_end(scan, "an unknown word");
        }
        scan->at++;
    }
    emit(scan, from);
    return true;
}

/* A value that holds no others. */
static bool check_scalar(struct scan *scan)
{
    if (scan->at == scan->end) {
        return fail_or_end(scan, "");
    }
    switch (*scan->at) {
    case '"':
        return check_string(scan);
    case 't':
        return check_word(scan, DLR_TEXT("true"));
    case 'f':
        return check_word(scan, DLR_TEXT("false"));
    case 'n':
        return check_word(scan, DLR_TEXT("null"));
    default:
        if (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9')) {
            return check_number(scan);
        }
        return fail(scan, scan->at, "a value is missing");
    }
}

static bool push(struct scan *scan, bool is_object)
{
    uint64_t bit = UINT64_C(1) << (scan->depth % 64);

    if (scan->depth == scan->max_depth) {
        return fail(scan, scan->at - 1, "nested too deeply");
    }
    if (is_object) {
        scan->is_object[scan->depth / 64] |= bit;
    } else {
        scan->is_object[scan->depth / 64] &= ~bit;
    }
    scan->depth++;
    return true;
}

static bool is_in_object(const struct scan *scan)
{
    size_t top = scan->depth - 1;

    return (scan->is_object[top / 64] >> (top % 64) & 1) != 0;
}

/* A member's name and the colon behind it. */
static bool check_name(struct scan *scan)
{
    skip_space(scan);
    if (!is_next(scan, '"')) {
        return fail_or_end(scan, "a member's name is missing");
    }
    if (!check_string(scan)) {
        return false;
    }
    skip_space(scan);
    return take(scan, ':') || fail_or_end(scan, "a colon is missing");
}

/* Goes down to the first scalar or empty container of a value. */
static bool check_down(struct scan *scan)
{
    for (;;) {
        bool is_object;

        skip_space(scan);
        is_object = is_next(scan, '{');
        if (!take(scan, '{') && !take(scan, '[')) {
            return check_scalar(scan);
        }
        if (!push(scan, is_object)) {
            return false;
        }
        skip_space(scan);
        if (take(scan, is_object ? '}' : ']')) {
            scan->depth--;
            return true;
        }
        if (is_object && !check_name(scan)) {
            return false;
        }
    }
}

/* Behind a value: closes what ends here. True with depth 0 at the end of the
 * root, else when another value follows. */
static bool check_up(struct scan *scan)
{
    while (scan->depth > 0) {
        bool is_object = is_in_object(scan);

        skip_space(scan);
        if (take(scan, ',')) {
            return !is_object || check_name(scan);
        }
        if (!take(scan, is_object ? '}' : ']')) {
            return fail_or_end(scan, "a comma or closing bracket is missing");
        }
        scan->depth--;
    }
    return true;
}

static bool check_root(struct scan *scan)
{
    do {
        if (!check_down(scan) || !check_up(scan)) {
            return false;
        }
    } while (scan->depth > 0);
    skip_space(scan);
    return scan->at == scan->end ||
           fail(scan, scan->at, "something follows the value");
}

static bool run(struct dlr_text text, size_t max_depth, struct dlr_buf *out,
                struct dlr_json_error *error)
{
    struct scan scan;
    bool is_good;

    /* Not all zero by an initialiser: the stack of bits is set as it grows. */
    scan.start = text.ptr == NULL ? "" : text.ptr;
    scan.at = scan.start;
    scan.end = scan.start + text.len;
    scan.message = NULL;
    scan.out = out;
    scan.depth = 0;
    scan.max_depth =
        max_depth < DLR_JSON_DEPTH_MAX ? max_depth : DLR_JSON_DEPTH_MAX;
    is_good = check_root(&scan);
    if (error != NULL) {
        error->message = scan.message;
        error->position = (size_t)(scan.at - scan.start);
    }
    return is_good;
}

bool dlr_json_check(struct dlr_text text, size_t max_depth,
                    struct dlr_json_error *error)
{
    return run(text, max_depth, NULL, error);
}

bool dlr_json_check_object(struct dlr_text text, size_t max_depth,
                           struct dlr_json_error *error)
{
    struct dlr_text value = dlr_text_trim(text);

    if (!run(text, max_depth, NULL, error)) {
        return false;
    }
    if (value.ptr[0] != '{') {
        if (error != NULL) {
            error->message = "the value is not an object";
            error->position = (size_t)(value.ptr - text.ptr);
        }
        return false;
    }
    return true;
}

bool dlr_json_compact(struct dlr_text text, size_t max_depth,
                      struct dlr_buf *out, struct dlr_json_error *error)
{
    size_t mark = out->len;

    if (run(text, max_depth, out, error) && !out->failed) {
        return true;
    }
    if (error != NULL && error->message == NULL) {
        error->message = "there is no room for the text";
    }
    out->len = mark;
    return false;
}
