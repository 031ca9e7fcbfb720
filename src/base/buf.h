/* SPDX-License-Identifier: MIT */
/*
 * Buf: growing bytes with a ceiling, or a fixed piece of storage.
 * What the bytes mean is left to the writers (base/json_write.h).
 *
 * The first failure (ceiling, no memory) sticks: `failed` is set, nothing is
 * written by that call or by later ones, and the caller checks once at the end.
 */
#ifndef DLR_BASE_BUF_H
#define DLR_BASE_BUF_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct dlr_buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;  /* `cap` never exceeds it; an all-zero buffer holds nothing */
    bool failed; /* a write did not fit; what was there before is intact */
    bool fixed;  /* `ptr` is the caller's storage */
};

/* An empty buffer that allocates on demand, up to `max` bytes. */
void dlr_buf_init(struct dlr_buf *buf, size_t max);

/* A buffer over the caller's storage, which must outlive it. Never allocates. */
void dlr_buf_init_fixed(struct dlr_buf *buf, char *storage, size_t cap);

/* Releases the storage (if the buffer owns it); leaves the buffer all-zero. */
void dlr_buf_clear(struct dlr_buf *buf);

/* The slow half of dlr_buf_reserve(). */
char *dlr_buf_grow(struct dlr_buf *buf, size_t n);

/* Room for `n` more bytes behind the last; NULL (and `failed`) if there is
 * none. The caller writes up to `n` bytes and adds them to `len`. */
static inline char *dlr_buf_reserve(struct dlr_buf *buf, size_t n)
{
    if (buf->cap - buf->len >= n && !buf->failed && buf->ptr != NULL) {
        return buf->ptr + buf->len;
    }
    return dlr_buf_grow(buf, n);
}

static inline void dlr_buf_append(struct dlr_buf *buf, const void *bytes,
                                  size_t n)
{
    char *room = dlr_buf_reserve(buf, n);

    if (room != NULL && n > 0) {
        memcpy(room, bytes, n);
        buf->len += n;
    }
}

static inline void dlr_buf_append_text(struct dlr_buf *buf,
                                       struct dlr_text text)
{
    dlr_buf_append(buf, text.ptr, text.len);
}

/* Appends a NUL-terminated string without its NUL. */
static inline void dlr_buf_append_string(struct dlr_buf *buf,
                                         const char *string)
{
    dlr_buf_append(buf, string, strlen(string));
}

static inline void dlr_buf_append_char(struct dlr_buf *buf, char byte)
{
    char *room = dlr_buf_reserve(buf, 1);

    if (room != NULL) {
        *room = byte;
        buf->len += 1;
    }
}

/* Appends formatted text. Not for numbers with a fraction: their decimal point
 * depends on the locale (use base/number.h). */
void dlr_buf_printf(struct dlr_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts a NUL behind the last byte without counting it; NULL if it does not
 * fit. The result is lent until the next write. */
const char *dlr_buf_terminate(struct dlr_buf *buf);

/* Forgets everything behind the first `len` bytes, and the failure with it. */
static inline void dlr_buf_rewind(struct dlr_buf *buf, size_t len)
{
    buf->len = len;
    buf->failed = false;
}

/* The bytes written so far, lent until the next write. */
static inline struct dlr_text dlr_buf_text(const struct dlr_buf *buf)
{
    return dlr_text_n(buf->ptr, buf->len);
}

#endif
