/* SPDX-License-Identifier: MIT */
/*
 * Stop: see stop.h. Handlers only set flags. System calls are not restarted, so
 * that a read from a silent pipe or terminal ends on Ctrl-C.
 */
#include "stop.h"

#include "say.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t state_wanted;

static void handle_stop(int signal_number)
{
    (void)signal_number; /* both mean the same */
    if (stop_wanted != 0) {
        _exit(CLI_EXIT_INTERRUPTED); /* the user means it */
    }
    stop_wanted = 1;
}

static void handle_state(int signal_number)
{
    (void)signal_number;
    state_wanted = 1;
}

void cli_stop_install(void)
{
    struct sigaction action = {0};

    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = handle_stop;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = handle_state;
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGUSR1, &action, NULL);
}

bool cli_stop_is_wanted(void)
{
    return stop_wanted != 0;
}

bool cli_stop_takes_state_request(void)
{
    bool wanted = state_wanted != 0;

    state_wanted = 0;
    return wanted;
}
