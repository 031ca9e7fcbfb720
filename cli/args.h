/* SPDX-License-Identifier: MIT */
/*
 * Args: the words after `datalyr COMMAND`, sorted into arguments, flags of the
 * command and settings of the library. What they mean is left to the command.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/buf.h"
#include "command.h"

#include <datalyr.h>

struct cli_given {
    const struct cli_flag *flag;           /* NULL: a setting */
    const struct datalyr_setting *setting; /* NULL: a flag */
    const char *value;                     /* NULL for a switch */
    int at;                                /* word of the command line */
};

/* Copies of what was wiped; owned, NULL where it was not given. */
struct cli_secrets {
    char *api_key;
    char *read_key;
};

struct cli_args {
    const struct cli_command *command;
    int argc; /* the whole command line, keys wiped */
    char **argv;
    const char **arguments;
    size_t argument_count;
    struct cli_given *given;
    size_t given_count;
    struct cli_secrets secrets;
    bool asks_for_help; /* --help: nothing else was checked */
};

/* Sorts argv[2] and on. Returns CLI_EXIT_OK, or CLI_EXIT_USAGE after saying
 * what is wrong. cli_args_clear() in both cases. */
int cli_args_parse(struct cli_args *args, const struct cli_command *command,
                   int argc, char **argv);
void cli_args_clear(struct cli_args *args);

/* Wipes the values of --api-key and --read-key out of argv, so that they vanish
 * from the process list, and hands out copies. */
void cli_args_take_secrets(int argc, char **argv, struct cli_secrets *secrets);
void cli_secrets_clear(struct cli_secrets *secrets);

/* The last value of a flag; NULL if it was not given. */
const char *cli_args_value(const struct cli_args *args, const char *flag);
bool cli_args_has(const struct cli_args *args, const char *flag);

/* Value number `index` of a flag that may be repeated, NULL after the last. */
const char *cli_args_value_at(const struct cli_args *args, const char *flag,
                              size_t index);

/* True if the user decided on a setting, by flag or environment. */
bool cli_args_decides(const struct cli_args *args, const char *setting);

/* The setting as the user gave it (flag, then environment), else its default.
 * Not for keys. Borrowed. */
const char *cli_args_setting(const struct cli_args *args, const char *name);

/* Fills `config` (initialised) from flags and --api-key-file. Returns an exit
 * code after saying what is wrong. datalyr_config_clear() in both cases. */
int cli_args_config(const struct cli_args *args, datalyr_config *config);

/* Words of the command line to be replaced: from `at` on (0: none). */
struct cli_patch {
    int at;
    int count;
    const char *instead; /* taken as it is; NULL leaves the words out */
};

/* The words that a flag and its value take. */
struct cli_patch cli_patch_given(const struct cli_args *args,
                                 const struct cli_given *given,
                                 const char *instead);

/* Appends the command line as it could be typed again, without keys. */
void cli_args_put_again(const struct cli_args *args, struct cli_patch patch,
                        struct dlr_buf *out);

/* Appends one word, quoted for a shell where it needs to be. */
void cli_put_quoted(struct dlr_buf *out, const char *word);

#endif
