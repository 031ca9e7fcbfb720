/* SPDX-License-Identifier: MIT */
/*
 * Head: the lines above an answer's body, read one by one for the few that
 * matter to us. Pure. Their meaning is left to transport/verdict.h.
 */
#ifndef DLR_TRANSPORT_HEAD_H
#define DLR_TRANSPORT_HEAD_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLR_HEAD_DATE_CAP     48
#define DLR_HEAD_LOCATION_CAP 128

/* No Retry-After counts for longer. */
#define DLR_HEAD_RETRY_AFTER_MAX_MS (5 * 60 * 1000)

/* All-zero before the first line. */
struct dlr_head {
    int32_t status;   /* of the block read last, 1xx included */
    bool is_complete; /* the blank line of a final answer was seen */
    bool accepts_gzip;
    uint32_t batch_limit;
    int64_t retry_after_s; /* in seconds, if has_retry_after_s */
    bool has_retry_after_s;
    char retry_after_date[DLR_HEAD_DATE_CAP]; /* or as a date, or "" */
    char date[DLR_HEAD_DATE_CAP];
    char location[DLR_HEAD_LOCATION_CAP]; /* of a redirect; cut */
};

/* Takes one line, with or without its line end. A status line starts anew. */
void dlr_head_read_line(struct dlr_head *head, struct dlr_text line);

/* Milliseconds that the server asked us to wait: 0 to 5 minutes, or -1 when it
 * asked for nothing or for nonsense. A date is compared with the server's own
 * Date, and only without one with `now_ms`: clocks differ. */
int64_t dlr_head_retry_after_ms(const struct dlr_head *head, int64_t now_ms);

#endif
