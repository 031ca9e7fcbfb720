/* SPDX-License-Identifier: MIT */
/*
 * bench: measures the client from the outside, through its public header alone.
 *
 *     bench NAME [name=value...]
 *
 * prints one line of JSON: what was measured, under which settings, and the
 * ledger at the end. Exit code 1 means that the ledger did not add up.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const struct {
    const char *name;
    int (*run)(struct bench_arguments *arguments);
} benchmarks[] = {
    {"enqueue", bench_enqueue},
    {"deliver", bench_deliver},
    {"memory", bench_memory},
    {"life", bench_life},
    {"hung", bench_hung},
    {"leave", bench_leave},
    {"recover", bench_recover},
    {"sync", bench_sync},
    {"plain_sync", bench_plain_sync},
};

static const char *separator = "";

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};

    (void)clock_gettime(id, &now); /* these clocks exist */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t bench_thread_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t bench_rss_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    int64_t all = 0;
    int64_t resident = 0;

    if (file != NULL) {
        if (fscanf(file, "%" SCNd64 " %" SCNd64, &all, &resident) != 2) {
            resident = 0;
        }
        (void)fclose(file);
    }
    return resident * 4096;
}

int64_t bench_peak_rss_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * 1024 : 0;
}

/* The value of `name`; the word is used up. */
static char *take(struct bench_arguments *arguments, const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < arguments->count; i++) {
        char *word = arguments->words[i];

        if (strncmp(word, name, len) == 0 && word[len] == '=') {
            arguments->count -= 1;
            memmove(arguments->words + i, arguments->words + i + 1,
                    (size_t)(arguments->count - i) * sizeof *arguments->words);
            return word + len + 1;
        }
    }
    return NULL;
}

const char *bench_text(struct bench_arguments *arguments, const char *name,
                       const char *otherwise)
{
    const char *value = take(arguments, name);

    return value == NULL ? otherwise : value;
}

int64_t bench_number(struct bench_arguments *arguments, const char *name,
                     int64_t otherwise)
{
    const char *text = take(arguments, name);
    char *end = NULL;
    int64_t value;

    if (text == NULL) {
        return otherwise;
    }
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0) {
        fprintf(stderr, "bench: %s is %s, which is no number\n", name, text);
        arguments->is_wrong = true;
        return otherwise;
    }
    return value;
}

bool bench_configure(struct bench_arguments *arguments, datalyr_config *config)
{
    datalyr_error error;

    for (int i = 0; i < arguments->count; i++) {
        char *word = arguments->words[i];
        char *sign = strchr(word, '=');

        if (sign == NULL) {
            fprintf(stderr, "bench: %s is not name=value\n", word);
            return false;
        }
        *sign = '\0';
        if (datalyr_config_set(config, word, sign + 1, &error) != DATALYR_OK) {
            fprintf(stderr, "bench: %s\n", error.message);
            return false;
        }
    }
    return !arguments->is_wrong;
}

datalyr_client *bench_open(const datalyr_config *config)
{
    datalyr_client *client = NULL;
    datalyr_error error;

    if (datalyr_open(config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "bench: %s\n", error.message);
    }
    return client;
}

void bench_begin(const char *name)
{
    separator = ",";
    printf("{\"benchmark\":\"%s\"", name);
}

void bench_put(const char *name, double value)
{
    printf("%s\"%s\":%.17g", separator, name, value);
}

void bench_put_text(const char *name, const char *value)
{
    printf("%s\"%s\":\"%s\"", separator, name, value);
}

/* Zero stands for the default. */
void bench_put_settings(const datalyr_config *config)
{
    printf("%s\"settings\":{", separator);
    separator = "";
    bench_put("flush_at", (double)config->flush_at);
    separator = ",";
    bench_put("flush_interval_ms", (double)config->flush_interval_ms);
    bench_put("max_queue_size", (double)config->max_queue_size);
    bench_put("max_queue_bytes", (double)config->max_queue_bytes);
    bench_put("max_in_flight", (double)config->max_in_flight);
    bench_put("max_batch_events", (double)config->max_batch_events);
    bench_put("max_requests_per_second",
              (double)config->max_requests_per_second);
    bench_put("batch", config->batch);
    bench_put("compression", config->compression);
    bench_put("overflow", config->overflow);
    bench_put("journal", config->journal_dir != NULL);
    bench_put("journal_sync", config->journal_sync);
    printf("}");
}

static uint64_t sum(const uint64_t *counts, size_t len)
{
    uint64_t total = 0;

    for (size_t i = 0; i < len; i++) {
        total += counts[i];
    }
    return total;
}

bool bench_ledger_holds(const datalyr_ledger *ledger)
{
    return ledger->calls == ledger->accepted + datalyr_ledger_refused(ledger) &&
           ledger->accepted + ledger->recovered ==
               ledger->delivered + datalyr_ledger_dropped(ledger) +
                   ledger->pending;
}

void bench_put_ledger(const datalyr_ledger *ledger)
{
    printf("%s\"ledger\":{", separator);
    separator = "";
    bench_put("calls", (double)ledger->calls);
    separator = ",";
    bench_put("accepted", (double)ledger->accepted);
    bench_put("refused", (double)datalyr_ledger_refused(ledger));
    bench_put("recovered", (double)ledger->recovered);
    bench_put("delivered", (double)ledger->delivered);
    bench_put("dropped", (double)sum(ledger->dropped, DATALYR_DROP_COUNT));
    bench_put("pending", (double)ledger->pending);
    bench_put("duplicates", (double)ledger->duplicates);
    bench_put("requests", (double)ledger->requests);
    bench_put("retries", (double)ledger->retries);
    bench_put("body_bytes", (double)ledger->body_bytes);
    bench_put("sent_bytes", (double)ledger->sent_bytes);
    bench_put("holds", bench_ledger_holds(ledger));
    printf("}");
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static void put_rank(const char *name, const char *rank, uint32_t value)
{
    char full[64];

    (void)snprintf(full, sizeof full, "%s%s", name, rank);
    bench_put(full, value);
}

void bench_put_samples(const char *name, uint32_t *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare);
    put_rank(name, "p50", samples[count / 2]);
    put_rank(name, "p99", samples[count - 1 - count / 100]);
    put_rank(name, "p99_9", samples[count - 1 - count / 1000]);
    put_rank(name, "max", samples[count - 1]);
}

int bench_end(void)
{
    printf("}\n");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct bench_arguments arguments = {argc - 2, argv + 2, false};

    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
        if (argc >= 2 && strcmp(argv[1], benchmarks[i].name) == 0) {
            return benchmarks[i].run(&arguments);
        }
    }
    fprintf(stderr, "usage: bench NAME [name=value...], with a NAME of:");
    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
        fprintf(stderr, " %s", benchmarks[i].name);
    }
    fprintf(stderr, "\n");
    return 2;
}
