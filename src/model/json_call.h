/* SPDX-License-Identifier: MIT */
/*
 * JSON call: a whole call given as one JSON object, for languages that have no
 * C structs. The fields are those of datalyr_track_json().
 */
#ifndef DLR_MODEL_JSON_CALL_H
#define DLR_MODEL_JSON_CALL_H

#include "model/event.h"

/* Fills `call` from the text. Strings of the call live in `strings`, which the
 * caller initialises and clears when the call is encoded; properties are lent
 * from `text`. DATALYR_INVALID fills `error` (may be NULL); DATALYR_NOMEM when
 * `strings` has no room. */
datalyr_status dlr_call_from_json(struct dlr_call *call, struct dlr_text text,
                                  struct dlr_buf *strings,
                                  datalyr_error *error);

#endif
