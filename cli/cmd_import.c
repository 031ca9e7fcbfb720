/* SPDX-License-Identifier: MIT */
/*
 * Import: `datalyr import FILE...`, history from files. This file sets an import
 * up from its flags and says at the end what became of it; the work is in
 * import/run.c.
 */
#include "commands.h"
#include "host.h"
#include "import/run.h"
#include "import/sources.h"
#include "import/summary.h"
#include "say.h"
#include "stop.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROBLEM_MAX ((size_t)64 << 10)

static int read_maps(struct cli_import *import)
{
    const char *spec;

    for (size_t i = 0;
         (spec = cli_args_value_at(import->args, "map", i)) != NULL; i++) {
        dlr_buf_rewind(&import->problem, 0);
        if (!cli_maps_add(&import->mapper.maps, spec, &import->problem)) {
            return cli_fail_try(CLI_EXIT_USAGE, "datalyr help import",
                                "--map %s: %.*s", spec,
                                (int)import->problem.len, import->problem.ptr);
        }
    }
    return CLI_EXIT_OK;
}

static int read_format(struct cli_import *import)
{
    static const char *const names[] = {"auto", "ndjson", "json", "csv"};
    const char *given = cli_args_value(import->args, "format");
    const char *delimiter = cli_args_value(import->args, "delimiter");

    if (delimiter != NULL) {
        if (strcmp(delimiter, "tab") == 0 || strcmp(delimiter, "\\t") == 0) {
            delimiter = "\t";
        }
        if (strlen(delimiter) != 1 || strchr("\"\r\n", delimiter[0]) != NULL) {
            return cli_fail(CLI_EXIT_USAGE, "--delimiter is one character, or "
                                            "the word tab");
        }
        import->delimiter = delimiter[0];
    }
    for (size_t i = 0; given != NULL && i < CLI_COUNT(names); i++) {
        if (strcmp(given, names[i]) == 0) {
            import->format = (enum cli_format)i;
            return CLI_EXIT_OK;
        }
    }
    return given == NULL
               ? CLI_EXIT_OK
               : cli_fail(CLI_EXIT_USAGE,
                          "--format is %s: use auto, ndjson, json or csv",
                          given);
}

static int read_numbers(struct cli_import *import)
{
    const char *rate = cli_args_value(import->args, "rate");
    const char *every = cli_args_value(import->args, "progress-every");
    uint64_t every_ms = 10000;

    if (rate != NULL && (!dlr_parse_count(dlr_text_of(rate), &import->rate) ||
                         import->rate == 0)) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--rate is %s: give the most events a second", rate);
    }
    if (import->rate == DLR_UNLIMITED) {
        import->rate = 0;
    }
    if (every != NULL &&
        (!dlr_parse_duration_ms(dlr_text_of(every), &every_ms) ||
         every_ms == DLR_UNLIMITED)) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--progress-every is %s: give a time such as 30s",
                        every);
    }
    cli_progress_start(&import->progress,
                       isatty(STDERR_FILENO) == 1 && !cli_say_is_json(),
                       (int64_t)every_ms);
    return CLI_EXIT_OK;
}

static int read_flags(struct cli_import *import)
{
    const char *zone = cli_args_value(import->args, "timezone");
    const char *each = cli_args_value(import->args, "each");
    int code = read_maps(import);

    if (code == CLI_EXIT_OK) {
        code = read_format(import);
    }
    if (code == CLI_EXIT_OK) {
        code = read_numbers(import);
    }
    if (code != CLI_EXIT_OK) {
        return code;
    }
    if (!cli_zone_init(&import->mapper.zone, zone)) {
        return cli_fail_try(CLI_EXIT_USAGE, "ls /usr/share/zoneinfo",
                            "--timezone %s is unknown here: use a name such as "
                            "Europe/London (package tzdata), UTC, or +05:30",
                            zone);
    }
    if (!cli_each_init(&import->each, each)) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--each %s is no path: write events, or orders.lines",
                        each);
    }
    import->mapper.event_name = cli_args_value(import->args, "event");
    import->is_dry = cli_args_has(import->args, "dry-run");
    return CLI_EXIT_OK;
}

static void set_unless_decided(const struct cli_import *import,
                               datalyr_config *config, const char *name,
                               const char *value)
{
    datalyr_error ignored;

    if (!cli_args_decides(import->args, name)) {
        /* Our own values are in range. */
        (void)datalyr_config_set(config, name, value, &ignored);
    }
}

/* Bulk is not what the library's defaults are for: they suit a service that
 * records a few events a second and must never wait. To this machine bytes
 * travel for nothing, and packing them costs as much as all else. */
static int open_session(struct cli_import *import, datalyr_config *config)
{
    int code = cli_args_config(import->args, config);
    struct cli_host host;

    if (code != CLI_EXIT_OK) {
        return code;
    }
    set_unless_decided(import, config, "flush_at", "1000");
    set_unless_decided(import, config, "flush_interval_ms", "1000");
    set_unless_decided(import, config, "max_queue_size", "20000");
    set_unless_decided(import, config, "max_queue_bytes", "24MiB");
    set_unless_decided(import, config, "overflow", "block");
    if (cli_host_read(&host, cli_args_setting(import->args, "host")) &&
        host.is_loopback) {
        set_unless_decided(import, config, "compression", "none");
    }
    /* Short, so that Ctrl-C is noticed: recording is simply tried again. */
    set_unless_decided(import, config, "block_timeout_ms", "200");
    import->session.on_settled = cli_summary_note_settled;
    import->session.self = import;
    return cli_session_open(&import->session, import->args, config);
}

static int prepare(struct cli_import *import, datalyr_config *config)
{
    bool goes_on = cli_args_has(import->args, "resume");
    int code = read_flags(import);

    if (code == CLI_EXIT_OK) {
        code = cli_sources_init(import);
    }
    if (code == CLI_EXIT_OK) {
        code = cli_import_check_files(import);
    }
    if (code == CLI_EXIT_OK) {
        code = cli_rejects_open(
            &import->rejects, cli_args_value(import->args, "rejects"), goes_on);
    }
    if (code == CLI_EXIT_OK && !import->is_dry) {
        cli_stop_install();
        code = open_session(import, config);
    }
    if (code == CLI_EXIT_OK && !import->is_dry) {
        cli_sources_find_position(import, config, goes_on);
    }
    if (import->session.is_disabled) {
        /* Nothing will be settled; an earlier position stays as it is. */
        cli_settled_freeze(&import->settled);
        import->position.path[0] = '\0';
    }
    return code;
}

static int run(struct cli_args *args)
{
    struct cli_import *import = calloc(1, sizeof *import);
    datalyr_config config = {DATALYR_CONFIG_INIT};
    int code;

    if (import == NULL) {
        return cli_fail(CLI_EXIT_LOCAL, "out of memory");
    }
    import->args = args;
    cli_mapper_init(&import->mapper);
    cli_event_init(&import->event);
    dlr_buf_init(&import->problem, PROBLEM_MAX);
    dlr_buf_init(&import->line, CLI_LINE_MAX * 4);
    code = prepare(import, &config);
    if (code == CLI_EXIT_OK) {
        cli_import_run(import);
        code = cli_summary_end(import);
    }
    (void)datalyr_close_within(&import->session.client, 0, NULL);
    cli_sources_clear(import);
    cli_csv_clear(&import->csv);
    cli_record_clear(&import->record);
    cli_event_clear(&import->event);
    cli_mapper_clear(&import->mapper);
    dlr_buf_clear(&import->problem);
    dlr_buf_clear(&import->line);
    datalyr_config_clear(&config);
    free(import);
    return cli_out_finish(code);
}

static const struct cli_flag flags[] = {
    {"map", "FIELD=SOURCE",
     "where a field comes from, repeatable. FIELD: type, event, user_id, "
     "anonymous_id, event_id, timestamp, group_id, previous_id, session_id, "
     "properties.NAME. SOURCE: a column or dotted path, a|b (the first that is "
     "not empty), a*b (exact product), =TEXT; column:number is a number. What "
     "is not mapped becomes a property"},
    {"each", "PATH",
     "the items of the array at PATH are the records; --map finds fields of "
     "what stands around them too"},
    {"event", "NAME", "the name of all events"},
    {"source", "NAME",
     "the name that event ids are derived from; default: the file's name"},
    {"timezone", "TZ",
     "of times without a zone, such as Europe/London or +05:30; default: UTC"},
    {"rate", "N", "at most N events a second"},
    {"resume", NULL,
     "go on where an earlier import of these files ended: what is settled is "
     "not sent again"},
    {"position", "FILE",
     "where the position for --resume is kept; default: a file in "
     "$XDG_STATE_HOME/datalyr"},
    {"rejects", "FILE",
     "write records that cannot be used and events that were given up to FILE, "
     "with the reason"},
    {"dry-run", NULL, "print the events as NDJSON and send nothing"},
    {"format", "NAME", "ndjson, json or csv; default: by the first bytes"},
    {"delimiter", "C",
     "between the columns of CSV, or the word tab; "
     "default: a comma"},
    {"progress-every", "TIME",
     "between lines about the progress where stderr is no terminal; default: "
     "10s, 0s for none"},
    {"api-key-file", "FILE", "read the key from the first line of FILE"},
};

static const struct cli_example examples[] = {
    {"datalyr import events.ndjson.gz", "our own or Segment's lines"},
    {"datalyr import orders.csv --event purchase --map user_id=CustomerID "
     "--map timestamp=InvoiceDate --timezone Europe/London "
     "--map 'properties.revenue=Quantity*UnitPrice'",
     "a table"},
    {"datalyr import sessions.jsonl --each events --map anonymous_id=session "
     "--map event=type --map timestamp=ts",
     "sessions with their events inside"},
    {"zcat log.gz | datalyr import - --source log --dry-run | head -3",
     "look before sending"},
};

const struct cli_command cmd_import = {
    .name = "import",
    .usage = "FILE... [FLAGS]",
    .summary = "send events from NDJSON, JSON or CSV files, also gzip",
    .about = "Reads files of any size in constant memory; - is stdin. Event "
             "ids are derived from the source's name, the record's place and "
             "its bytes, so importing a file again stores nothing twice. Ends "
             "with the ledger line on stdout. Records that cannot be used are "
             "counted as rejected and the exit code is 1.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .min_arguments = 1,
    .max_arguments = CLI_ANY_NUMBER,
    .arguments = "FILE",
    .takes_settings = true,
    .run = run,
};
