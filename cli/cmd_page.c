/* SPDX-License-Identifier: MIT */
/* Page: `datalyr page USER [NAME]`, a page view. */
#include "call.h"
#include "commands.h"

static datalyr_status record(datalyr_client *client,
                             const struct cli_call *call, datalyr_error *error)
{
    (void)error; /* this call has no text beside its status */
    return datalyr_page(
        client, call->args->arguments[0],
        call->args->argument_count > 1 ? call->args->arguments[1] : NULL,
        call->properties, &call->options);
}

static int run(struct cli_args *args)
{
    return cli_call_run(args, "prop", "properties", record);
}

static const struct cli_flag flags[] = {
    {"prop", "KEY=VALUE",
     "a property, repeatable; KEY:=JSON and KEY==TEXT say the kind "
     "explicitly"},
    {"properties", "JSON", "all properties as one JSON object"},
    CLI_CALL_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr page user_123 'Landing Page' --prop url=https://example.com",
     "a page view"},
};

const struct cli_command cmd_page = {
    .name = "page",
    .usage = "USER [NAME] [FLAGS]",
    .summary = "record a page view",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 1,
    .max_arguments = 2,
    .arguments = "USER",
    .takes_settings = true,
    .run = run,
};
