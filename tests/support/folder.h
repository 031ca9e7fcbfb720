/* SPDX-License-Identifier: MIT */
/* A folder of its own for a test, gone afterwards. */
#ifndef DATALYR_TESTS_SUPPORT_FOLDER_H
#define DATALYR_TESTS_SUPPORT_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct test_folder {
    char path[256];
};

static inline bool test_folder_make(struct test_folder *folder)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folder->path, sizeof folder->path, "%s/datalyr-test-XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    return mkdtemp(folder->path) != NULL;
}

/* The path of `name` in the folder; lent until the next call. */
static inline const char *test_folder_path(const struct test_folder *folder,
                                           const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

static inline int test_folder_remove_entry(const char *path,
                                           const struct stat *info, int kind,
                                           struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void test_folder_remove(struct test_folder *folder)
{
    (void)nftw(folder->path, test_folder_remove_entry, 16,
               FTW_DEPTH | FTW_PHYS);
    folder->path[0] = '\0';
}

#endif
