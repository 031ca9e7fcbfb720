/* SPDX-License-Identifier: MIT */
/*
 * Sources: see sources.h.
 *
 * DESIGN
 * Event ids contain the source's name, so it must be the same from wherever the
 * file is imported: the file's own name, without its folders and without .gz.
 * If two files of one import would have the same name, folders are added until
 * they differ: equal records of two days must not become one.
 */
#include "import/sources.h"

#include "say.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 64

struct dlr_text cli_source_name(const char *path, size_t parts)
{
    size_t len = strlen(path);
    size_t start;

    if (strcmp(path, "-") == 0) {
        return DLR_TEXT("stdin");
    }
    start = len;
    while (start > 0 && parts > 0) {
        start--;
        if (path[start] == '/' && --parts == 0) {
            start++;
            break;
        }
    }
    if (len - start > 3 && strcmp(path + len - 3, ".gz") == 0) {
        len -= 3;
    }
    return dlr_text_n(path + start, len - start);
}

static bool have_same_name(const struct cli_import *import, size_t parts)
{
    for (size_t i = 0; i < import->file_count; i++) {
        for (size_t j = i + 1; j < import->file_count; j++) {
            if (dlr_text_equals(cli_source_name(import->paths[i], parts),
                                cli_source_name(import->paths[j], parts)) &&
                strcmp(import->paths[i], import->paths[j]) != 0) {
                return true;
            }
        }
    }
    return false;
}

static char *copy(struct dlr_text text)
{
    char *name = malloc(text.len + 1);

    if (name != NULL) {
        memcpy(name, text.ptr, text.len);
        name[text.len] = '\0';
    }
    return name;
}

int cli_sources_init(struct cli_import *import)
{
    const char *given = cli_args_value(import->args, "source");
    size_t parts = 1;
    bool is_good;

    import->paths = import->args->arguments;
    import->file_count = import->args->argument_count;
    while (parts < PARTS_MAX && have_same_name(import, parts)) {
        parts++;
    }
    import->names = calloc(import->file_count, sizeof *import->names);
    import->marks = calloc(import->file_count, sizeof *import->marks);
    is_good = import->names != NULL && import->marks != NULL &&
              cli_settled_init(&import->settled, import->file_count);
    for (size_t i = 0; i < import->file_count && is_good; i++) {
        struct dlr_text name = cli_source_name(import->paths[i], parts);

        if (given != NULL && import->file_count > 1) {
            char both[PATH_MAX + 256];

            (void)snprintf(both, sizeof both, "%s/%.*s", given, (int)name.len,
                           name.ptr);
            import->names[i] = copy(dlr_text_of(both));
        } else {
            import->names[i] = copy(given != NULL ? dlr_text_of(given) : name);
        }
        is_good = import->names[i] != NULL;
    }
    return is_good ? CLI_EXIT_OK : cli_fail(CLI_EXIT_LOCAL, "out of memory");
}

void cli_sources_clear(struct cli_import *import)
{
    for (size_t i = 0; import->names != NULL && i < import->file_count; i++) {
        free(import->names[i]);
    }
    free(import->names);
    free(import->marks);
    import->names = NULL;
    import->marks = NULL;
    cli_settled_clear(&import->settled);
}

/* Server, key and files: an import to another place is another import. */
static void put_identity(const struct cli_import *import,
                         const datalyr_config *config, struct dlr_buf *out)
{
    const char *key =
        config->api_key != NULL ? config->api_key : getenv("DATALYR_API_KEY");
    char *path;

    dlr_buf_append_string(out, cli_args_setting(import->args, "host"));
    dlr_buf_append_char(out, '\n');
    dlr_buf_append_string(out, key == NULL ? "" : key);
    for (size_t i = 0; i < import->file_count; i++) {
        path = realpath(import->paths[i], NULL);
        dlr_buf_append_char(out, '\n');
        dlr_buf_append_string(out, path == NULL ? import->paths[i] : path);
        dlr_buf_append_char(out, '\n');
        dlr_buf_append_string(out, import->names[i]);
        free(path);
    }
}

void cli_sources_find_position(struct cli_import *import,
                               const datalyr_config *config, bool goes_on)
{
    struct dlr_buf identity;

    dlr_buf_init(&identity, CLI_LINE_MAX);
    put_identity(import, config, &identity);
    import->position.names = (const char **)import->names;
    import->position.file_count = import->file_count;
    cli_position_init(&import->position,
                      cli_args_value(import->args, "position"),
                      dlr_buf_text(&identity));
    dlr_buf_clear(&identity);
    if (goes_on && !cli_position_read(&import->position, import->marks)) {
        cli_note("there is no position to go on from: reading from the "
                 "beginning; what is stored already stays single");
    }
}
