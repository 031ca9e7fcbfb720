/* SPDX-License-Identifier: MIT */
/* Version: `datalyr version`. */
#include "args.h"
#include "commands.h"
#include "say.h"

static int run(struct cli_args *args)
{
    struct dlr_buf line;

    (void)args; /* takes none */
    dlr_buf_init(&line, 256);
    if (cli_say_is_json()) {
        dlr_buf_printf(&line,
                       "{\"type\":\"version\",\"datalyr\":\"%s\","
                       "\"libdatalyr\":\"%s\"}\n",
                       DATALYR_VERSION, datalyr_version());
    } else {
        dlr_buf_printf(&line, "datalyr %s (libdatalyr %s)\n", DATALYR_VERSION,
                       datalyr_version());
    }
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&line);
    return cli_out_finish(CLI_EXIT_OK);
}

const struct cli_command cmd_version = {
    .name = "version",
    .usage = "",
    .summary = "print the version",
    .run = run,
};
