/* SPDX-License-Identifier: MIT */
/* Alias: `datalyr alias USER PREVIOUS`, two ids of one person. */
#include "call.h"
#include "commands.h"

static datalyr_status record(datalyr_client *client,
                             const struct cli_call *call, datalyr_error *error)
{
    (void)error; /* this call has no text beside its status */
    return datalyr_alias(client, call->args->arguments[0],
                         call->args->arguments[1], &call->options);
}

static int run(struct cli_args *args)
{
    return cli_call_run(args, NULL, NULL, record);
}

static const struct cli_flag flags[] = {CLI_CALL_FLAGS};

static const struct cli_example examples[] = {
    {"datalyr alias user_123 old_user", "old_user is user_123 from now on"},
};

const struct cli_command cmd_alias = {
    .name = "alias",
    .usage = "USER PREVIOUS [FLAGS]",
    .summary = "record that two ids are one person",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 2,
    .max_arguments = 2,
    .arguments = "USER and PREVIOUS",
    .takes_settings = true,
    .run = run,
};
