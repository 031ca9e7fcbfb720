/* SPDX-License-Identifier: MIT */
/*
 * Discard: `datalyr journal discard DIR [OWNER] --yes`, the end of events that
 * nobody wants to send any more. An owner that lives is left alone.
 */
#include "journal/journal.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct discarding {
    int dir;
    const char *owner; /* NULL: all that are dead */
    bool is_confirmed;
    uint64_t events;
    uint64_t alive;
    uint64_t found;
    int code;
};

static void remove_files(struct discarding *discarding,
                         const struct cli_journal *journal)
{
    struct dlr_estate estate;
    int error = dlr_estate_open(discarding->dir, journal->owner, &estate);

    if (error == EWOULDBLOCK) {
        discarding->alive += 1; /* it came to life, or found an heir */
        return;
    }
    for (size_t i = 0; error == 0 && i < estate.file_count; i++) {
        error =
            dlr_estate_remove(discarding->dir, &estate, estate.files[i].name);
    }
    dlr_estate_close(discarding->dir, &estate);
    if (error == 0) {
        discarding->events += journal->pending;
    } else {
        discarding->code = cli_fail(CLI_EXIT_LOCAL, "%s cannot be removed: %s",
                                    journal->owner, strerror(error));
    }
}

static bool discard_owner(void *self, const struct cli_journal *journal)
{
    struct discarding *discarding = self;

    if (discarding->owner != NULL &&
        strcmp(discarding->owner, journal->owner) != 0) {
        return true;
    }
    discarding->found += 1;
    if (journal->is_alive) {
        discarding->alive += 1;
    } else if (discarding->is_confirmed) {
        remove_files(discarding, journal);
    } else {
        discarding->events += journal->pending;
    }
    return discarding->code == CLI_EXIT_OK;
}

static int conclude(const struct cli_args *args,
                    const struct discarding *discarding)
{
    const char *dir = args->arguments[1];

    if (discarding->owner != NULL && discarding->found == 0) {
        return cli_fail_try(CLI_EXIT_USAGE, "datalyr journal list DIRECTORY",
                            "%s has no journal of owner %s", dir,
                            discarding->owner);
    }
    if (discarding->alive > 0 && discarding->alive == discarding->found) {
        return cli_fail_try(CLI_EXIT_LOCAL, "datalyr journal list DIRECTORY",
                            "the owner of the journal in %s is alive: stop "
                            "that process first",
                            dir);
    }
    if (!discarding->is_confirmed) {
        return cli_fail(CLI_EXIT_USAGE,
                        "%" PRIu64 " events in %s would be lost for good: add "
                        "--yes to discard them",
                        discarding->events, dir);
    }
    cli_note("discarded %" PRIu64 " events", discarding->events);
    return CLI_EXIT_OK;
}

int cli_journal_discard(struct cli_args *args, int dir)
{
    struct discarding discarding = {
        .dir = dir,
        .owner = args->argument_count > 2 ? args->arguments[2] : NULL,
        .is_confirmed = cli_args_has(args, "yes"),
    };
    int code = cli_journal_each(dir, discard_owner, &discarding);

    if (code == CLI_EXIT_OK) {
        code = discarding.code;
    }
    return code == CLI_EXIT_OK ? conclude(args, &discarding) : code;
}
