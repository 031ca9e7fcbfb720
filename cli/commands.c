/* SPDX-License-Identifier: MIT */
/*
 * Commands: the table. A new command is a file of its own and a line here.
 */
#include "commands.h"
#include "command.h"

#include <string.h>

static const struct cli_command *const commands[] = {
    &cmd_track,  &cmd_identify, &cmd_group,  &cmd_page,   &cmd_alias,
    &cmd_import, &cmd_tail,     &cmd_expect, &cmd_export, &cmd_journal,
    &cmd_doctor, &cmd_version,  &cmd_help,
};

const struct cli_flag cli_common_flags[] = {
    {"json", NULL, "results and errors as NDJSON on stdout, each with a type"},
    {"color", "WHEN",
     "auto, always or never; auto looks at NO_COLOR, "
     "CLICOLOR_FORCE, TERM and the terminal"},
    {"help", NULL, "this text"},
};
const size_t cli_common_flag_count = CLI_COUNT(cli_common_flags);

const struct cli_command *cli_command_at(size_t index)
{
    return index < CLI_COUNT(commands) ? commands[index] : NULL;
}

const struct cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}
