/* SPDX-License-Identifier: MIT */
/*
 * Man: see man.h. It is made from the tables that help is made from, so a new
 * flag or setting is in both; a test compares the page in docs/man with this.
 */
#include "man.h"

#include "command.h"

#include <datalyr.h>

/* Appends text with what roff would take for its own made harmless. */
static void put_text(struct dlr_buf *out, const char *text)
{
    bool is_line_start = out->len == 0 || out->ptr[out->len - 1] == '\n';

    for (; *text != '\0'; text++) {
        if (is_line_start && (*text == '.' || *text == '\'')) {
            dlr_buf_append_string(out, "\\&");
        }
        if (*text == '\\') {
            dlr_buf_append_string(out, "\\e");
        } else if (*text == '-') {
            dlr_buf_append_string(out, "\\-");
        } else if (*text == '\'') {
            dlr_buf_append_string(out, "\\(aq");
        } else {
            dlr_buf_append_char(out, *text);
        }
        is_line_start = *text == '\n';
    }
}

static void put_line(struct dlr_buf *out, const char *before, const char *text,
                     const char *after)
{
    dlr_buf_append_string(out, before);
    put_text(out, text);
    dlr_buf_append_string(out, after);
}

static void put_flag(struct dlr_buf *out, const struct cli_flag *flag)
{
    put_line(out, ".TP\n\\fB\\-\\-", flag->name, "\\fR");
    if (flag->value != NULL) {
        put_line(out, " \\fI", flag->value, "\\fR");
    }
    put_line(out, "\n", flag->help, ".\n");
}

static void put_command(struct dlr_buf *out, const struct cli_command *command)
{
    put_line(out, ".SS datalyr ", command->name, "\n");
    put_line(out, "\\fBdatalyr ", command->name, "\\fR ");
    put_line(out, "", command->usage, "\n.PP\n");
    put_line(out, "", command->summary, ".\n");
    if (command->about != NULL) {
        put_line(out, ".PP\n", command->about, "\n");
    }
    for (size_t i = 0; i < command->flag_count; i++) {
        put_flag(out, &command->flags[i]);
    }
    for (size_t i = 0; i < command->example_count; i++) {
        put_line(out, ".PP\nExample, ", command->examples[i].what, ":\n");
        put_line(out, ".PP\n.nf\n.RS 4\n", command->examples[i].command,
                 "\n.RE\n.fi\n");
    }
}

static void put_setting(struct dlr_buf *out, const datalyr_setting *setting)
{
    char flag[80];
    size_t len = 0;

    for (; setting->name[len] != '\0' && len + 1 < sizeof flag; len++) {
        flag[len] = setting->name[len] == '_' ? '-' : setting->name[len];
    }
    flag[len] = '\0';
    put_line(out, ".TP\n\\fB\\-\\-", flag, "\\fR");
    put_line(out, setting->is_switch ? "" : " \\fI",
             setting->is_switch ? "" : "VALUE", "\\fR\n");
    put_text(out, setting->help);
    if (setting->range_text[0] != '\0') {
        put_line(out, " (", setting->range_text, ")");
    }
    if (setting->default_text[0] != '\0') {
        put_line(out, "; default ", setting->default_text, "");
    }
    dlr_buf_append_string(out, "\n");
}

static void put_exit_codes(struct dlr_buf *out)
{
    dlr_buf_append_string(
        out,
        ".SH EXIT STATUS\n.TP\n0\nAll delivered; with a journal: safe on "
        "disk.\n.TP\n1\nSome events were not delivered, or some records were "
        "rejected.\n.TP\n2\nThe command line is wrong.\n.TP\n3\nThe server "
        "cannot be reached.\n.TP\n4\nThe server refused the key.\n.TP\n5\n"
        "Local input or output failed.\n.TP\n130\nInterrupted; the ledger and "
        "the command to go on were printed.\n");
}

static void put_environment(struct dlr_buf *out)
{
    dlr_buf_append_string(
        out,
        ".SH ENVIRONMENT\n.TP\n\\fBDATALYR_API_KEY\\fR\nThe key. Every setting "
        "can be given like this: DATALYR_ and its name in upper case.\n"
        ".TP\n\\fBNO_COLOR\\fR, \\fBCLICOLOR_FORCE\\fR, \\fBTERM\\fR\nDecide "
        "on colour, unless \\-\\-color does.\n"
        ".TP\n\\fBXDG_STATE_HOME\\fR\nHolds datalyr/import\\-*.json, the "
        "positions of imports; default ~/.local/state.\n");
}

void cli_man_put(struct dlr_buf *out)
{
    const struct cli_command *command;
    const datalyr_setting *setting;

    dlr_buf_append_string(
        out, ".\\\" Made by `datalyr help --man`; not written by hand.\n"
             ".TH DATALYR 1 \"\" \"datalyr " DATALYR_VERSION "\"\n"
             ".SH NAME\ndatalyr \\- record, import and check events from the "
             "command line\n.SH SYNOPSIS\n\\fBdatalyr\\fR \\fICOMMAND\\fR "
             "[\\fIARGUMENTS\\fR] [\\fIFLAGS\\fR]\n.SH DESCRIPTION\nResults "
             "go to stdout, everything else to stderr.\n.SH COMMANDS\n");
    for (size_t i = 0; (command = cli_command_at(i)) != NULL; i++) {
        put_command(out, command);
    }
    dlr_buf_append_string(out, ".SH FLAGS OF EVERY COMMAND\n");
    for (size_t i = 0; i < cli_common_flag_count; i++) {
        put_flag(out, &cli_common_flags[i]);
    }
    dlr_buf_append_string(out, ".SH SETTINGS\nFlags of every command that "
                               "sends.\n");
    for (size_t i = 0; (setting = datalyr_setting_at(i)) != NULL; i++) {
        put_setting(out, setting);
    }
    put_exit_codes(out);
    put_environment(out);
    dlr_buf_append_string(out, ".SH SEE ALSO\n\\fBdatalyrd\\fR(1)\n");
}
