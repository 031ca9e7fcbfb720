/* SPDX-License-Identifier: MIT */
/*
 * Ids: one UUID generator for each thread, fed by the system's randomness. It
 * forgets its pool after fork, so that parent and child never share an id.
 * The form of ids is left to base/uuid.h.
 */
#ifndef DLR_OS_IDS_H
#define DLR_OS_IDS_H

#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* Each writes the text with a NUL; false if the system gives no randomness. */
bool dlr_ids_make_v7(int64_t now_ms, char out[DLR_UUID_CAP]);
bool dlr_ids_make_v4(char out[DLR_UUID_CAP]);
bool dlr_ids_make_anonymous(char out[DLR_ANONYMOUS_ID_CAP]);

#endif
