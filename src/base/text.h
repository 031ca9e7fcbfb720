/* SPDX-License-Identifier: MIT */
/*
 * Text: a borrowed run of bytes, passed by value.
 * Who owns the bytes, and whether they are UTF-8, is left to others.
 */
#ifndef DLR_BASE_TEXT_H
#define DLR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* `ptr` may be NULL when `len` is 0. There is no NUL behind the last byte. */
struct dlr_text {
    const char *ptr;
    size_t len;
};

/* A literal as text, its length known to the compiler. */
#define DLR_TEXT(literal) ((struct dlr_text){"" literal, sizeof(literal) - 1})

/* The text of a NUL-terminated string; NULL gives the empty text. */
static inline struct dlr_text dlr_text_of(const char *string)
{
    struct dlr_text text = {string, string == NULL ? 0 : strlen(string)};
    return text;
}

static inline struct dlr_text dlr_text_n(const char *ptr, size_t len)
{
    struct dlr_text text = {ptr, len};
    return text;
}

static inline bool dlr_text_equals(struct dlr_text a, struct dlr_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool dlr_text_starts_with(struct dlr_text text,
                                        struct dlr_text start)
{
    return text.len >= start.len &&
           (start.len == 0 || memcmp(text.ptr, start.ptr, start.len) == 0);
}

/* Equal but for the case of ASCII letters; does not depend on the locale. */
bool dlr_text_equals_nocase(struct dlr_text a, struct dlr_text b);

/* Without the spaces, tabs and line ends around it. */
struct dlr_text dlr_text_trim(struct dlr_text text);

/* What a line of the form "Name: value" says, if it has that name. */
bool dlr_text_read_header(struct dlr_text line, struct dlr_text name,
                          struct dlr_text *value);

#endif
