/* SPDX-License-Identifier: MIT */
/*
 * datalyr-faultd: an ingest server that goes wrong on purpose.
 * Here: the command line.
 */
#include "server.h"

#include "base/mem.h"
#include "base/units.h"

#include <datalyr.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_SCRIPT_BYTES ((size_t)1 << 20)

static const char usage[] =
    "Usage: datalyr-faultd [OPTION]...\n"
    "An ingest server that goes wrong on purpose, to test DATALYR clients.\n"
    "Prints its address on the first line and serves until SIGTERM.\n"
    "\n"
    "  --listen HOST:PORT  where to listen, port 0 is any (127.0.0.1:0)\n"
    "  --rule TEXT         a rule, as in 'next 5: status 503 retry-after 2';\n"
    "                      may be given many times\n"
    "  --script FILE       rules from a file, one per line\n"
    "  --batch N|off       take batches of up to N events and say so in\n"
    "                      X-Datalyr-Batch (off)\n"
    "  --gzip on|off       take gzip and say so in Accept-Encoding (off)\n"
    "  --seed N            start of the sequence of chances (1)\n"
    "  --key KEY           answer 401 to any other X-API-Key\n"
    "  --log FILE          append each request as a line of JSON\n"
    "  --help, --version\n"
    "\n"
    "While it runs: PUT rules to /__faults, GET /__faults, /__ledger,\n"
    "/__events and /__requests. The rules: man datalyr-faultd.\n";

enum option_code {
    OPTION_LISTEN = 256,
    OPTION_RULE,
    OPTION_SCRIPT,
    OPTION_BATCH,
    OPTION_GZIP,
    OPTION_SEED,
    OPTION_KEY,
    OPTION_LOG,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"rule", required_argument, NULL, OPTION_RULE},
    {"script", required_argument, NULL, OPTION_SCRIPT},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"gzip", required_argument, NULL, OPTION_GZIP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"key", required_argument, NULL, OPTION_KEY},
    {"log", required_argument, NULL, OPTION_LOG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct command_line {
    struct dlf_settings settings;
    struct dlf_rules *rules;
    bool is_done; /* help or version was asked for and given */
};

static bool complain(const char *what, const char *value)
{
    fprintf(stderr, "datalyr-faultd: %s '%s'\n  try: datalyr-faultd --help\n",
            what, value);
    return false;
}

static bool add_rules(struct dlf_rules *rules, const char *text, size_t len)
{
    char problem[256] = "";

    if (!dlf_rules_add(rules, text, len, problem)) {
        fprintf(stderr,
                "datalyr-faultd: %s\n"
                "  try: datalyr-faultd --rule 'next 5: status 503'\n",
                problem);
        return false;
    }
    return true;
}

static bool add_script(struct dlf_rules *rules, const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = dlr_malloc(MAX_SCRIPT_BYTES);
    bool is_added = false;
    size_t len;

    if (file == NULL || text == NULL) {
        (void)complain("cannot read the script", path);
        goto done;
    }
    len = fread(text, 1, MAX_SCRIPT_BYTES, file);
    if (ferror(file) != 0 || len == MAX_SCRIPT_BYTES) {
        (void)complain("cannot read the script", path);
        goto done;
    }
    is_added = add_rules(rules, text, len);
done:
    if (file != NULL) {
        (void)fclose(file); /* only read */
    }
    dlr_free(text);
    return is_added;
}

static bool read_batch(struct dlf_settings *settings, const char *text)
{
    uint64_t count = 0;

    if (strcmp(text, "off") == 0) {
        settings->batch_max = 0;
        return true;
    }
    if (!dlr_parse_count(dlr_text_of(text), &count) || count < 1 ||
        count > 1000000) {
        return complain("--batch is off or 1 to 1000000, not", text);
    }
    settings->batch_max = (int64_t)count;
    return true;
}

static bool read_gzip(struct dlf_settings *settings, const char *text)
{
    settings->has_gzip = strcmp(text, "on") == 0;
    return settings->has_gzip || strcmp(text, "off") == 0 ||
           complain("--gzip is on or off, not", text);
}

static bool read_option(struct command_line *line, enum option_code code)
{
    struct dlf_settings *settings = &line->settings;

    switch (code) {
    case OPTION_LISTEN:
        settings->listen = optarg;
        return true;
    case OPTION_RULE:
        return add_rules(line->rules, optarg, strlen(optarg));
    case OPTION_SCRIPT:
        return add_script(line->rules, optarg);
    case OPTION_BATCH:
        return read_batch(settings, optarg);
    case OPTION_GZIP:
        return read_gzip(settings, optarg);
    case OPTION_SEED:
        return dlr_parse_count(dlr_text_of(optarg), &settings->seed) ||
               complain("--seed is a number, not", optarg);
    case OPTION_KEY:
        settings->api_key = optarg;
        return true;
    case OPTION_LOG:
        settings->log_file = optarg;
        return true;
    case OPTION_HELP:
        line->is_done = true;
        return fputs(usage, stdout) >= 0;
    case OPTION_VERSION:
        line->is_done = true;
        return puts("datalyr-faultd " DATALYR_VERSION) >= 0;
    }
    return false;
}

static bool read_command_line(int argc, char **argv, struct command_line *line)
{
    int code = 0;

    line->settings.listen = "127.0.0.1:0";
    line->settings.seed = 1;
    opterr = 0;
    while (!line->is_done &&
           (code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == '?') {
            return complain("unknown option, or one without its value:",
                            argv[optind - 1]);
        }
        if (!read_option(line, (enum option_code)code)) {
            return false;
        }
    }
    if (!line->is_done && optind < argc) {
        return complain("what is this:", argv[optind]);
    }
    return true;
}

/* Signals arrive through a descriptor, between two turns of the loop. */
static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* no way to fail */
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    static struct dlf_server server; /* too large for a stack of its own */
    struct command_line line = {.rules = &server.rules};
    char problem[256] = "";
    int signal_fd;

    if (!read_command_line(argc, argv, &line)) {
        return 2;
    }
    if (line.is_done) {
        return EXIT_SUCCESS;
    }
    /* The seed may come after the rules it belongs to. */
    dlf_rules_seed(&server.rules, line.settings.seed);
    signal_fd = open_signals();
    if (signal_fd < 0 || !dlf_server_open(&server, &line.settings, problem)) {
        fprintf(stderr, "datalyr-faultd: %s\n", problem);
        return 5;
    }
    dlf_server_run(&server, signal_fd);
    dlf_server_close(&server);
    (void)close(signal_fd);
    return EXIT_SUCCESS;
}
