/* SPDX-License-Identifier: MIT */
/* Unzip: gzip members, one behind the other, as a stream. */
#ifndef CLI_IMPORT_UNZIP_H
#define CLI_IMPORT_UNZIP_H

#include <stdbool.h>
#include <stddef.h>

struct cli_unzip;

/* NULL when out of memory. */
struct cli_unzip *cli_unzip_new(void);
void cli_unzip_free(struct cli_unzip *unzip);

struct cli_unzip_step {
    const char *from; /* moved on by what was used */
    size_t from_len;
    char *to; /* moved on by what was written */
    size_t to_len;
    const char *problem; /* NULL: none so far */
};

/* Unpacks as much as fits. False if the data is damaged: `problem` says how. */
bool cli_unzip_run(struct cli_unzip *unzip, struct cli_unzip_step *step);

/* True if a member has begun and its end was not seen: a file that ends here is
 * cut off. */
bool cli_unzip_is_inside(const struct cli_unzip *unzip);

#endif
