/* SPDX-License-Identifier: MIT */
/*
 * Driver: a client of the library that does what its arguments say, one step
 * after the other, and prints a line of JSON for each. The end-to-end tests
 * let it run against faulty servers and hold its ledger against theirs.
 *
 *     driver --set NAME=VALUE ... STEP ...
 *
 *     id:PREFIX    events are called PREFIX-00000000, PREFIX-00000001, ...
 *     name:EVENT   name of the next events
 *     bad:N        each Nth of them is called bad_event instead
 *     size:N       gives them a property of N bytes
 *     pace:US      microseconds between two events of a thread
 *     track:NxT    N events from T threads (T may be left out)
 *     json:TEXT    one event through datalyr_track_json()
 *     nan          one event with a property that is not a number
 *     flush:MS     and prints what it returned and how long it took
 *     stats        prints the ledger
 *     pause        prints, and waits for a line on stdin
 *     close:MS     closes with that deadline (close alone: the setting's)
 *     exit         ends the process without closing
 *
 * Every event is followed on its way: the hooks mark which ids they were told
 * about, so that the last line can say how many accepted events were settled
 * exactly once, twice, never, or settled without having been accepted.
 */
#include <datalyr.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_EVENTS  4000000
#define MAX_THREADS 64
#define MAX_TEXT    1048576

/* What is known of one event, in one byte so that threads need no lock. */
#define ACCEPTED 0x01
#define SETTLED  0x10 /* counted in the upper half */

struct driver {
    datalyr_config config;
    datalyr_client *client;
    const char *prefix;
    const char *name;
    int64_t bad_every;
    int64_t pace_us;
    char *padding;
    atomic_uchar *marks;
    int64_t next_index;
    int64_t flush_result;
    int64_t close_result;
    datalyr_ledger last;
    bool is_closed;
    bool should_exit;
    /* by hooks */
    atomic_uint_fast64_t delivered;
    atomic_uint_fast64_t dropped[DATALYR_DROP_COUNT];
    atomic_uint_fast64_t dropped_bare;
    atomic_uint_fast64_t errors;
    atomic_uint_fast64_t strange; /* told about an id that is none of ours */
    atomic_int_fast64_t longest_track_ns;
};

struct share {
    struct driver *driver;
    int64_t begin;
    int64_t end;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t now_ms(void)
{
    return now_ns() / 1000000;
}

/* ------------------------------------------------------------------ hooks */

static void mark_settled(struct driver *driver, const datalyr_record *event)
{
    size_t len = strlen(driver->prefix);
    const char *number = event->event_id + len + 1;
    char *end = NULL;
    long long index;

    if (strncmp(event->event_id, driver->prefix, len) != 0 ||
        event->event_id[len] != '-') {
        atomic_fetch_add(&driver->strange, 1);
        return;
    }
    errno = 0;
    index = strtoll(number, &end, 10);
    if (errno != 0 || end == number || *end != '\0' || index < 0 ||
        index >= MAX_EVENTS || event->json[0] != '{' ||
        event->json[event->json_len] != '\0' ||
        strstr(event->json, event->event_id) == NULL) {
        atomic_fetch_add(&driver->strange, 1);
        return;
    }
    atomic_fetch_add(&driver->marks[index], SETTLED);
}

static void on_delivered(const datalyr_record *events, size_t count,
                         void *user_data)
{
    struct driver *driver = user_data;

    for (size_t i = 0; i < count; i++) {
        mark_settled(driver, &events[i]);
    }
    atomic_fetch_add(&driver->delivered, count);
}

static void on_drop(const datalyr_record *events, size_t count,
                    datalyr_drop_reason reason, void *user_data)
{
    struct driver *driver = user_data;

    for (size_t i = 0; events != NULL && i < count; i++) {
        mark_settled(driver, &events[i]);
    }
    if (events == NULL) {
        atomic_fetch_add(&driver->dropped_bare, count);
    }
    atomic_fetch_add(&driver->dropped[reason], count);
}

static void on_error(const datalyr_failure *failure, void *user_data)
{
    struct driver *driver = user_data;

    (void)failure;
    atomic_fetch_add(&driver->errors, 1);
}

/* --------------------------------------------------------------- tracking */

static void note_duration(struct driver *driver, int64_t ns)
{
    int64_t longest = atomic_load(&driver->longest_track_ns);

    while (ns > longest && !atomic_compare_exchange_weak(
                               &driver->longest_track_ns, &longest, ns)) {
        /* another thread was faster; `longest` is its figure now */
    }
}

static void track_one(struct driver *driver, int64_t index)
{
    bool is_bad = driver->bad_every > 0 && index % driver->bad_every == 0;
    char id[128];
    char user[32];
    int64_t begin;
    datalyr_status status;

    (void)snprintf(id, sizeof id, "%s-%08" PRId64, driver->prefix, index);
    (void)snprintf(user, sizeof user, "user_%" PRId64, index % 100);
    begin = now_ns();
    status = datalyr_track(
        driver->client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = user,
            .event = is_bad ? "bad_event" : driver->name,
            .event_id = id,
            .properties = DATALYR_OBJECT({"index", DATALYR(index)},
                                         {"padding", DATALYR(driver->padding)}),
        });
    note_duration(driver, now_ns() - begin);
    /* A disabled client says OK and forgets: that event is not accepted. */
    if (status == DATALYR_OK && driver->config.enabled != DATALYR_OFF) {
        atomic_fetch_or(&driver->marks[index], ACCEPTED);
    }
}

static void *track_share(void *argument)
{
    struct share *share = argument;
    struct timespec pause = {0, share->driver->pace_us * 1000};

    for (int64_t i = share->begin; i < share->end; i++) {
        track_one(share->driver, i);
        if (share->driver->pace_us > 0) {
            (void)nanosleep(&pause, NULL); /* a shorter pause does no harm */
        }
    }
    return NULL;
}

static bool track_all(struct driver *driver, int64_t count, int64_t threads)
{
    struct share shares[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    int64_t begin = driver->next_index;

    if (threads < 1 || threads > MAX_THREADS || count < 0 ||
        begin + count > MAX_EVENTS) {
        return false;
    }
    for (int64_t i = 0; i < threads; i++) {
        shares[i] = (struct share){driver, begin + count * i / threads,
                                   begin + count * (i + 1) / threads};
        if (pthread_create(&ids[i], NULL, track_share, &shares[i]) != 0) {
            return false;
        }
    }
    for (int64_t i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL); /* ids are ours */
    }
    driver->next_index += count;
    return true;
}

/* --------------------------------------------------------------- printing */

static void print_reasons(const datalyr_ledger *ledger)
{
    printf("\"refused\":{");
    for (int i = 0; i < DATALYR_REFUSED_COUNT; i++) {
        printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",",
               datalyr_refusal_name((datalyr_refusal)i), ledger->refused[i]);
    }
    printf("},\"dropped\":{");
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",",
               datalyr_drop_reason_name((datalyr_drop_reason)i),
               ledger->dropped[i]);
    }
    printf("}");
}

static void print_ledger(const datalyr_ledger *ledger)
{
    printf("\"calls\":%" PRIu64 ",\"accepted\":%" PRIu64
           ",\"recovered\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"pending\":%" PRIu64 ",\"in_flight\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"requests\":%" PRIu64
           ",\"retries\":%" PRIu64 ",\"failures\":%" PRIu64
           ",\"dropped_unreported\":%" PRIu64 ",\"body_bytes\":%" PRIu64
           ",\"sent_bytes\":%" PRIu64 ",\"queue_bytes\":%" PRIu64 ",",
           ledger->calls, ledger->accepted, ledger->recovered,
           ledger->delivered, ledger->pending, ledger->in_flight,
           ledger->duplicates, ledger->requests, ledger->retries,
           ledger->failures, ledger->dropped_unreported, ledger->body_bytes,
           ledger->sent_bytes, ledger->queue_bytes);
    printf("\"journal_errors\":%" PRIu64 ",", ledger->journal_errors);
    print_reasons(ledger);
}

static void print_marks(const struct driver *driver)
{
    int64_t once = 0;
    int64_t more = 0;
    int64_t never = 0;
    int64_t unaccepted = 0;

    for (int64_t i = 0; i < driver->next_index; i++) {
        unsigned mark = atomic_load(&driver->marks[i]);
        unsigned settled = mark / SETTLED;
        bool is_accepted = (mark & ACCEPTED) != 0;

        once += is_accepted && settled == 1 ? 1 : 0;
        more += is_accepted && settled > 1 ? 1 : 0;
        never += is_accepted && settled == 0 ? 1 : 0;
        unaccepted += !is_accepted && settled > 0 ? 1 : 0;
    }
    printf("\"settled_once\":%" PRId64 ",\"settled_more\":%" PRId64
           ",\"settled_never\":%" PRId64 ",\"settled_unaccepted\":%" PRId64,
           once, more, never, unaccepted);
}

static void print_hooks(struct driver *driver)
{
    printf("\"hooks\":{\"delivered\":%" PRIu64 ",\"errors\":%" PRIu64
           ",\"strange\":%" PRIu64 ",\"dropped_bare\":%" PRIu64
           ",\"dropped\":{",
           (uint64_t)atomic_load(&driver->delivered),
           (uint64_t)atomic_load(&driver->errors),
           (uint64_t)atomic_load(&driver->strange),
           (uint64_t)atomic_load(&driver->dropped_bare));
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",",
               datalyr_drop_reason_name((datalyr_drop_reason)i),
               (uint64_t)atomic_load(&driver->dropped[i]));
    }
    printf("}}");
}

static void print_line_end(void)
{
    printf("}\n");
    (void)fflush(stdout); /* the test waits for this line */
}

/* ------------------------------------------------------------------ steps */

static int64_t read_number(const char *text, int64_t otherwise)
{
    char *end = NULL;
    long long number;

    if (text == NULL || *text == '\0') {
        return otherwise;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    return errno != 0 || end == text ? otherwise : number;
}

static bool step_track(struct driver *driver, const char *value)
{
    const char *threads = value == NULL ? NULL : strchr(value, 'x');
    int64_t begin_ms = now_ms();
    bool is_done =
        track_all(driver, read_number(value, -1),
                  read_number(threads == NULL ? NULL : threads + 1, 1));

    printf("{\"step\":\"track\",\"ms\":%" PRId64, now_ms() - begin_ms);
    print_line_end();
    return is_done;
}

static bool step_json(struct driver *driver, const char *value)
{
    datalyr_error error = {0};
    datalyr_status status = datalyr_track_json(
        driver->client, value, value == NULL ? 0 : strlen(value), &error);

    printf("{\"step\":\"json\",\"status\":\"%s\"", datalyr_status_name(status));
    print_line_end();
    if (status != DATALYR_OK) {
        fprintf(stderr, "driver: %s\n", error.message);
    }
    return true;
}

static bool step_nan(struct driver *driver, const char *value)
{
    datalyr_error error = {0};
    datalyr_status status = datalyr_track_e(
        driver->client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = "user",
            .event = driver->name,
            .properties = DATALYR_OBJECT({"amount", DATALYR((double)NAN)}),
        },
        &error);

    (void)value;
    printf("{\"step\":\"nan\",\"status\":\"%s\",\"is_named\":%s",
           datalyr_status_name(status),
           strstr(error.message, "amount") != NULL ? "true" : "false");
    print_line_end();
    return true;
}

static bool step_flush(struct driver *driver, const char *value)
{
    int64_t begin_ms = now_ms();
    int64_t result = datalyr_flush(driver->client, read_number(value, -1));

    printf("{\"step\":\"flush\",\"result\":%" PRId64 ",\"ms\":%" PRId64, result,
           now_ms() - begin_ms);
    print_line_end();
    return true;
}

static bool step_stats(struct driver *driver, const char *value)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};

    (void)value;
    if (datalyr_stats(driver->client, &ledger) != DATALYR_OK) {
        return false;
    }
    printf("{\"step\":\"stats\",");
    print_ledger(&ledger);
    print_line_end();
    return true;
}

static bool step_pause(struct driver *driver, const char *value)
{
    char line[16];

    (void)driver;
    (void)value;
    printf("{\"step\":\"pause\"");
    print_line_end();
    return fgets(line, sizeof line, stdin) != NULL;
}

static bool step_close(struct driver *driver, const char *value)
{
    int64_t begin_ms = now_ms();

    if (driver->is_closed) {
        return true;
    }
    driver->last = (datalyr_ledger){DATALYR_LEDGER_INIT};
    driver->close_result = datalyr_close_within(
        &driver->client, read_number(value, -1), &driver->last);
    driver->is_closed = true;
    printf("{\"step\":\"close\",\"result\":%" PRId64 ",\"ms\":%" PRId64,
           driver->close_result, now_ms() - begin_ms);
    print_line_end();
    return true;
}

static bool step_size(struct driver *driver, const char *value)
{
    int64_t size = read_number(value, -1);

    if (size < 0 || size >= MAX_TEXT) {
        return false;
    }
    free(driver->padding);
    driver->padding = calloc(1, (size_t)size + 1);
    if (driver->padding == NULL) {
        return false;
    }
    for (int64_t i = 0; i < size; i++) {
        driver->padding[i] = (char)('a' + i % 26);
    }
    return true;
}

static bool step_id(struct driver *driver, const char *value)
{
    driver->prefix = value;
    return value != NULL && strlen(value) < 64;
}

static bool step_name(struct driver *driver, const char *value)
{
    driver->name = value;
    return value != NULL;
}

static bool step_bad(struct driver *driver, const char *value)
{
    driver->bad_every = read_number(value, -1);
    return driver->bad_every >= 0;
}

static bool step_pace(struct driver *driver, const char *value)
{
    driver->pace_us = read_number(value, -1);
    return driver->pace_us >= 0 && driver->pace_us < 1000000;
}

static bool step_exit(struct driver *driver, const char *value)
{
    (void)value;
    driver->should_exit = true;
    return true;
}

static const struct step {
    const char *name;
    bool (*run)(struct driver *driver, const char *value);
} steps[] = {
    {"track", step_track}, {"json", step_json},   {"nan", step_nan},
    {"flush", step_flush}, {"stats", step_stats}, {"pause", step_pause},
    {"close", step_close}, {"size", step_size},   {"id", step_id},
    {"name", step_name},   {"bad", step_bad},     {"pace", step_pace},
    {"exit", step_exit},
};

static bool run_step(struct driver *driver, const char *text)
{
    size_t len = strcspn(text, ":");
    const char *value = text[len] == ':' ? text + len + 1 : NULL;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strlen(steps[i].name) == len &&
            strncmp(steps[i].name, text, len) == 0) {
            return steps[i].run(driver, value);
        }
    }
    return false;
}

static bool set(struct driver *driver, char *pair)
{
    datalyr_error error = {0};
    char *sign = strchr(pair, '=');

    if (sign == NULL) {
        return false;
    }
    *sign = '\0';
    if (datalyr_config_set(&driver->config, pair, sign + 1, &error) !=
        DATALYR_OK) {
        fprintf(stderr, "driver: %s\n", error.message);
        return false;
    }
    return true;
}

static bool open_client(struct driver *driver)
{
    datalyr_error error = {0};

    if (driver->config.api_key == NULL) {
        driver->config.api_key = "dk_test_driver";
    }
    driver->config.hooks = (datalyr_hooks){.on_delivered = on_delivered,
                                           .on_drop = on_drop,
                                           .on_error = on_error,
                                           .user_data = driver};
    driver->marks = calloc(MAX_EVENTS, sizeof *driver->marks);
    if (driver->marks == NULL || !step_size(driver, "20")) {
        return false;
    }
    if (datalyr_open(&driver->config, &driver->client, &error) != DATALYR_OK) {
        fprintf(stderr, "driver: %s\n", error.message);
        return false;
    }
    return true;
}

static bool run_all(struct driver *driver, int argc, char **argv)
{
    int i = 1;

    while (i + 1 < argc && strcmp(argv[i], "--set") == 0) {
        if (!set(driver, argv[i + 1])) {
            return false;
        }
        i += 2;
    }
    if (!open_client(driver)) {
        return false;
    }
    for (; i < argc && !driver->should_exit; i++) {
        if (!run_step(driver, argv[i])) {
            fprintf(stderr, "driver: cannot do '%s'\n", argv[i]);
            return false;
        }
    }
    return true;
}

static void print_end(struct driver *driver)
{
    printf("{\"step\":\"end\",\"close\":%" PRId64
           ",\"longest_track_us\":%" PRId64 ",",
           driver->close_result,
           (int64_t)atomic_load(&driver->longest_track_ns) / 1000);
    print_ledger(&driver->last);
    printf(",");
    print_marks(driver);
    printf(",");
    print_hooks(driver);
    print_line_end();
}

int main(int argc, char **argv)
{
    /* Not on the stack: on a normal exit the library still calls our hooks. */
    static struct driver driver = {
        .config = {DATALYR_CONFIG_INIT}, .prefix = "e", .name = "tested"};
    bool is_done = run_all(&driver, argc, argv);

    if (driver.should_exit) {
        return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (!driver.is_closed && driver.client != NULL) {
        (void)step_close(&driver, NULL);
    }
    if (is_done) {
        print_end(&driver);
    }
    free(driver.padding);
    free(driver.marks);
    datalyr_config_clear(&driver.config);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
