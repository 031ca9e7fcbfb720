/* SPDX-License-Identifier: MIT */
/*
 * Status: HTTP statuses and their texts, and the plainest answer of all.
 */
#ifndef DLF_STATUS_H
#define DLF_STATUS_H

#include "base/buf.h"

const char *dlf_status_text(int status);

/* A whole answer with that status and a JSON body. */
void dlf_status_put(struct dlr_buf *out, int status, struct dlr_text body);

#endif /* DLF_STATUS_H */
