/* SPDX-License-Identifier: MIT */
/*
 * Journaler: a process that records events into a journal until somebody kills
 * it, and writes down each id after datalyr_track() accepted it. What is written
 * down was accepted; the tests look for each of these ids on the server.
 *
 *     journaler DIR URL ACKS PREFIX THREADS [--set NAME=VALUE ...]
 *     journaler DIR URL drain [--expect-nothing]  sends what dead ones left
 *
 * Every thread has a file of its own, ACKS.<n>; a line is one write().
 * With --fork, a child does the same beside its parent. With --count N each
 * thread ends after N events, and the process prints its ledger; with --linger
 * it prints a line instead and waits to be killed.
 */
#include <datalyr.h>

#include <dirent.h>
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
                    {"n", DATALYR(i)},
                    {"note", DATALYR("accepted before the kill")}),
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

/* A positive number, 0 for anything else. */
static long read_count(const char *text)
{
    char *end = NULL;
    long count = strtol(text, &end, 10);

    return end != text && *end == '\0' && count > 0 ? count : 0;
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
           ledger->recovered, ledger->delivered, datalyr_ledger_dropped(ledger),
           ledger->dropped[DATALYR_DROP_JOURNAL_CORRUPT],
           ledger->dropped[DATALYR_DROP_JOURNAL_EXPIRED],
           ledger->dropped[DATALYR_DROP_CLOSE_TIMEOUT], ledger->pending,
           ledger->journal_errors, ledger->journal_corrupt_bytes);
    fflush(stdout);
}

/* Segments in the directory that some owner left. */
static int count_segments(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        count += len == 45 && strcmp(entry->d_name + 41, ".seg") == 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

/* Waits until what dead processes left is taken over and settled. With
 * --expect-nothing, where it should be left alone, for a few looks at it. */
static int drain(datalyr_client *client, const char *dir, bool expects_nothing)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int looks = 0;

    do {
        nap(20);
        datalyr_stats(client, &ledger);
        looks++;
    } while (ledger.pending > 0 ||
             (expects_nothing
                  ? looks < 30
                  : ledger.recovered == 0 && count_segments(dir) > 0));
    datalyr_close_within(&client, 10000, &ledger);
    print_ledger(&ledger);
    return ledger.pending == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int write_events(datalyr_client *client, struct writer shape,
                        int threads, bool is_lingering)
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
    if (is_lingering) {
        printf("done\n");
        fflush(stdout);
        pause();
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
    bool is_lingering = false;
    bool expects_nothing = false;
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
        threads = (int)read_count(argv[5]);
    }
    for (int i = is_drain ? 4 : 6; i < argc; i++) {
        if (strcmp(argv[i], "--fork") == 0) {
            is_forking = true;
        } else if (strcmp(argv[i], "--expect-nothing") == 0) {
            expects_nothing = true;
        } else if (strcmp(argv[i], "--linger") == 0) {
            is_lingering = true;
        } else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            shape.count = read_count(argv[++i]);
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
    return is_drain ? drain(client, argv[1], expects_nothing)
                    : write_events(client, shape, threads, is_lingering);
}
