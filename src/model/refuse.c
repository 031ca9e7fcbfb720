/* SPDX-License-Identifier: MIT */
/*
 * Refuse: fills the caller's error. Foreign text in it (names of properties,
 * values of settings) is escaped, for it may end on a terminal.
 */
#include "model/refuse.h"

#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer than the message, so that escaping decides where it is cut. */
#define SENTENCE_CAP 512

static void fill(datalyr_error *error, datalyr_status status,
                 const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void fill(datalyr_error *error, datalyr_status status,
                 const char *format, va_list args)
{
    char sentence[SENTENCE_CAP];

    if (error == NULL) {
        return;
    }
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    error->status = (int32_t)status;
    error->system_code = 0;
    (void)dlr_escape_copy(dlr_text_of(sentence), error->message,
                          sizeof error->message);
}

datalyr_status dlr_refuse(datalyr_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(error, DATALYR_INVALID, format, args);
    va_end(args);
    return DATALYR_INVALID;
}

datalyr_status dlr_refuse_as(datalyr_error *error, datalyr_status status,
                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(error, status, format, args);
    va_end(args);
    return status;
}
