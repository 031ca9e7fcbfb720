/* SPDX-License-Identifier: MIT */
/*
 * Calls: each public call as the event that it records. Encoding is left to
 * model/event.h.
 *
 * Each fills `call`, which borrows the arguments, and checks what only this
 * call requires; DATALYR_INVALID fills `error` (may be NULL).
 */
#ifndef DLR_MODEL_CALLS_H
#define DLR_MODEL_CALLS_H

#include "model/event.h"

datalyr_status dlr_call_track(struct dlr_call *call, const datalyr_event *event,
                              datalyr_error *error);

datalyr_status dlr_call_identify(struct dlr_call *call, const char *user_id,
                                 datalyr_value traits, datalyr_error *error);

datalyr_status dlr_call_group(struct dlr_call *call, const char *user_id,
                              const char *group_id, datalyr_value traits,
                              datalyr_error *error);

datalyr_status dlr_call_page(struct dlr_call *call, const char *user_id,
                             const char *name, datalyr_value properties,
                             datalyr_error *error);

/* After dlr_call_options(), whose anonymous id stands in for a missing
 * previous id. */
datalyr_status dlr_call_alias(struct dlr_call *call, const char *user_id,
                              const char *previous_id, datalyr_error *error);

datalyr_status dlr_call_purchase(struct dlr_call *call, const char *user_id,
                                 const datalyr_purchase *purchase,
                                 datalyr_error *error);

/* Zeroes `call` and takes over the options (may be NULL): the first step of
 * every call but track. */
datalyr_status dlr_call_options(struct dlr_call *call,
                                const datalyr_options *options,
                                datalyr_error *error);

#endif
