/* SPDX-License-Identifier: MIT */
/* Commands: the names that the table in commands.c refers to. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "command.h"

extern const struct cli_command cmd_track;
extern const struct cli_command cmd_identify;
extern const struct cli_command cmd_group;
extern const struct cli_command cmd_page;
extern const struct cli_command cmd_alias;
extern const struct cli_command cmd_import;
extern const struct cli_command cmd_tail;
extern const struct cli_command cmd_expect;
extern const struct cli_command cmd_export;
extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_journal;
extern const struct cli_command cmd_version;
extern const struct cli_command cmd_help;

#endif
