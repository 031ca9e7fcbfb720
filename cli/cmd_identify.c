/* SPDX-License-Identifier: MIT */
/* Identify: `datalyr identify USER`, who a user is. */
#include "call.h"
#include "commands.h"

static datalyr_status record(datalyr_client *client,
                             const struct cli_call *call, datalyr_error *error)
{
    (void)error; /* this call has no text beside its status */
    return datalyr_identify(client, call->args->arguments[0], call->properties,
                            &call->options);
}

static int run(struct cli_args *args)
{
    return cli_call_run(args, "trait", "traits", record);
}

static const struct cli_flag flags[] = {
    {"trait", "KEY=VALUE",
     "a trait, repeatable; KEY:=JSON and KEY==TEXT say the kind explicitly"},
    {"traits", "JSON", "all traits as one JSON object"},
    CLI_CALL_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr identify user_123 --trait email=kim@example.com "
     "--trait plan=pro",
     "traits of a user"},
    {"datalyr identify user_123 --anonymous anon_1",
     "link what the visitor did before signing up"},
};

const struct cli_command cmd_identify = {
    .name = "identify",
    .usage = "USER [FLAGS]",
    .summary = "record who a user is",
    .about = "With --anonymous the two ids are linked.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 1,
    .max_arguments = 1,
    .arguments = "USER",
    .takes_settings = true,
    .run = run,
};
