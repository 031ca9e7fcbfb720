/* SPDX-License-Identifier: MIT */
/* Track: `datalyr track EVENT`, one event from a shell. */
#include "call.h"
#include "commands.h"

static datalyr_status record(datalyr_client *client,
                             const struct cli_call *call, datalyr_error *error)
{
    datalyr_event event = {
        DATALYR_EVENT_INIT,
        .user_id = cli_args_value(call->args, "user"),
        .anonymous_id = call->options.anonymous_id,
        .event = call->args->arguments[0],
        .properties = call->properties,
        .event_id = call->options.event_id,
        .timestamp_ms = call->options.timestamp_ms,
        .session_id = call->options.session_id,
    };

    return datalyr_track_e(client, &event, error);
}

static int run(struct cli_args *args)
{
    return cli_call_run(args, "prop", "properties", record);
}

static const struct cli_flag flags[] = {
    {"user", "ID", "user id; this or --anonymous is needed"},
    {"prop", "KEY=VALUE",
     "a property, repeatable; a number, true, false or null where the value is "
     "exactly that in JSON, else text; KEY:=JSON and KEY==TEXT say it "
     "explicitly"},
    {"properties", "JSON", "all properties as one JSON object"},
    CLI_CALL_FLAGS,
};

static const struct cli_example examples[] = {
    {"datalyr track purchase --user user_123 --prop revenue=99.99 "
     "--prop currency=USD",
     "one purchase"},
    {"datalyr track page_scrolled --anonymous anon_1 "
     "--properties '{\"depth\":0.5}'",
     "an anonymous visitor, properties as JSON"},
};

const struct cli_command cmd_track = {
    .name = "track",
    .usage = "EVENT (--user ID | --anonymous ID) [FLAGS]",
    .summary = "record one event and wait until it is delivered",
    .about = "Prints what became of the event and its id. The same --event-id "
             "sent twice is stored once.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 1,
    .max_arguments = 1,
    .arguments = "EVENT",
    .takes_settings = true,
    .run = run,
};
