/* SPDX-License-Identifier: MIT */
/*
 * Config: from what the caller gave, the environment and the defaults to the
 * settings a client runs on.
 */
#ifndef DLR_CLIENT_CONFIG_H
#define DLR_CLIENT_CONFIG_H

#include <datalyr.h>

/* Fills `out` with every setting decided: explicit beats environment beats
 * default; "never" is 0 and "unlimited" INT64_MAX. Texts are copies, released
 * by datalyr_config_clear(out), also on failure. DATALYR_INVALID fills `error`
 * (may be NULL); DATALYR_NOMEM. */
datalyr_status dlr_config_resolve(const datalyr_config *given,
                                  datalyr_config *out, datalyr_error *error);

#endif
