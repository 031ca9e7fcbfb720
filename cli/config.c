/* SPDX-License-Identifier: MIT */
/*
 * Config: settings of the library from the command line. The environment is
 * read by the library itself; here it is only looked at where the command
 * wants another default than the library's (import) or has to name a value.
 */
#include "args.h"
#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 4096
#define TRY_MAX      ((size_t)32 << 10)

static const char *environment_value(const char *setting)
{
    char name[80] = "DATALYR_";
    const char *value;
    size_t len = strlen(name);

    for (size_t i = 0; setting[i] != '\0' && len + 1 < sizeof name; i++) {
        name[len++] = (char)toupper((unsigned char)setting[i]);
    }
    name[len] = '\0';
    value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *flag_value(const struct cli_args *args, const char *setting)
{
    const char *value = NULL;

    for (size_t i = 0; i < args->given_count; i++) {
        if (args->given[i].setting != NULL &&
            strcmp(args->given[i].setting->name, setting) == 0) {
            value = args->given[i].value;
        }
    }
    return value;
}

bool cli_args_decides(const struct cli_args *args, const char *setting)
{
    return flag_value(args, setting) != NULL ||
           environment_value(setting) != NULL;
}

const char *cli_args_setting(const struct cli_args *args, const char *name)
{
    const char *value = flag_value(args, name);
    const datalyr_setting *setting;

    if (value == NULL) {
        value = environment_value(name);
    }
    for (size_t i = 0;
         value == NULL && (setting = datalyr_setting_at(i)) != NULL; i++) {
        if (strcmp(setting->name, name) == 0) {
            value = setting->default_text;
        }
    }
    return value;
}

/* The first line of the file, without the blanks around it. */
static int read_key_file(const char *path, datalyr_config *config)
{
    char key[KEY_FILE_MAX] = "";
    struct dlr_text trimmed;
    datalyr_error error;
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        return cli_fail(CLI_EXIT_LOCAL, "--api-key-file %s cannot be read: %s",
                        path, strerror(errno));
    }
    if (fgets(key, sizeof key, file) == NULL) {
        key[0] = '\0';
    }
    (void)fclose(file); /* only read from */
    trimmed = dlr_text_trim(dlr_text_of(key));
    if (trimmed.len == 0) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--api-key-file %s is empty: its first "
                        "line is the key",
                        path);
    }
    key[(size_t)(trimmed.ptr - key) + trimmed.len] = '\0';
    if (datalyr_config_set(config, "api_key", trimmed.ptr, &error) !=
        DATALYR_OK) {
        return cli_fail(CLI_EXIT_USAGE, "--api-key-file %s: %s", path,
                        error.message);
    }
    return CLI_EXIT_OK;
}

static int apply_setting(const struct cli_args *args,
                         const struct cli_given *given, datalyr_config *config)
{
    datalyr_error error;
    struct dlr_buf again;
    char flag[128];
    int code;

    if (datalyr_config_set(config, given->setting->name, given->value,
                           &error) == DATALYR_OK) {
        return CLI_EXIT_OK;
    }
    (void)snprintf(flag, sizeof flag, "--%s=%s", given->setting->name,
                   given->setting->default_text);
    for (char *c = flag; *c != '\0' && *c != '='; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    dlr_buf_init(&again, TRY_MAX);
    cli_args_put_again(
        args,
        cli_patch_given(args, given,
                        given->setting->default_text[0] == '\0' ? NULL : flag),
        &again);
    code = cli_fail_try(CLI_EXIT_USAGE, dlr_buf_terminate(&again), "%s",
                        error.message);
    dlr_buf_clear(&again);
    return code;
}

int cli_args_config(const struct cli_args *args, datalyr_config *config)
{
    const char *key_file = cli_args_value(args, "api-key-file");
    datalyr_error error;
    int code = CLI_EXIT_OK;

    if (key_file != NULL) {
        code = read_key_file(key_file, config);
    }
    for (size_t i = 0; i < args->given_count && code == CLI_EXIT_OK; i++) {
        const struct cli_given *given = &args->given[i];

        /* The key's own word was wiped; its copy is set below. */
        if (given->setting != NULL &&
            strcmp(given->setting->name, "api_key") != 0) {
            code = apply_setting(args, given, config);
        }
    }
    if (code == CLI_EXIT_OK && args->secrets.api_key != NULL &&
        datalyr_config_set(config, "api_key", args->secrets.api_key, &error) !=
            DATALYR_OK) {
        code = cli_fail(CLI_EXIT_USAGE, "%s", error.message);
    }
    return code;
}
