/* SPDX-License-Identifier: MIT */
/* Finds and reads the test data that is kept beside the project: the folder
 * ../shared from its root, or the one that DATALYR_SHARED names. Tests that
 * need it skip with a message where it is absent. */
#ifndef DATALYR_TESTS_SUPPORT_SHARED_H
#define DATALYR_TESTS_SUPPORT_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The path of `name`, a path below shared/data. False, with a message, if there
 * is no such file or folder. */
static inline bool shared_find(const char *name, char *path, size_t cap)
{
    const char *shared = getenv("DATALYR_SHARED");
    const char *source = getenv("DATALYR_SOURCE");

    if (shared != NULL) {
        (void)snprintf(path, cap, "%s/data/%s", shared, name);
    } else {
        (void)snprintf(path, cap, "%s/../shared/data/%s",
                       source == NULL ? "." : source, name);
    }
    if (access(path, R_OK) != 0) {
        (void)printf("# skipped: there is no %s\n", path);
        return false;
    }
    return true;
}

/* Reads a whole file; the caller frees the result, which ends in a NUL that
 * `*len` does not count. NULL if it cannot be read. */
static inline char *shared_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long size = -1;

    *len = 0;
    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = malloc((size_t)size + 1);
    }
    if (bytes != NULL) {
        *len = fread(bytes, 1, (size_t)size, file);
        bytes[*len] = '\0';
    }
    (void)fclose(file);
    return bytes;
}

#endif
