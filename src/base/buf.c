/* SPDX-License-Identifier: MIT */
/*
 * Buf: how a buffer grows, and what happens when it cannot.
 *
 * DESIGN
 * Capacity doubles, so that n appends cost O(n), but never passes `max`: bytes
 * from the network or from a caller cannot make a buffer grow without bound.
 * A failed write leaves the bytes before it in place and sets `failed`; writers
 * go on writing straight through and look at the flag once.
 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

/* Smaller first blocks only mean more reallocs on the way to one event. */
#define FIRST_CAP 256

void dlr_buf_init(struct dlr_buf *buf, size_t max)
{
    *buf = (struct dlr_buf){.max = max};
}

void dlr_buf_init_fixed(struct dlr_buf *buf, char *storage, size_t cap)
{
    *buf =
        (struct dlr_buf){.ptr = storage, .cap = cap, .max = cap, .fixed = true};
}

void dlr_buf_clear(struct dlr_buf *buf)
{
    if (!buf->fixed) {
        dlr_free(buf->ptr);
    }
    *buf = (struct dlr_buf){0};
}

/* The next capacity that holds `need` bytes; `need` is at most `max`. */
static size_t next_cap(const struct dlr_buf *buf, size_t need)
{
    size_t cap = buf->cap > buf->max / 2 ? buf->max : buf->cap * 2;

    if (cap < FIRST_CAP) {
        cap = FIRST_CAP;
    }
    if (cap < need) {
        cap = need;
    }
    return cap < buf->max ? cap : buf->max;
}

char *dlr_buf_grow(struct dlr_buf *buf, size_t n)
{
    size_t cap;
    char *ptr;

    if (buf->failed) {
        return NULL;
    }
    if (buf->ptr != NULL && buf->cap - buf->len >= n) {
        return buf->ptr + buf->len;
    }
    if (buf->fixed || n > buf->max - buf->len) {
        buf->failed = true;
        return NULL;
    }
    cap = next_cap(buf, buf->len + n);
    ptr = dlr_realloc(buf->ptr, cap);
    if (ptr == NULL) {
        buf->failed = true;
        return NULL;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return ptr + buf->len;
}

void dlr_buf_printf(struct dlr_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    size_t room = buf->failed || buf->ptr == NULL ? 0 : buf->cap - buf->len;
    int need;

    va_start(args, format);
    va_copy(again, args);
    need =
        vsnprintf(room == 0 ? NULL : buf->ptr + buf->len, room, format, args);
    if (need < 0) {
        buf->failed = true;
    } else if ((size_t)need >= room) {
        /* One byte more than counted: vsnprintf insists on its NUL. */
        char *place = dlr_buf_reserve(buf, (size_t)need + 1);

        if (place != NULL) {
            (void)vsnprintf(place, (size_t)need + 1, format, again);
        }
    }
    if (!buf->failed) {
        buf->len += (size_t)need;
    }
    va_end(again);
    va_end(args);
}

const char *dlr_buf_terminate(struct dlr_buf *buf)
{
    char *end = dlr_buf_reserve(buf, 1);

    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return buf->ptr;
}
