/* SPDX-License-Identifier: MIT */
/*
 * Command: what a command is. One file a command defines one of these; help,
 * completion and man pages are made from them.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct cli_args;

struct cli_flag {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for the value in help; NULL: a switch */
    const char *help;  /* a sentence without a full stop */
};

struct cli_example {
    const char *command;
    const char *what;
};

struct cli_command {
    const char *name;
    const char *usage;   /* the arguments, as the first line of help has them */
    const char *summary; /* one line for the list of commands */
    const char *about;   /* paragraphs for its own help; may be NULL */
    const struct cli_flag *flags;
    size_t flag_count;
    const struct cli_example *examples;
    size_t example_count;
    size_t min_arguments;
    size_t max_arguments;
    const char *arguments; /* names of the required ones, for messages */
    bool takes_settings;   /* every setting of the library is a flag */
    int (*run)(struct cli_args *args);
};

#define CLI_ANY_NUMBER  ((size_t)-1)
#define CLI_COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The table, in the order of help; NULL after the last. */
const struct cli_command *cli_command_at(size_t index);

/* NULL if there is none of that name. */
const struct cli_command *cli_command_find(const char *name);

/* Flags that every command has. */
extern const struct cli_flag cli_common_flags[];
extern const size_t cli_common_flag_count;

#endif
