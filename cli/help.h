/* SPDX-License-Identifier: MIT */
/* Help: the command table as text for people. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/buf.h"
#include "command.h"

/* Appends the list of commands, and the help of one. */
void cli_help_put_all(struct dlr_buf *out);
void cli_help_put_command(const struct cli_command *command,
                          struct dlr_buf *out);

#endif
