/* SPDX-License-Identifier: MIT */
/*
 * Say: see say.h.
 *
 * DESIGN
 * One process prints for one command, so where and how is a static of this
 * file and not an argument of every function. Messages are escaped here, in
 * one place: whatever a file or a server put into them, no escape sequence
 * reaches a terminal. Errors with --json go to stdout, because a program that
 * reads the results must see the error in the same stream.
 */
#include "say.h"

#include "base/escape.h"
#include "base/json_write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)16 << 10)

static struct {
    const char *command;
    bool json;
    bool color;
    int error; /* errno of the first failed write to stdout; 0: none */
} say;

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

static bool wants_color(void)
{
    const char *term = getenv("TERM");

    if (is_set("NO_COLOR")) {
        return false;
    }
    if (is_set("CLICOLOR_FORCE") &&
        strcmp(getenv("CLICOLOR_FORCE"), "0") != 0) {
        return true;
    }
    if (term != NULL && strcmp(term, "dumb") == 0) {
        return false;
    }
    return isatty(STDERR_FILENO) == 1;
}

bool cli_say_init(const char *color, bool json)
{
    say.json = json;
    if (color == NULL || strcmp(color, "auto") == 0) {
        say.color = wants_color();
    } else if (strcmp(color, "always") == 0) {
        say.color = true;
    } else if (strcmp(color, "never") == 0) {
        say.color = false;
    } else {
        return false;
    }
    return true;
}

void cli_say_set_command(const char *command)
{
    say.command = command;
}

bool cli_say_is_json(void)
{
    return say.json;
}

bool cli_say_has_color(void)
{
    return say.color;
}

void cli_put_shown(struct dlr_buf *buf, struct dlr_text text)
{
    dlr_escape_put(buf, text);
}

static void put_error_json(int code, struct dlr_text message,
                           const char *try_command)
{
    struct dlr_buf line;

    dlr_buf_init(&line, MESSAGE_MAX * 8);
    dlr_buf_printf(&line, "{\"type\":\"error\",\"exit\":%d,\"command\":", code);
    (void)dlr_json_put_text(&line, say.command == NULL ? "" : say.command,
                            say.command == NULL ? 0 : strlen(say.command));
    dlr_buf_append_string(&line, ",\"error\":");
    (void)dlr_json_put_text(&line, message.ptr, message.len);
    if (try_command != NULL) {
        struct dlr_buf shown;

        dlr_buf_init(&shown, MESSAGE_MAX * 4);
        cli_put_shown(&shown, dlr_text_of(try_command));
        dlr_buf_append_string(&line, ",\"try\":");
        (void)dlr_json_put_text(&line, shown.ptr, shown.len);
        dlr_buf_clear(&shown);
    }
    dlr_buf_append_string(&line, "}\n");
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
}

static void put_error_text(struct dlr_text message, const char *try_command)
{
    struct dlr_buf shown;

    (void)fflush(stdout); /* keeps the order where both are one terminal */
    fprintf(stderr, "%sdatalyr%s%s:%s %.*s\n", say.color ? "\033[1;31m" : "",
            say.command == NULL ? "" : " ",
            say.command == NULL ? "" : say.command, say.color ? "\033[0m" : "",
            (int)message.len, message.ptr);
    if (try_command == NULL) {
        return;
    }
    dlr_buf_init(&shown, MESSAGE_MAX * 4);
    cli_put_shown(&shown, dlr_text_of(try_command));
    fprintf(stderr, "  %stry:%s %.*s\n", say.color ? "\033[1m" : "",
            say.color ? "\033[0m" : "", (int)shown.len, shown.ptr);
    dlr_buf_clear(&shown);
}

__attribute__((format(printf, 3, 0))) static int
fail(int code, const char *try_command, const char *format, va_list arguments)
{
    char raw[2048];
    struct dlr_buf message;
    int len = vsnprintf(raw, sizeof raw, format, arguments);

    if (len < 0) {
        len = 0;
    }
    if ((size_t)len >= sizeof raw) {
        len = (int)sizeof raw - 1;
    }
    dlr_buf_init(&message, MESSAGE_MAX);
    cli_put_shown(&message, dlr_text_n(raw, (size_t)len));
    if (say.json) {
        put_error_json(code, dlr_buf_text(&message), try_command);
    } else {
        put_error_text(dlr_buf_text(&message), try_command);
    }
    dlr_buf_clear(&message);
    return code;
}

int cli_fail(int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    code = fail(code, NULL, format, arguments);
    va_end(arguments);
    return code;
}

int cli_fail_try(int code, const char *try_command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    code = fail(code, try_command, format, arguments);
    va_end(arguments);
    return code;
}

void cli_note(const char *format, ...)
{
    char raw[2048];
    struct dlr_buf shown;
    va_list arguments;
    int len;

    if (say.json) {
        return;
    }
    va_start(arguments, format);
    len = vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return;
    }
    dlr_buf_init(&shown, MESSAGE_MAX);
    cli_put_shown(&shown,
                  dlr_text_n(raw, (size_t)len >= sizeof raw ? sizeof raw - 1
                                                            : (size_t)len));
    fprintf(stderr, "%.*s\n", (int)shown.len, shown.ptr);
    dlr_buf_clear(&shown);
}

void cli_out(struct dlr_text text)
{
    if (text.len > 0 && fwrite(text.ptr, 1, text.len, stdout) != text.len &&
        say.error == 0) {
        say.error = errno;
    }
}

bool cli_out_failed(void)
{
    return say.error != 0;
}

int cli_out_finish(int code)
{
    if (fflush(stdout) != 0 && say.error == 0) {
        say.error = errno;
    }
    if (say.error != 0) {
        if (say.error == EPIPE) {
            return CLI_EXIT_LOCAL; /* `| head` has what it wanted */
        }
        say.json = false; /* stdout is what failed: say it on stderr */
        return cli_fail_try(CLI_EXIT_LOCAL, "df -h .",
                            "stdout cannot be written: the output is not "
                            "complete");
    }
    return code;
}
