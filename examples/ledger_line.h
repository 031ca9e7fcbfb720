/* SPDX-License-Identifier: MIT */
/*
 * Ledger line: what became of the events, on one line, as `datalyr import`
 * prints it too.
 */
#ifndef LEDGER_LINE_H
#define LEDGER_LINE_H

#include <datalyr.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static inline double ledger_now_seconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock always works */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void ledger_print(const datalyr_ledger *ledger, double seconds)
{
    printf("accepted=%" PRIu64 " delivered=%" PRIu64 " dropped=%" PRIu64
           " pending=%" PRIu64 " rejected=%" PRIu64 " duplicates=%" PRIu64
           " seconds=%.3f events_per_second=%.0f\n",
           ledger->accepted, ledger->delivered, datalyr_ledger_dropped(ledger),
           ledger->pending, datalyr_ledger_refused(ledger), ledger->duplicates,
           seconds, seconds > 0 ? (double)ledger->delivered / seconds : 0.0);
}

#endif
