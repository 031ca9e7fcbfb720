/* SPDX-License-Identifier: MIT */
/* Position: the marks of an import in a file, for --resume. */
#ifndef CLI_IMPORT_POSITION_H
#define CLI_IMPORT_POSITION_H

#include "import/settled.h"

#include "base/buf.h"

struct cli_position {
    char path[4096];    /* empty: there is no place for it */
    const char **names; /* one a file, lent */
    size_t file_count;
    int error; /* errno of the last failed write */
};

/* Puts the file where `path` says, else into the user's state folder under a
 * name made from `identity` (server, key, files). */
void cli_position_init(struct cli_position *position, const char *path,
                       struct dlr_text identity);

/* Reads marks for the names that are known. False if there is no such file or
 * it makes no sense. */
bool cli_position_read(const struct cli_position *position,
                       struct cli_mark *marks);

/* Replaces the file. False with `error` set if that fails. */
bool cli_position_write(struct cli_position *position,
                        const struct cli_mark *marks);

void cli_position_remove(const struct cli_position *position);

#endif
