/* SPDX-License-Identifier: MIT */
/*
 * Journaler: a process that records events into a journal until somebody kills
 * it, and writes down each id after datalyr_track() accepted it. What is written
 * down was accepted; the tests look for each of these ids on the server.
 *
 *     journaler DIR URL ACKS PREFIX THREADS [--set NAME=VALUE ...]
 *     journaler DIR URL drain             sends what dead processes left
 *
 * Every thread has a file of its own, ACKS.<n>; a line is one write().
 * With --fork, a child does the same beside its parent. With --count N each
 * thread ends after N events, and the process prints its ledger.
 */
#include <datalyr.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 16

struct writer {
    datalyr_client *client;
    const char *acks;
    const char *prefix;
    int number;
    long count;
};

static void nap(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void *record(void *self)
{
    struct writer *writer = self;
    char path[4096];
    char id[128];
    int fd;

    snprintf(path, sizeof path, "%s.%d", writer->acks, writer->number);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (long i = 0; fd >= 0 && i < writer->count; i++) {
        int len = snprintf(id, sizeof id, "%s-%d-%08ld\n", writer->prefix,
                           writer->number, i);
        datalyr_status status;

        id[len - 1] = '\0';
        status = datalyr_track(
            writer->client,
            &(datalyr_event){
                DATALYR_EVENT_INIT,
                .user_id = "user_41",
                .event = "crash",
                .event_id = id,
                .properties = DATALYR_OBJECT(
                    { "n", DATALYR(i) },
                    { "note", DATALYR("accepted before the kill") }),
            });
        if (status != DATALYR_OK) {
            fprintf(stderr, "refused: %s\n", datalyr_status_name(status));
            break;
        }
        id[len - 1] = '\n';
        if (write(fd, id, (size_t)len) != len) {
            break;
        }
    }
    close(fd);
    return NULL;
}

static void print_ledger(const datalyr_ledger *ledger)
{
    printf("{\"calls\":%" PRIu64 ",\"accepted\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"recovered\":%" PRIu64
           ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64
           ",\"corrupt\":%" PRIu64 ",\"expired\":%" PRIu64
           ",\"close_timeout\":%" PRIu64 ",\"pending\":%" PRIu64
           ",\"journal_errors\":%" PRIu64 ",\"corrupt_bytes\":%" PRIu64 "}\n",
           ledger->calls, ledger->accepted, datalyr_ledger_refused(ledger),
           ledger->recovered, ledger->delivered,
           datalyr_ledger_dropped(ledger),
           ledger->dropped[DATALYR_DROP_JOURNAL_CORRUPT],
           ledger->dropped[DATALYR_DROP_JOURNAL_EXPIRED],
           ledger->dropped[DATALYR_DROP_CLOSE_TIMEOUT], ledger->pending,
           ledger->journal_errors, ledger->journal_corrupt_bytes);
    fflush(stdout);
}

/* Waits until what was found in the directory is settled. */
static int drain(datalyr_client *client)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    for (int quiet = 0; quiet < 3;) {
        nap(20);
        datalyr_stats(client, &ledger);
        quiet = ledger.pending == 0 ? quiet + 1 : 0;
    }
    datalyr_close_within(&client, 10000, &ledger);
    print_ledger(&ledger);
    return ledger.pending == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int write_events(datalyr_client *client, struct writer shape,
                        int threads)
{
    pthread_t running[MAX_THREADS];
    struct writer writers[MAX_THREADS];
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    for (int i = 0; i < threads; i++) {
        writers[i] = shape;
        writers[i].client = client;
        writers[i].number += i;
        pthread_create(&running[i], NULL, record, &writers[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(running[i], NULL);
    }
    datalyr_close_within(&client, 0, &ledger);
    print_ledger(&ledger);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_error error;
    struct writer shape = {.count = 1000000000};
    bool is_drain = argc > 3 && strcmp(argv[3], "drain") == 0;
    bool is_forking = false;
    int threads = 1;

    if (argc < 4) {
        fprintf(stderr, "usage: journaler DIR URL ACKS PREFIX THREADS ...\n");
        return 2;
    }
    datalyr_config_set(&config, "api_key", "dk_test_journal_4711", NULL);
    datalyr_config_set(&config, "journal_dir", argv[1], NULL);
    datalyr_config_set(&config, "host", argv[2], NULL);
    datalyr_config_set(&config, "max_requests_per_second", "unlimited", NULL);
    if (!is_drain && argc > 5) {
        shape.acks = argv[3];
        shape.prefix = argv[4];
        threads = (int)strtol(argv[5], NULL, 10);
    }
    for (int i = is_drain ? 4 : 6; i < argc; i++) {
        if (strcmp(argv[i], "--fork") == 0) {
            is_forking = true;
        } else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            shape.count = strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
            char *value = strchr(argv[++i], '=');

            *value = '\0';
            if (datalyr_config_set(&config, argv[i], value + 1, &error) !=
                DATALYR_OK) {
                fprintf(stderr, "%s\n", error.message);
                return 2;
            }
        }
    }
    if (threads < 1 || threads > MAX_THREADS ||
        datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "open: %s\n", error.message);
        return 1;
    }
    datalyr_config_clear(&config);
    if (is_forking && fork() == 0) {
        shape.number = 100;
    }
    return is_drain ? drain(client) : write_events(client, shape, threads);
}
