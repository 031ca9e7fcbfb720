/* SPDX-License-Identifier: MIT */
/*
 * Backup command: a copy of the store while a collector may be running on it.
 * A command and no path of the API: where files are made on this machine is not
 * for somebody with a key to say.
 */
#include "backup_command.h"

#include "base/escape.h"
#include "store/sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXIT_OK    0
#define EXIT_USAGE 2
#define EXIT_STORE 5

static int usage(void)
{
    (void)fputs("usage: datalyrd backup [--store sqlite:PATH] TARGET\n\n"
                "copies the store to TARGET and TARGET.events, which must not "
                "be there yet; a\ncollector may be running on it. To restore, "
                "start one with --store sqlite:TARGET.\n"
                "exit codes: 0 done, 2 usage, 5 the store fails\n",
                stderr);
    return EXIT_USAGE;
}

int dld_backup_command(int argc, char **argv)
{
    const char *store = "sqlite:datalyr.db";
    const char *target = NULL;
    struct dld_backup_stats stats;
    datalyr_error error;
    char text[512];

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--store") == 0 && i + 1 < argc) {
            store = argv[++i];
        } else if (argv[i][0] == '-' || target != NULL) {
            return usage();
        } else {
            target = argv[i];
        }
    }
    if (target == NULL || target[0] == '\0' ||
        strncmp(store, "sqlite:", 7) != 0 || store[7] == '\0') {
        return usage();
    }
    if (dld_sqlite_backup(store + 7, target, &stats, &error) != DATALYR_OK) {
        (void)dlr_escape_copy(dlr_text_of(error.message), text, sizeof text);
        (void)fprintf(stderr, "datalyrd: %s\n", text);
        return EXIT_STORE;
    }
    (void)dlr_escape_copy(dlr_text_of(target), text, sizeof text);
    (void)printf("files=%" PRIu64 " target=%s\n", stats.files, text);
    return EXIT_OK;
}
