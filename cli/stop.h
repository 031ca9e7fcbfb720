/* SPDX-License-Identifier: MIT */
/*
 * Stop: what signals ask for, as flags that loops look at. What to do about
 * them is left to the loops.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

/* From here on SIGINT and SIGTERM set a flag (the second one ends the process
 * at once, status 130) and SIGUSR1 asks for the state. */
void cli_stop_install(void);

bool cli_stop_is_wanted(void);

/* True once for each SIGUSR1 (those that come together count as one). */
bool cli_stop_takes_state_request(void);

#endif
