/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over files that are kept, in place of libFuzzer's own
 * main(): every input that once mattered is a test in each build. The folder
 * may be missing (nothing was found yet); then the empty input is all. A target
 * that fails takes the program down, and the test runner counts that.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's name for the target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Inputs are small by nature; a larger file is a mistake in the corpus. */
#define MAX_INPUT_BYTES (4u << 20)

static uint8_t input[MAX_INPUT_BYTES];

/* Returns false if the file cannot be read whole. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t len = 0;
    int is_whole = 0;

    if (file == NULL) {
        return 0;
    }
    len = fread(input, 1, sizeof(input), file);
    is_whole = !ferror(file) && feof(file);
    fclose(file);
    if (is_whole) {
        (void)LLVMFuzzerTestOneInput(input, len); /* always 0 or dead */
    }
    return is_whole;
}

static int run_folder(const char *folder, unsigned *count)
{
    DIR *dir = opendir(folder);
    struct dirent *entry = NULL;
    int has_failed = 0;
    char path[4096];

    if (dir == NULL) {
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        ++*count;
        if (run_file(path)) {
            printf("ok %u - survives the kept input %s\n", *count,
                   entry->d_name);
        } else {
            printf("not ok %u - reads %s\n", *count, path);
            has_failed = 1;
        }
    }
    closedir(dir);
    return has_failed;
}

int main(int argc, char **argv)
{
    unsigned count = 1;
    int has_failed = 0;

    (void)LLVMFuzzerTestOneInput(input, 0);
    printf("ok 1 - survives the empty input\n");
    for (int i = 1; i < argc; i++) {
        has_failed |= run_folder(argv[i], &count);
    }
    printf("1..%u\n", count);
    return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
