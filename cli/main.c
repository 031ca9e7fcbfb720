/* SPDX-License-Identifier: MIT */
/*
 * Main: finds the command and runs it. Keys are wiped from the arguments before
 * anything else happens, so that they stay out of the process list for all but
 * the first instant.
 */
#include "args.h"
#include "command.h"
#include "nearest.h"
#include "say.h"

#include <signal.h>

static int refuse_command(int argc, char **argv)
{
    struct cli_nearest nearest = {.wanted = dlr_text_of(argv[1])};
    struct cli_args args = {.argc = argc, .argv = argv};
    struct cli_patch patch = {1, 1, NULL};
    struct dlr_buf again;
    char name[32];
    int code;

    for (size_t i = 0; cli_command_at(i) != NULL; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(cli_command_at(i)->name));
    }
    if (nearest.best.len == 0 || nearest.best.len >= sizeof name) {
        return cli_fail_try(CLI_EXIT_USAGE, "datalyr help",
                            "there is no command %s", argv[1]);
    }
    memcpy(name, nearest.best.ptr, nearest.best.len);
    name[nearest.best.len] = '\0';
    patch.instead = name;
    dlr_buf_init(&again, CLI_LINE_MAX);
    cli_args_put_again(&args, patch, &again);
    code =
        cli_fail_try(CLI_EXIT_USAGE, dlr_buf_terminate(&again),
                     "there is no command %s: did you mean %s?", argv[1], name);
    dlr_buf_clear(&again);
    return code;
}

/* --help for the command at hand: the same as `datalyr help COMMAND`. */
static int show_help(const struct cli_command *command)
{
    const char *words[] = {command->name};
    struct cli_args args = {.arguments = words, .argument_count = 1};

    return cli_command_find("help")->run(&args);
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args = {0};
    const char *color;
    int code;

    cli_args_take_secrets(argc, argv, &args.secrets);
    cli_say_set_command(command->name);
    code = cli_args_parse(&args, command, argc, argv);
    color = cli_args_value(&args, "color");
    if (!cli_say_init(color, cli_args_has(&args, "json")) &&
        code == CLI_EXIT_OK) {
        code = cli_fail(CLI_EXIT_USAGE,
                        "--color is %s: use auto, always or never", color);
    }
    if (code == CLI_EXIT_OK) {
        code = args.asks_for_help ? show_help(command) : command->run(&args);
    }
    cli_args_clear(&args);
    return code;
}

/* --json decides how even the first error is said. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    const struct cli_command *command;
    const char *name = argc > 1 ? argv[1] : "help";

    /* A reader of our output that went away is an error of write(), which is
     * told; not a signal. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)cli_say_init(NULL, wants_json(argc, argv));
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        name = "version";
    } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    }
    command = cli_command_find(name);
    if (command == NULL) {
        struct cli_secrets unused = {0};

        cli_args_take_secrets(argc, argv, &unused);
        cli_secrets_clear(&unused);
        return refuse_command(argc, argv);
    }
    if (argc == 1) {
        (void)command->run(&(struct cli_args){0});
        return CLI_EXIT_USAGE;
    }
    return run_command(command, argc, argv);
}
