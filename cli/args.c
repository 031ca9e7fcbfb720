/* SPDX-License-Identifier: MIT */
/*
 * Args: see args.h.
 *
 * DESIGN
 * Flags are looked up in three tables: the command's, the common ones and the
 * library's settings, whose names have '_' where flags have '-'. Values stand
 * behind '=' or in the next word; "--" ends the flags. An unknown flag is
 * answered with the whole command line as it was probably meant.
 */
#include "args.h"

#include "nearest.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>

#define TRY_MAX ((size_t)32 << 10)

/* Flags whose values are secrets. */
static const char *const secret_flags[] = {"--api-key", "--read-key"};

/* The place of the value behind '=' if the word is the flag; 0 if it is the
 * flag alone; -1 if it is something else. */
static int match_secret(const char *word, const char *flag)
{
    size_t len = strlen(flag);

    if (strncmp(word, flag, len) != 0) {
        return -1;
    }
    return word[len] == '=' ? (int)len + 1 : word[len] == '\0' ? 0 : -1;
}

/* As match_secret(), for any of them. */
static int match_any_secret(const char *word)
{
    int place = -1;

    for (size_t i = 0; i < CLI_COUNT(secret_flags) && place < 0; i++) {
        place = match_secret(word, secret_flags[i]);
    }
    return place;
}

/* Through a volatile pointer, so that the compiler keeps the writes. */
static void wipe(char *secret)
{
    volatile char *at = secret;

    while (*at != '\0') {
        *at++ = '*';
    }
}

void cli_args_take_secrets(int argc, char **argv, struct cli_secrets *secrets)
{
    char **copies[] = {&secrets->api_key, &secrets->read_key};

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        for (size_t j = 0; j < CLI_COUNT(secret_flags); j++) {
            int place = match_secret(argv[i], secret_flags[j]);
            char *secret = place > 0 ? argv[i] + place : NULL;

            if (place == 0 && i + 1 < argc) {
                secret = argv[++i];
            }
            if (secret != NULL) {
                free(*copies[j]);
                *copies[j] = strdup(secret);
                wipe(secret);
                break;
            }
        }
    }
}

static void forget(char **secret)
{
    if (*secret != NULL) {
        wipe(*secret);
        free(*secret);
        *secret = NULL;
    }
}

void cli_secrets_clear(struct cli_secrets *secrets)
{
    forget(&secrets->api_key);
    forget(&secrets->read_key);
}

/* Equal, where the setting's '_' are '-' in the flag. */
static bool is_flag_of(struct dlr_text word, const char *setting)
{
    if (word.len != strlen(setting)) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        char wanted = setting[i] == '_' ? '-' : setting[i];

        if (word.ptr[i] != wanted) {
            return false;
        }
    }
    return true;
}

static const struct cli_flag *find_flag(const struct cli_command *command,
                                        struct dlr_text word)
{
    for (size_t i = 0; i < command->flag_count; i++) {
        if (dlr_text_equals(word, dlr_text_of(command->flags[i].name))) {
            return &command->flags[i];
        }
    }
    for (size_t i = 0; i < cli_common_flag_count; i++) {
        if (dlr_text_equals(word, dlr_text_of(cli_common_flags[i].name))) {
            return &cli_common_flags[i];
        }
    }
    return NULL;
}

static const datalyr_setting *find_setting(const struct cli_command *command,
                                           struct dlr_text word)
{
    const datalyr_setting *setting;

    for (size_t i = 0;
         command->takes_settings && (setting = datalyr_setting_at(i)) != NULL;
         i++) {
        if (is_flag_of(word, setting->name)) {
            return setting;
        }
    }
    return NULL;
}

void cli_put_quoted(struct dlr_buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789@%_-+=:,./";

    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        dlr_buf_append_string(out, word);
        return;
    }
    dlr_buf_append_char(out, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            dlr_buf_append_string(out, "'\\''");
        } else {
            dlr_buf_append_char(out, *word);
        }
    }
    dlr_buf_append_char(out, '\'');
}

struct cli_patch cli_patch_given(const struct cli_args *args,
                                 const struct cli_given *given,
                                 const char *instead)
{
    const char *word = args->argv[given->at];
    bool has_value_in_it = strchr(word, '=') != NULL;
    bool is_switch = given->flag != NULL ? given->flag->value == NULL
                                         : given->setting->is_switch;
    struct cli_patch patch = {given->at, has_value_in_it || is_switch ? 1 : 2,
                              instead};

    return patch;
}

void cli_args_put_again(const struct cli_args *args, struct cli_patch patch,
                        struct dlr_buf *out)
{
    dlr_buf_append_string(out, "datalyr");
    for (int i = 1; i < args->argc; i++) {
        if (i == patch.at) {
            if (patch.instead != NULL) {
                dlr_buf_append_char(out, ' ');
                dlr_buf_append_string(out, patch.instead);
            }
            i += patch.count - 1;
            continue;
        }
        if (match_any_secret(args->argv[i]) >= 0) {
            i += match_any_secret(args->argv[i]) > 0 ? 0 : 1;
            continue;
        }
        dlr_buf_append_char(out, ' ');
        cli_put_quoted(out, args->argv[i]);
    }
}

static int refuse_flag(const struct cli_args *args, int at,
                       struct dlr_text name)
{
    struct cli_nearest nearest = {.wanted = name};
    struct dlr_buf again;
    char word[128];
    int code;

    for (size_t i = 0; i < args->command->flag_count; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(args->command->flags[i].name));
    }
    for (size_t i = 0; i < cli_common_flag_count; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(cli_common_flags[i].name));
    }
    for (size_t i = 0;
         args->command->takes_settings && datalyr_setting_at(i) != NULL; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(datalyr_setting_at(i)->name));
    }
    dlr_buf_init(&again, TRY_MAX);
    if (nearest.best.len == 0) {
        dlr_buf_printf(&again, "datalyr help %s", args->command->name);
    } else {
        const char *rest = strchr(args->argv[at], '=');

        (void)snprintf(word, sizeof word, "--%.*s%.60s", (int)nearest.best.len,
                       nearest.best.ptr, rest == NULL ? "" : rest);
        for (char *c = word; *c != '\0' && *c != '='; c++) {
            *c = *c == '_' ? '-' : *c;
        }
        cli_args_put_again(args, (struct cli_patch){at, 1, word}, &again);
    }
    code = cli_fail_try(CLI_EXIT_USAGE, dlr_buf_terminate(&again),
                        "unknown flag --%.*s%s%.*s%s", (int)name.len, name.ptr,
                        nearest.best.len == 0 ? "" : ": did you mean --",
                        (int)nearest.best.len, nearest.best.ptr,
                        nearest.best.len == 0 ? "" : "?");
    dlr_buf_clear(&again);
    return code;
}

static int add_flag(struct cli_args *args, int *at)
{
    const char *word = args->argv[*at] + 2;
    const char *equals = strchr(word, '=');
    struct dlr_text name = dlr_text_n(
        word, equals == NULL ? strlen(word) : (size_t)(equals - word));
    struct cli_given given = {.flag = find_flag(args->command, name),
                              .setting = find_setting(args->command, name),
                              .at = *at};
    bool is_switch;

    if (given.flag == NULL && given.setting == NULL) {
        return refuse_flag(args, *at, name);
    }
    is_switch = given.flag != NULL ? given.flag->value == NULL
                                   : given.setting->is_switch;
    if (equals != NULL) {
        given.value = equals + 1;
        if (is_switch && given.flag != NULL) {
            return cli_fail(CLI_EXIT_USAGE, "--%.*s takes no value",
                            (int)name.len, name.ptr);
        }
    } else if (is_switch) {
        given.value = "true";
    } else if (*at + 1 < args->argc) {
        given.value = args->argv[++*at];
    } else {
        return cli_fail(
            CLI_EXIT_USAGE, "--%.*s needs a value: %s", (int)name.len, name.ptr,
            given.flag != NULL ? given.flag->value : given.setting->range_text);
    }
    args->asks_for_help |=
        given.flag != NULL && strcmp(given.flag->name, "help") == 0;
    args->given[args->given_count++] = given;
    return CLI_EXIT_OK;
}

static int check_arguments(const struct cli_args *args)
{
    const struct cli_command *command = args->command;
    char hint[128];

    (void)snprintf(hint, sizeof hint, "datalyr help %s", command->name);
    if (args->argument_count < command->min_arguments) {
        return cli_fail_try(CLI_EXIT_USAGE, hint, "%s %s missing",
                            command->arguments,
                            command->min_arguments > 1 ? "are" : "is");
    }
    if (args->argument_count > command->max_arguments) {
        return cli_fail_try(CLI_EXIT_USAGE, hint,
                            "\"%s\" is one argument too many; a text with "
                            "spaces needs quotes",
                            args->arguments[command->max_arguments]);
    }
    return CLI_EXIT_OK;
}

int cli_args_parse(struct cli_args *args, const struct cli_command *command,
                   int argc, char **argv)
{
    bool flags_ended = false;
    int code = CLI_EXIT_OK;

    args->command = command;
    args->argc = argc;
    args->argv = argv;
    args->arguments = calloc((size_t)argc + 1, sizeof *args->arguments);
    args->given = calloc((size_t)argc + 1, sizeof *args->given);
    if (args->arguments == NULL || args->given == NULL) {
        return cli_fail(CLI_EXIT_LOCAL, "out of memory");
    }
    for (int i = 2; i < argc && code == CLI_EXIT_OK; i++) {
        if (!flags_ended && strcmp(argv[i], "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && strcmp(argv[i], "-h") == 0) {
            args->asks_for_help = true;
        } else if (!flags_ended && argv[i][0] == '-' && argv[i][1] == '-') {
            code = add_flag(args, &i);
        } else if (!flags_ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            code = cli_fail_try(CLI_EXIT_USAGE, "datalyr help",
                                "unknown flag %s: flags have two dashes; an "
                                "argument that begins with one stands behind "
                                "--",
                                argv[i]);
        } else {
            args->arguments[args->argument_count++] = argv[i];
        }
    }
    if (code == CLI_EXIT_OK && !args->asks_for_help) {
        code = check_arguments(args);
    }
    return code;
}

void cli_args_clear(struct cli_args *args)
{
    free(args->arguments);
    free(args->given);
    cli_secrets_clear(&args->secrets);
    *args = (struct cli_args){0};
}

const char *cli_args_value_at(const struct cli_args *args, const char *flag,
                              size_t index)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct cli_given *given = &args->given[i];

        if (given->flag != NULL && strcmp(given->flag->name, flag) == 0 &&
            index-- == 0) {
            return given->value;
        }
    }
    return NULL;
}

const char *cli_args_value(const struct cli_args *args, const char *flag)
{
    const char *last = NULL;
    const char *value;

    for (size_t i = 0; (value = cli_args_value_at(args, flag, i)) != NULL;
         i++) {
        last = value;
    }
    return last;
}

bool cli_args_has(const struct cli_args *args, const char *flag)
{
    return cli_args_value_at(args, flag, 0) != NULL;
}
