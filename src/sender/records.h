/* SPDX-License-Identifier: MIT */
/*
 * Records: events as hooks see them, copied out of the log with the NUL that
 * the log has no place for.
 */
#ifndef DLR_SENDER_RECORDS_H
#define DLR_SENDER_RECORDS_H

#include "base/buf.h"

#include <datalyr.h>

/* Events handed to a hook at a time: enough that the call costs nothing a
 * piece, few enough that the copies stay small. */
#define DLR_RECORDS_MAX 256u

/* All-zero is empty. */
struct dlr_records {
    struct dlr_buf text; /* json NUL id NUL json NUL id NUL … */
    struct dlr_record_place {
        size_t json;
        size_t json_len;
        size_t id;
    } places[DLR_RECORDS_MAX];
    datalyr_record records[DLR_RECORDS_MAX];
    size_t count;
};

/* Makes room for one event of up to that size, so that each can be told alone
 * when memory is short. False: there is not even that. */
bool dlr_records_prepare(struct dlr_records *records, size_t max_event_bytes);

/* Adds a copy of one event; false when full or out of memory. An event larger
 * than what is usual is taken when it is the only one. */
bool dlr_records_add(struct dlr_records *records, struct dlr_text json);

/* The events, lent until the next change. */
const datalyr_record *dlr_records_view(struct dlr_records *records);

/* Empties it and keeps the memory. */
void dlr_records_reset(struct dlr_records *records);
void dlr_records_clear(struct dlr_records *records);

#endif
