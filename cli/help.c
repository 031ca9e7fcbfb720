/* SPDX-License-Identifier: MIT */
/*
 * Help: see help.h. Everything comes from the table of commands and the
 * library's table of settings, so a new flag or setting needs no word here.
 */
#include "help.h"

#include "say.h"

#include <datalyr.h>

#define WIDTH  79
#define INDENT 8

/* Appends words, broken at blanks, each line indented by `indent`. */
static void put_wrapped(struct dlr_buf *out, const char *text, size_t indent)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " \n");

        if (column > 0 && indent + column + 1 + word > WIDTH) {
            dlr_buf_append_char(out, '\n');
            column = 0;
        }
        if (column == 0) {
            dlr_buf_printf(out, "%*s", (int)indent, "");
        } else {
            dlr_buf_append_char(out, ' ');
            column++;
        }
        dlr_buf_append(out, text, word);
        column += word;
        text += word;
        if (*text == '\n') {
            dlr_buf_append_char(out, '\n');
            column = 0;
        }
        text += *text == '\0' ? 0 : 1;
    }
    if (column > 0) {
        dlr_buf_append_char(out, '\n');
    }
}

static void put_exit_codes(struct dlr_buf *out)
{
    dlr_buf_append_string(
        out, "\nExit codes\n"
             "  0    all delivered (with a journal: safe on disk)\n"
             "  1    some events were not delivered\n"
             "  2    the command line is wrong\n"
             "  3    the server cannot be reached\n"
             "  4    the server refused the key\n"
             "  5    local input or output failed\n"
             "  130  interrupted; the ledger and the command to go on were "
             "printed\n");
}

void cli_help_put_all(struct dlr_buf *out)
{
    const struct cli_command *command;

    dlr_buf_append_string(out,
                          "datalyr: record, import and check events from the "
                          "command line\n\nUsage: datalyr COMMAND "
                          "[ARGUMENTS] [FLAGS]\n\nCommands\n");
    for (size_t i = 0; (command = cli_command_at(i)) != NULL; i++) {
        dlr_buf_printf(out, "  %-10s %s\n", command->name, command->summary);
    }
    dlr_buf_append_string(
        out, "\nThe key comes from DATALYR_API_KEY, --api-key-file FILE or "
             "--api-key.\nEvery setting is a flag and an environment "
             "variable: datalyr help track\nresults go to stdout, everything "
             "else to stderr; --json makes both NDJSON.\n");
    put_exit_codes(out);
    dlr_buf_append_string(out, "\n  datalyr help COMMAND   says more\n");
}

static void put_flag(struct dlr_buf *out, const struct cli_flag *flag)
{
    dlr_buf_printf(out, "  --%s%s%s\n", flag->name,
                   flag->value == NULL ? "" : " ",
                   flag->value == NULL ? "" : flag->value);
    put_wrapped(out, flag->help, INDENT);
}

static void put_setting(struct dlr_buf *out, const datalyr_setting *setting)
{
    char line[512];
    size_t start = out->len;
    struct dlr_buf text;

    dlr_buf_printf(out, "  --%s", setting->name);
    for (size_t i = start + 4; i < out->len; i++) {
        out->ptr[i] = out->ptr[i] == '_' ? '-' : out->ptr[i];
    }
    dlr_buf_append_string(out, setting->is_switch ? "\n" : " VALUE\n");
    dlr_buf_init_fixed(&text, line, sizeof line);
    dlr_buf_append_string(&text, setting->help);
    if (setting->range_text[0] != '\0') {
        dlr_buf_printf(&text, " (%s)", setting->range_text);
    }
    if (setting->default_text[0] != '\0') {
        dlr_buf_printf(&text, "; default %s", setting->default_text);
    }
    if (dlr_buf_terminate(&text) != NULL) {
        put_wrapped(out, line, INDENT);
    }
}

static void put_settings(struct dlr_buf *out)
{
    const datalyr_setting *setting;

    dlr_buf_append_string(out, "\nSettings, each also in the environment as "
                               "DATALYR_ and its name in upper case\n");
    for (size_t i = 0; (setting = datalyr_setting_at(i)) != NULL; i++) {
        put_setting(out, setting);
    }
}

void cli_help_put_command(const struct cli_command *command,
                          struct dlr_buf *out)
{
    dlr_buf_printf(out, "datalyr %s: %s\n\nUsage: datalyr %s %s\n",
                   command->name, command->summary, command->name,
                   command->usage);
    if (command->about != NULL) {
        dlr_buf_append_char(out, '\n');
        put_wrapped(out, command->about, 0);
    }
    if (command->example_count > 0) {
        dlr_buf_append_string(out, "\nExamples\n");
    }
    for (size_t i = 0; i < command->example_count; i++) {
        dlr_buf_printf(out, "  # %s\n  %s\n", command->examples[i].what,
                       command->examples[i].command);
    }
    dlr_buf_append_string(out, "\nFlags\n");
    for (size_t i = 0; i < command->flag_count; i++) {
        put_flag(out, &command->flags[i]);
    }
    for (size_t i = 0; i < cli_common_flag_count; i++) {
        put_flag(out, &cli_common_flags[i]);
    }
    if (command->takes_settings) {
        put_settings(out);
    }
    put_exit_codes(out);
}
