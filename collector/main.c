/* SPDX-License-Identifier: MIT */
/*
 * datalyrd: puts the parts together, says where it is, and stops in order.
 *
 * DESIGN
 * Signals are waited for on this thread and blocked on all others. Stopping
 * goes against the stream of a request: no new connections, answer what is in
 * work, write what is queued, close the store. What was answered with 200 is on
 * disk by then in any case.
 */
#include "api/api.h"
#include "api/live.h"
#include "backup_command.h"
#include "base/escape.h"
#include "collector.h"
#include "key_command.h"
#include "options.h"
#include "os/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum exit_code {
    EXIT_STOPPED = 0,
    EXIT_USAGE = 2,
    EXIT_LISTEN = 3,
    EXIT_STORE = 5,
};

static int complain(const datalyr_error *error, int code)
{
    char text[512];

    (void)dlr_escape_copy(dlr_text_of(error->message), text, sizeof text);
    (void)fprintf(stderr, "datalyrd: %s\n", text);
    if (code == EXIT_USAGE) {
        (void)fputs("try: datalyrd --help\n", stderr);
    } else if (code == EXIT_LISTEN) {
        (void)fputs("try: datalyrd --listen 127.0.0.1:0\n", stderr);
    }
    return code;
}

/* Each connection is a file, and so is each partition. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void block_signals(sigset_t *signals)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    /* Beyond `ulimit -f` a write fails, as on a full disk. */
    (void)sigaction(SIGXFSZ, &ignore, NULL);
}

static void print_start(const struct dld_collector *collector,
                        const struct dld_options *options)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1;

    (void)printf("datalyrd %s is listening on %s\n", DATALYR_VERSION,
                 collector->address);
    if (collector->made_key[0] != '\0') {
        (void)printf("key:   %s\n",
                     is_terminal ? collector->made_key : collector->key_path);
    } else {
        (void)printf("key:   as given\n");
    }
    (void)printf("store: %s\n", options->store);
    (void)printf("try:   curl -H \"X-API-Key: %s\" "
                 "-d '{\"event\":\"hello\",\"userId\":\"me\"}' %s/track\n",
                 is_terminal && collector->made_key[0] != '\0'
                     ? collector->made_key
                     : "dk_...",
                 collector->address);
    (void)printf("       curl %s/api/v1/events\n", collector->address);
    (void)printf("stop:  Ctrl-C\n");
    (void)fflush(stdout);
}

/* Keys vanish from the process list once they are copied into the ring. */
static void wipe_keys(int argc, char **argv)
{
    static const char *const names[] = {"--api-key", "--read-key",
                                        "--admin-key"};

    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            size_t len = strlen(names[k]);

            if (strncmp(argv[i], names[k], len) != 0) {
                continue;
            }
            if (argv[i][len] == '=') {
                dlr_process_wipe_argument(argv[i] + len + 1);
            } else if (argv[i][len] == '\0' && i + 1 < argc) {
                dlr_process_wipe_argument(argv[i + 1]);
            }
        }
    }
}

/* Looks after keys and old events until it is time to stop. */
static void await_signal(const sigset_t *signals,
                         struct dld_collector *collector)
{
    static const struct timespec second = {.tv_sec = 1};

    while (sigtimedwait(signals, NULL, &second) < 0) {
        dld_collector_refresh_keys(collector);
        dld_collector_retain(collector);
    }
}

int main(int argc, char **argv)
{
    struct dld_options options;
    struct dld_collector collector;
    datalyr_error error;
    datalyr_status status;
    sigset_t signals;

    if (argc > 1 && strcmp(argv[1], "key") == 0) {
        (void)umask(077);
        return dld_key_command(argc - 2, argv + 2);
    }
    if (argc > 1 && strcmp(argv[1], "backup") == 0) {
        (void)umask(077);
        return dld_backup_command(argc - 2, argv + 2);
    }
    if (dld_options_read(argc, argv, &options, &error) != DATALYR_OK) {
        return complain(&error, EXIT_USAGE);
    }
    if (options.wants_help) {
        dld_options_help(stdout);
        return EXIT_STOPPED;
    }
    if (options.wants_version) {
        (void)printf("datalyrd %s\n", DATALYR_VERSION);
        return EXIT_STOPPED;
    }
    (void)umask(077);
    raise_file_limit();
    block_signals(&signals);
    status = dld_collector_start(&options, &collector, &error);
    wipe_keys(argc, argv);
    if (status != DATALYR_OK) {
        return complain(&error, collector.failed_exit);
    }
    print_start(&collector, &options);
    await_signal(&signals, &collector);
    dld_collector_stop(&collector, stderr);
    return EXIT_STOPPED;
}
