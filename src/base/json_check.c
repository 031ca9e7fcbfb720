/* SPDX-License-Identifier: MIT */
/*
 * JSON checking: one pass over the text, with a bit per open bracket.
 *
 * DESIGN
 * No recursion: 100,000 opening brackets must not end the process of whoever
 * hands them to us. What is open is remembered as one bit a level (object or
 * array), which is all a checker needs. The same pass compacts: what stands
 * between two pieces of white space is copied as one, so that a text without
 * any is one copy at its end. And it tells a listener of the members of the
 * root, which saves whoever wants them a second walk.
 *
 * The place in the text is handed from function to function and back, NULL for
 * an error: kept in the struct, it would be written to memory at each step.
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
    const char *end;
    const char *wrong; /* the place of the error, with its message */
    const char *message;
    struct dlr_buf *out; /* NULL: only check */
    const char *kept;    /* from here on nothing is copied to `out` yet */
    const struct dlr_json_listener *listener; /* may be NULL */
    const char *name;                         /* of the root's member at hand */
    const char *name_end;
    const char *value;
    size_t depth;
    size_t max_depth;
    bool in_object;
    uint64_t is_object[DLR_JSON_DEPTH_MAX / 64];
};

static const char *fail(struct scan *scan, const char *at, const char *message)
{
    scan->wrong = at;
    scan->message = message;
    return NULL;
}

/* What is wrong at a place where `message` would be right if there were more. */
static const char *fail_or_end(struct scan *scan, const char *at,
                               const char *message)
{
    return fail(scan, at,
                at == scan->end ? "the text ends too early" : message);
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline bool is_next(const struct scan *scan, const char *at, char byte)
{
    return at < scan->end && *at == byte;
}

static inline bool is_digit(const struct scan *scan, const char *at)
{
    return at < scan->end && *at >= '0' && *at <= '9';
}

/* Copies what is in front of white space; what follows begins behind it. */
__attribute__((noinline)) static const char *leave_space(struct scan *scan,
                                                         const char *at)
{
    const char *from = at;

    while (at < scan->end && is_space(*at)) {
        at++;
    }
    if (scan->out != NULL && at > from) {
        dlr_buf_append(scan->out, scan->kept, (size_t)(from - scan->kept));
        scan->kept = at;
    }
    return at;
}

static inline const char *skip_space(struct scan *scan, const char *at)
{
    return at < scan->end && *at <= ' ' ? leave_space(scan, at) : at;
}

/* At the backslash of \uXXXX. */
static const char *check_unicode_escape(struct scan *scan, const char *at)
{
    size_t len = (size_t)(scan->end - at);
    uint32_t unit;
    uint32_t low;

    if (!dlr_json_read_unit(at, len, &unit)) {
        return fail(scan, at, "\\u without four hexadecimal digits");
    }
    if (unit < 0xd800 || unit > 0xdfff) {
        return at + 6;
    }
    if (unit <= 0xdbff && dlr_json_read_unit(at + 6, len - 6, &low) &&
        low >= 0xdc00 && low <= 0xdfff) {
        return at + 12;
    }
    return fail(scan, at, "half of a surrogate pair");
}

/* A run of characters that are not ASCII: they seldom come alone. */
static const char *check_wide(struct scan *scan, const char *at)
{
    do {
        size_t step = dlr_utf8_sequence(at, (size_t)(scan->end - at));

        if (step == 0) {
            return fail(scan, at, "text that is not UTF-8");
        }
        at += step;
    } while (at < scan->end && (unsigned char)*at >= 0x80);
    return at;
}

/* At what needs attention inside of a string, or at the end of the text. */
__attribute__((noinline)) static const char *check_special(struct scan *scan,
                                                           const char *at)
{
    if (at == scan->end) {
        return fail_or_end(scan, at, "");
    }
    if ((unsigned char)*at >= 0x80) {
        return check_wide(scan, at);
    }
    if ((unsigned char)*at < 0x20) {
        return fail(scan, at, "a control character inside a string");
    }
    if (scan->end - at < 2) {
        return fail_or_end(scan, scan->end, "");
    }
    if (at[1] == 'u') {
        return check_unicode_escape(scan, at);
    }
    if (at[1] == '\0' || strchr("\"\\/bfnrt", at[1]) == NULL) {
        return fail(scan, at + 1, "an unknown escape");
    }
    return at + 2;
}

/* At the opening quote; behind the closing one. */
static inline const char *check_string(struct scan *scan, const char *at)
{
    at = dlr_bytes_skip_plain(at + 1, scan->end);
    while (!is_next(scan, at, '"')) {
        at = check_special(scan, at);
        if (at == NULL) {
            return NULL;
        }
        at = dlr_bytes_skip_plain(at, scan->end);
    }
    return at + 1;
}

/* Steps over digits, of which there must be one. */
static inline const char *check_digits(struct scan *scan, const char *at)
{
    if (!is_digit(scan, at)) {
        return fail_or_end(scan, at, "a digit is missing");
    }
    do {
        at++;
    } while (is_digit(scan, at));
    return at;
}

/* At the e of an exponent. */
static const char *check_exponent(struct scan *scan, const char *at)
{
    at++;
    at += is_next(scan, at, '+') || is_next(scan, at, '-');
    return check_digits(scan, at);
}

/* At the first byte. Where the number ends is for the caller to judge: "01" is
 * the number 0 and then something that cannot follow. */
static const char *check_number(struct scan *scan, const char *at)
{
    const char *from = at;
    bool has_exponent = false;
    double value;

    at += is_next(scan, at, '-');
    at = is_next(scan, at, '0') ? at + 1 : check_digits(scan, at);
    if (at != NULL && is_next(scan, at, '.')) {
        at = check_digits(scan, at + 1);
    }
    if (at != NULL && (is_next(scan, at, 'e') || is_next(scan, at, 'E'))) {
        has_exponent = true;
        at = check_exponent(scan, at);
    }
    if (at != NULL && (has_exponent || at - from > SAFE_NUMBER_LEN) &&
        !dlr_number_read_double(from, (size_t)(at - from), &value)) {
        return fail(scan, from, "a number too large for a double");
    }
    return at;
}

static const char *check_word(struct scan *scan, const char *at,
                              struct dlr_text word)
{
    for (size_t i = 0; i < word.len; i++, at++) {
        if (!is_next(scan, at, word.ptr[i])) {
            return fail_or_end(scan, at, "an unknown word");
        }
    }
    return at;
}

/* A value that holds no others. */
static inline const char *check_scalar(struct scan *scan, const char *at)
{
    if (at == scan->end) {
        return fail_or_end(scan, at, "");
    }
    switch (*at) {
    case '"':
        return check_string(scan, at);
    case 't':
        return check_word(scan, at, DLR_TEXT("true"));
    case 'f':
        return check_word(scan, at, DLR_TEXT("false"));
    case 'n':
        return check_word(scan, at, DLR_TEXT("null"));
    default:
        if (*at == '-' || is_digit(scan, at)) {
            return check_number(scan, at);
        }
        return fail(scan, at, "a value is missing");
    }
}

/* Behind an opening bracket. */
static const char *push(struct scan *scan, const char *at)
{
    uint64_t bit = UINT64_C(1) << (scan->depth % 64);

    if (scan->depth == scan->max_depth) {
        return fail(scan, at - 1, "nested too deeply");
    }
    scan->in_object = at[-1] == '{';
    if (scan->in_object) {
        scan->is_object[scan->depth / 64] |= bit;
    } else {
        scan->is_object[scan->depth / 64] &= ~bit;
    }
    scan->depth++;
    return at;
}

static void pop(struct scan *scan)
{
    size_t top = --scan->depth - 1;

    scan->in_object =
        scan->depth > 0 && (scan->is_object[top / 64] >> (top % 64) & 1) != 0;
}

/* A member's name, the colon behind it, and where the value begins. */
static inline const char *check_name(struct scan *scan, const char *at)
{
    const char *from = skip_space(scan, at);

    if (!is_next(scan, from, '"')) {
        return fail_or_end(scan, from, "a member's name is missing");
    }
    at = check_string(scan, from);
    if (at == NULL) {
        return NULL;
    }
    if (scan->depth == 1) {
        scan->name = from;
        scan->name_end = at;
    }
    at = skip_space(scan, at);
    if (!is_next(scan, at, ':')) {
        return fail_or_end(scan, at, "a colon is missing");
    }
    at = skip_space(scan, at + 1);
    if (scan->depth == 1) {
        scan->value = at;
    }
    return at;
}

/* Goes down to the first scalar or empty container of a value. */
static inline const char *check_down(struct scan *scan, const char *at)
{
    at = skip_space(scan, at);
    while (is_next(scan, at, '{') || is_next(scan, at, '[')) {
        char closing = *at == '{' ? '}' : ']';

        at = push(scan, at + 1);
        if (at == NULL) {
            return NULL;
        }
        at = skip_space(scan, at);
        if (is_next(scan, at, closing)) {
            pop(scan);
            return at + 1;
        }
        if (closing == '}') {
            at = check_name(scan, at);
            if (at == NULL) {
                return NULL;
            }
        }
    }
    return check_scalar(scan, at);
}

/* Behind a value of the root. */
static void tell(const struct scan *scan, const char *at)
{
    struct dlr_json_value name = {
        DLR_JSON_STRING, {scan->name, (size_t)(scan->name_end - scan->name)}};
    struct dlr_json_value value = {dlr_json_type_of(*scan->value),
                                   {scan->value, (size_t)(at - scan->value)}};

    scan->listener->take(scan->listener->self, name, value);
}

/* Behind a value: closes what ends here. With depth 0 at the end of the root,
 * else where another value follows. */
static inline const char *check_up(struct scan *scan, const char *at)
{
    while (scan->depth > 0) {
        if (scan->depth == 1 && scan->listener != NULL && scan->in_object) {
            tell(scan, at);
        }
        at = skip_space(scan, at);
        if (is_next(scan, at, ',')) {
            return scan->in_object ? check_name(scan, at + 1) : at + 1;
        }
        if (!is_next(scan, at, scan->in_object ? '}' : ']')) {
            return fail_or_end(scan, at,
                               "a comma or closing bracket is missing");
        }
        at++;
        pop(scan);
    }
    return at;
}

static bool check_root(struct scan *scan)
{
    const char *at = scan->start;
    const char *behind;

    do {
        at = check_down(scan, at);
        at = at == NULL ? NULL : check_up(scan, at);
        if (at == NULL) {
            return false;
        }
    } while (scan->depth > 0);
    behind = skip_space(scan, at);
    if (behind != scan->end) {
        (void)fail(scan, behind, "something follows the value");
        return false;
    }
    if (scan->out != NULL && behind == at) {
        dlr_buf_append(scan->out, scan->kept, (size_t)(at - scan->kept));
    }
    return true;
}

/* Fills in what all uses have in common, and runs. */
static bool run(struct scan *scan, struct dlr_text text, size_t max_depth,
                struct dlr_json_error *error)
{
    bool is_good;

    /* Not all zero by an initialiser: the stack of bits is set as it grows. */
    scan->start = text.ptr == NULL ? "" : text.ptr;
    scan->end = scan->start + text.len;
    scan->wrong = scan->end;
    scan->message = NULL;
    scan->kept = scan->start;
    scan->depth = 0;
    scan->max_depth =
        max_depth < DLR_JSON_DEPTH_MAX ? max_depth : DLR_JSON_DEPTH_MAX;
    scan->in_object = false;
    is_good = check_root(scan);
    if (error != NULL) {
        error->message = scan->message;
        error->position = (size_t)(scan->wrong - scan->start);
    }
    return is_good;
}

bool dlr_json_check(struct dlr_text text, size_t max_depth,
                    struct dlr_json_error *error)
{
    struct scan scan;

    scan.out = NULL;
    scan.listener = NULL;
    return run(&scan, text, max_depth, error);
}

bool dlr_json_check_object(struct dlr_text text, size_t max_depth,
                           struct dlr_json_error *error)
{
    return dlr_json_check_members(text, max_depth, NULL, error);
}

bool dlr_json_check_members(struct dlr_text text, size_t max_depth,
                            const struct dlr_json_listener *listener,
                            struct dlr_json_error *error)
{
    struct dlr_text value = dlr_text_trim(text);
    struct scan scan;

    scan.out = NULL;
    scan.listener = listener;
    if (!run(&scan, text, max_depth, error)) {
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
    return dlr_json_compact_members(text, max_depth, NULL, out, error);
}

bool dlr_json_compact_members(struct dlr_text text, size_t max_depth,
                              const struct dlr_json_listener *listener,
                              struct dlr_buf *out, struct dlr_json_error *error)
{
    size_t mark = out->len;
    struct scan scan;

    scan.out = out;
    scan.listener = listener;
    if (run(&scan, text, max_depth, error) && !out->failed) {
        return true;
    }
    if (error != NULL && error->message == NULL) {
        error->message = "there is no room for the text";
    }
    out->len = mark;
    return false;
}
