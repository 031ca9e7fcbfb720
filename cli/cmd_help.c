/* SPDX-License-Identifier: MIT */
/* Help: `datalyr help [COMMAND]`. */
#include "args.h"
#include "commands.h"
#include "help.h"
#include "man.h"
#include "nearest.h"
#include "say.h"

#include "base/json_write.h"

#include <stdio.h>

#define HELP_MAX ((size_t)256 << 10)

static int refuse(const char *name)
{
    struct cli_nearest nearest = {.wanted = dlr_text_of(name)};
    char hint[64] = "datalyr help";

    for (size_t i = 0; cli_command_at(i) != NULL; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(cli_command_at(i)->name));
    }
    if (nearest.best.len > 0) {
        (void)snprintf(hint, sizeof hint, "datalyr help %.*s",
                       (int)nearest.best.len, nearest.best.ptr);
    }
    return cli_fail_try(CLI_EXIT_USAGE, hint, "there is no command %s", name);
}

static int run(struct cli_args *args)
{
    const struct cli_command *command = NULL;
    struct dlr_buf text;
    struct dlr_buf line;

    if (args->argument_count > 0) {
        command = cli_command_find(args->arguments[0]);
        if (command == NULL) {
            return refuse(args->arguments[0]);
        }
    }
    dlr_buf_init(&text, HELP_MAX);
    dlr_buf_init(&line, HELP_MAX * 2);
    if (cli_args_has(args, "man")) {
        cli_man_put(&text);
    } else if (command != NULL) {
        cli_help_put_command(command, &text);
    } else {
        cli_help_put_all(&text);
    }
    if (cli_say_is_json()) {
        dlr_buf_append_string(&line, "{\"type\":\"help\",\"text\":");
        (void)dlr_json_put_text(&line, text.ptr, text.len);
        dlr_buf_append_string(&line, "}\n");
        cli_out(dlr_buf_text(&line));
    } else {
        cli_out(dlr_buf_text(&text));
    }
    dlr_buf_clear(&line);
    dlr_buf_clear(&text);
    return cli_out_finish(CLI_EXIT_OK);
}

static const struct cli_flag flags[] = {
    {"man", NULL, "print the manual page, as roff"},
};

const struct cli_command cmd_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "list the commands, or say what one does",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .max_arguments = 1,
    .run = run,
};
