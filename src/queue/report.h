/* SPDX-License-Identifier: MIT */
/*
 * Report: dropped events on their way to the on_drop hook. Their bodies stay in
 * the log until the hook has run. For the library's thread.
 */
#ifndef DLR_QUEUE_REPORT_H
#define DLR_QUEUE_REPORT_H

#include "queue/state.h"

/* Finds up to `max` dropped records of one reason that are to be reported.
 * They stay in place until dlr_queue_reported(). Returns how many. */
size_t dlr_queue_reports(struct dlr_queue *queue, struct dlr_position *out,
                         size_t max, datalyr_drop_reason *reason);
void dlr_queue_reported(struct dlr_queue *queue,
                        const struct dlr_position *reports, size_t count);

/* Counts records of which the hook got the number only. */
void dlr_queue_count_unreported(struct dlr_queue *queue, uint64_t count);

/* Takes the number of dropped records of one reason whose bodies had to make
 * room; 0 when there are none. */
uint64_t dlr_queue_take_unreported(struct dlr_queue *queue,
                                   datalyr_drop_reason *reason);

#endif
