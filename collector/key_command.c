/* SPDX-License-Identifier: MIT */
/*
 * Key command: keys without a restart. A collector on the same store sees the
 * change within a second.
 */
#include "key_command.h"

#include "base/escape.h"
#include "base/number.h"
#include "base/time.h"
#include "ingest/keys.h"
#include "os/clock.h"
#include "store/key_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXIT_OK    0
#define EXIT_USAGE 2
#define EXIT_STORE 5

struct arguments {
    const char *verb;
    const char *store;
    const char *workspace;
    const char *role;
    const char *number;
};

static int usage(void)
{
    (void)fputs("usage: datalyrd key add [--workspace NAME] "
                "[--role write|read|admin] [--store sqlite:PATH]\n"
                "       datalyrd key list [--store sqlite:PATH]\n"
                "       datalyrd key revoke NUMBER [--store sqlite:PATH]\n"
                "\nadd prints the key; it is shown this once and kept as a "
                "hash.\nexit codes: 0 done, 2 usage, 5 the store fails\n",
                stderr);
    return EXIT_USAGE;
}

static bool take_option(struct arguments *arguments, const char *name,
                        const char *value)
{
    if (strcmp(name, "--store") == 0) {
        arguments->store = value;
    } else if (strcmp(name, "--workspace") == 0) {
        arguments->workspace = value;
    } else if (strcmp(name, "--role") == 0) {
        arguments->role = value;
    } else {
        return false;
    }
    return true;
}

static bool read_arguments(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){
        .store = "sqlite:datalyr.db", .workspace = "default", .role = "write"};
    if (argc < 1) {
        return false;
    }
    arguments->verb = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (i + 1 == argc ||
                !take_option(arguments, argv[i], argv[i + 1])) {
                return false;
            }
            i++;
        } else if (arguments->number == NULL) {
            arguments->number = argv[i];
        } else {
            return false;
        }
    }
    return strncmp(arguments->store, "sqlite:", 7) == 0;
}

static uint32_t read_role(const char *role)
{
    return strcmp(role, "write") == 0   ? DLD_ROLE_WRITE
           : strcmp(role, "read") == 0  ? DLD_ROLE_READ
           : strcmp(role, "admin") == 0 ? DLD_ROLE_ADMIN
                                        : 0u;
}

static const char *role_name(uint32_t roles)
{
    return (roles & DLD_ROLE_ADMIN) != 0  ? "admin"
           : (roles & DLD_ROLE_READ) != 0 ? "read"
                                          : "write";
}

static int fail(const datalyr_error *error)
{
    (void)fprintf(stderr, "datalyrd: %s\n", error->message);
    return EXIT_STORE;
}

static int add_key(struct dld_key_table *table,
                   const struct arguments *arguments)
{
    struct dld_key_record record = {.roles = read_role(arguments->role),
                                    .created_ms = dlr_clock_realtime_ms()};
    char key[DLD_KEY_TEXT_CAP];
    datalyr_error error = {0};

    if (record.roles == 0 || arguments->workspace[0] == '\0' ||
        strlen(arguments->workspace) >= sizeof record.workspace_name) {
        return usage();
    }
    if (!dld_keys_make(key)) {
        (void)fputs("datalyrd: the system gives no randomness\n", stderr);
        return EXIT_STORE;
    }
    memcpy(record.workspace_name, arguments->workspace,
           strlen(arguments->workspace) + 1);
    dlr_mask_key(dlr_text_of(key), record.hint);
    dld_keys_hash(dlr_text_of(key), record.hash);
    if (dld_key_table_add(table, &record, &error) != DATALYR_OK) {
        return fail(&error);
    }
    (void)printf("%s\n", key);
    return EXIT_OK;
}

static void show_key(void *self, const struct dld_key_record *record)
{
    char created[DLR_TIME_TEXT_CAP] = "";
    char name[DLD_KEY_TABLE_NAME_CAP * 4];

    (void)self;
    (void)dlr_time_format_iso(record->created_ms, created);
    (void)dlr_escape_copy(dlr_text_of(record->workspace_name), name,
                          sizeof name);
    (void)printf("%" PRId64 "\t%s\t%s\t%s\t%s\t%s\n", record->number,
                 record->hint, role_name(record->roles), name, created,
                 record->revoked_ms == 0 ? "good" : "revoked");
}

static int list_keys(struct dld_key_table *table)
{
    datalyr_error error = {0};

    return dld_key_table_list(table, show_key, NULL, &error) == DATALYR_OK
               ? EXIT_OK
               : fail(&error);
}

static int revoke_key(struct dld_key_table *table,
                      const struct arguments *arguments)
{
    datalyr_error error = {0};
    int64_t number;
    bool is_found;

    if (arguments->number == NULL ||
        !dlr_number_read_int64(arguments->number, strlen(arguments->number),
                               &number)) {
        return usage();
    }
    if (dld_key_table_revoke(table, number, dlr_clock_realtime_ms(), &is_found,
                             &error) != DATALYR_OK) {
        return fail(&error);
    }
    if (!is_found) {
        (void)fprintf(stderr,
                      "datalyrd: no good key has number %" PRId64
                      "\ntry: datalyrd key list\n",
                      number);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

int dld_key_command(int argc, char **argv)
{
    struct arguments arguments;
    struct dld_key_table *table;
    datalyr_error error = {0};
    int code;

    if (!read_arguments(argc, argv, &arguments)) {
        return usage();
    }
    if (dld_key_table_open(arguments.store + 7, &table, &error) != DATALYR_OK) {
        return fail(&error);
    }
    if (strcmp(arguments.verb, "add") == 0) {
        code = add_key(table, &arguments);
    } else if (strcmp(arguments.verb, "list") == 0) {
        code = list_keys(table);
    } else if (strcmp(arguments.verb, "revoke") == 0) {
        code = revoke_key(table, &arguments);
    } else {
        code = usage();
    }
    dld_key_table_close(&table);
    return code;
}
