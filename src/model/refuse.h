/* SPDX-License-Identifier: MIT */
/*
 * Refuse: the sentence that tells a caller what was wrong with a call.
 */
#ifndef DLR_MODEL_REFUSE_H
#define DLR_MODEL_REFUSE_H

#include <datalyr.h>

/* Fills `error` (may be NULL) with DATALYR_INVALID and the sentence, cut to
 * fit; returns DATALYR_INVALID, so that a check is one line. */
datalyr_status dlr_refuse(datalyr_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for another status. */
datalyr_status dlr_refuse_as(datalyr_error *error, datalyr_status status,
                             const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
