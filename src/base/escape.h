/* SPDX-License-Identifier: MIT */
/*
 * Escape: foreign text made safe for a terminal or a log, and secrets made
 * recognisable without being shown.
 */
#ifndef DLR_BASE_ESCAPE_H
#define DLR_BASE_ESCAPE_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* `dk_…` (the ellipsis is three bytes), four characters and a NUL. */
#define DLR_MASKED_KEY_CAP 12

/* Appends the text in one line: control characters (line ends too) and bytes
 * that are not UTF-8 as \xNN, characters that turn the direction of text, that
 * are invisible or break lines as \u{NNNN}; the rest as it is. */
void dlr_escape_put(struct dlr_buf *buf, struct dlr_text text);

/* The same into `out` with a NUL; what does not fit is cut between characters
 * and replaced by "…". Returns the length. `cap` is at least 8. */
size_t dlr_escape_copy(struct dlr_text text, char *out, size_t cap);

/* `dk_…` and the last four characters of a key, or `dk_…` alone where four
 * characters would give away too much of it. */
void dlr_mask_key(struct dlr_text key, char out[DLR_MASKED_KEY_CAP]);

#endif
