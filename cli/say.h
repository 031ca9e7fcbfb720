/* SPDX-License-Identifier: MIT */
/*
 * Say: everything the command prints. stdout carries data only, all else goes
 * to stderr; with --json every line on stdout is one JSON object with a `type`,
 * errors too. What to say is left to the commands.
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>

/* What every --help lists; frozen. */
enum cli_exit {
    CLI_EXIT_OK = 0,        /* all delivered; with a journal: safe on disk */
    CLI_EXIT_SOME_NOT = 1,  /* some events were not delivered */
    CLI_EXIT_USAGE = 2,     /* the command line is wrong */
    CLI_EXIT_UNREACHED = 3, /* no answer from the server */
    CLI_EXIT_REFUSED = 4,   /* the key was refused */
    CLI_EXIT_LOCAL = 5,     /* local input or output failed */
    CLI_EXIT_INTERRUPTED = 130
};

/* The longest text that is put together for one line of output. */
#define CLI_LINE_MAX ((size_t)64 << 20)

/* Decides on colour: --color, then NO_COLOR, CLICOLOR_FORCE, TERM=dumb, then
 * whether stderr is a terminal. False: `color` is not auto, always or never. */
bool cli_say_init(const char *color, bool json);

/* The command that messages begin with, such as "import". Borrowed. */
void cli_say_set_command(const char *command);

bool cli_say_is_json(void);
bool cli_say_has_color(void);

/* Says what is wrong and why, and returns `code` so that it can be returned at
 * once. */
int cli_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As cli_fail(), with the `try:` line: a command, or NULL. */
int cli_fail_try(int code, const char *try_command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line for people on stderr, without prefix; nothing with --json. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes to stdout and notices failures (a full disk, a closed pipe). */
void cli_out(struct dlr_text text);
bool cli_out_failed(void);

/* Flushes stdout; CLI_EXIT_LOCAL with a message where it failed, else `code`. */
int cli_out_finish(int code);

/* Foreign text into a message: control characters made visible. */
void cli_put_shown(struct dlr_buf *buf, struct dlr_text text);

#endif
