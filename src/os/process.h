/* SPDX-License-Identifier: MIT */
/*
 * Process: who we are, and whether another process is still the one we knew.
 */
#ifndef DLR_OS_PROCESS_H
#define DLR_OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

int64_t dlr_process_id(void);

/* When a process started, in ticks since boot: together with its number it
 * names one process, although numbers are used again. False if there is none. */
bool dlr_process_start_ticks(int64_t pid, uint64_t *ticks);

/* Stands for the time since the machine started: readings of the monotonic
 * clock compare between processes that see the same. 0: nobody knows. */
uint32_t dlr_process_boot_mark(void);

/* Wipes a command-line argument in place, so that a secret in it vanishes from
 * process lists. Copy it before. */
void dlr_process_wipe_argument(char *argument);

#endif
