/* SPDX-License-Identifier: MIT */
/* Group: `datalyr group USER GROUP`, which account a user belongs to. */
#include "call.h"
#include "commands.h"

static datalyr_status record(datalyr_client *client,
                             const struct cli_call *call, datalyr_error *error)
{
    (void)error; /* this call has no text beside its status */
    return datalyr_group(client, call->args->arguments[0],
                         call->args->arguments[1], call->properties,
                         &call->options);
}

static int run(struct cli_args *args)
{
    return cli_call_run(args, "trait", "traits", record);
}

static const struct cli_flag flags[] = {
    {"trait", "KEY=VALUE",
     "a trait of the group, repeatable; KEY:=JSON and KEY==TEXT say the kind "
     "explicitly"},
    {"traits", "JSON", "all traits as one JSON object"},
    CLI_CALL_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr group user_123 company_456 --trait employees=500",
     "a user's company"},
};

const struct cli_command cmd_group = {
    .name = "group",
    .usage = "USER GROUP [FLAGS]",
    .summary = "record which account a user belongs to",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 2,
    .max_arguments = 2,
    .arguments = "USER and GROUP",
    .takes_settings = true,
    .run = run,
};
