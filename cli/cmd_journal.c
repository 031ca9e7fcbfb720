/* SPDX-License-Identifier: MIT */
/* Journal: `datalyr journal ACTION DIR`, what a journal directory holds. */
#include "commands.h"
#include "journal/journal.h"
#include "say.h"

#include <string.h>

struct action {
    const char *name;
    int (*run)(struct cli_args *args, int dir);
};

static const struct action actions[] = {
    {"list", cli_journal_list},       {"show", cli_journal_show},
    {"export", cli_journal_export},   {"send", cli_journal_send},
    {"discard", cli_journal_discard},
};

static int run(struct cli_args *args)
{
    int dir = -1;
    int code;

    for (size_t i = 0; i < CLI_COUNT(actions); i++) {
        if (strcmp(actions[i].name, args->arguments[0]) == 0) {
            code = cli_journal_open_dir(args, &dir);
            if (code == CLI_EXIT_OK) {
                code = actions[i].run(args, dir);
            }
            dlr_estate_close_dir(&dir);
            return code;
        }
    }
    return cli_fail_try(CLI_EXIT_USAGE, "datalyr journal list DIRECTORY",
                        "there is no action %s: use list, show, export, send "
                        "or discard",
                        args->arguments[0]);
}

static const struct cli_flag flags[] = {
    {"watch", NULL, "send: stay, and deliver what processes go on leaving"},
    {"yes", NULL, "discard: without it nothing is removed"},
};

static const struct cli_example examples[] = {
    {"datalyr journal list /var/lib/shop/journal", "who left what"},
    {"datalyr journal send /var/lib/shop/journal --watch",
     "deliver what short-lived processes leave behind"},
    {"datalyr journal export /var/lib/shop/journal > pending.ndjson",
     "the pending events, for datalyr import"},
};

const struct cli_command cmd_journal = {
    .name = "journal",
    .usage = "list|show|export|send|discard DIR [OWNER] [FLAGS]",
    .summary = "see, deliver or discard what a journal directory holds",
    .about = "A journal belongs to the process that writes it as long as that "
             "process lives. send and discard take those of dead processes; "
             "send only what was recorded for the same host and key.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 2,
    .max_arguments = 3,
    .arguments = "ACTION DIR",
    .takes_settings = true,
    .run = run,
};
