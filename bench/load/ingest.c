/* SPDX-License-Identifier: MIT */
/*
 * ingest: batches of distinct events for a collector, over several connections.
 *
 *     ingest PORT KEY FIRST EVENTS BATCH CONNECTIONS VISITORS [PACE]
 *
 * Event n of a run has the id of n, so a later run with another FIRST adds to
 * it and the same FIRST repeats it. Visitors are drawn at random; every third
 * event knows its user. One thread and blocking sockets a connection; what is
 * measured is the server, and rawload shows what the loopback carries. With a
 * PACE, batches start so that this many events a second are sent, and late ones
 * at once.
 *
 * Prints one line of JSON: events a second and how long answers took.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64
#define EVENT_BYTES     700 /* more than one event takes */

struct run {
    uint16_t port;
    const char *key;
    uint64_t first;
    uint64_t events;
    uint64_t batch;
    uint64_t connections;
    uint64_t visitors;
    uint64_t pace; /* events a second; 0: as fast as they are taken */
    int64_t begin_ns;
    atomic_uint_fast64_t next; /* batch to be sent */
    atomic_uint_fast64_t failures;
    uint32_t *answer_us;
};

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* exists */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t mix(uint64_t n)
{
    n += UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

static int write_event(const struct run *run, uint64_t n, char *out)
{
    static const char *const names[] = {"$pageview", "purchase", "add_to_cart",
                                        "signup", "search"};
    uint64_t random = mix(n);
    uint64_t visitor = random % run->visitors;
    uint64_t second = n / 50 % 86400;
    char user[48] = "";

    if (n % 3 == 0) {
        (void)snprintf(user, sizeof user, "\"userId\":\"user_%" PRIu64 "\",",
                       visitor);
    }
    return snprintf(
        out, EVENT_BYTES,
        "{%s\"anonymousId\":\"anon_%016" PRIx64 "\",\"eventId\":"
        "\"%08" PRIx64 "-0000-7000-8000-%012" PRIx64 "\",\"event\":\"%s\","
        "\"properties\":{\"order_id\":\"order_%" PRIu64
        "\",\"revenue\":%" PRIu64
        ".99,\"currency\":\"USD\",\"category\":\"furniture/office\","
        "\"utm_source\":\"newsletter\",\"page_url\":"
        "\"https://shop.example.com/checkout/"
        "thanks\"},\"context\":{\"library\":"
        "\"libdatalyr\",\"version\":\"0.1.0\",\"source\":\"api\","
        "\"schema_version\":1},\"timestamp\":"
        "\"2026-03-14T%02d:%02d:%02d.%03dZ\"}",
        user, mix(visitor), n >> 16 & UINT32_MAX, n & UINT64_C(0xffffffffffff),
        names[random >> 32 & 3], n, random >> 40 & 255, (int)(second / 3600),
        (int)(second / 60 % 60), (int)(second % 60), (int)(n % 1000));
}

static size_t write_request(const struct run *run, uint64_t batch, char *out)
{
    char *body =
        out + 512; /* the head goes before it when its length is known */
    char head[512];
    uint64_t first = batch * run->batch;
    uint64_t count =
        run->events - first < run->batch ? run->events - first : run->batch;
    size_t len = (size_t)snprintf(body, 16, "{\"events\":[");
    int head_len;

    for (uint64_t i = 0; i < count; i++) {
        len += (size_t)write_event(run, run->first + first + i, body + len);
        body[len++] = i + 1 < count ? ',' : ']';
    }
    len += (size_t)snprintf(body + len, 128,
                            ",\"batchId\":\"batch_%" PRIu64 "\",\"timestamp\":"
                            "\"2026-03-14T00:00:00.000Z\"}",
                            run->first + first);
    head_len =
        snprintf(head, sizeof head,
                 "POST /batch HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 "X-API-Key: %s\r\nContent-Type: application/json\r\n"
                 "X-Batch-Size: %" PRIu64 "\r\nContent-Length: %zu\r\n\r\n",
                 run->key, count, len);
    memmove(out + head_len, body, len);
    memcpy(out, head, (size_t)head_len);
    return (size_t)head_len + len;
}

static int open_connection(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("ingest");
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool exchange(int fd, const char *request, size_t len)
{
    char answer[8192];
    size_t have = 0;

    for (size_t sent = 0; sent < len;) {
        ssize_t count = send(fd, request + sent, len - sent, MSG_NOSIGNAL);

        if (count <= 0) {
            return false;
        }
        sent += (size_t)count;
    }
    /* Answers are small and end in the brace of their JSON. */
    while (have < sizeof answer - 1) {
        ssize_t count = recv(fd, answer + have, sizeof answer - 1 - have, 0);

        if (count <= 0) {
            return false;
        }
        have += (size_t)count;
        answer[have] = '\0';
        if (strstr(answer, "\r\n\r\n{") != NULL &&
            strchr(answer, '}') != NULL) {
            return strncmp(answer, "HTTP/1.1 200", 12) == 0;
        }
    }
    return false;
}

static void await_turn(const struct run *run, uint64_t batch)
{
    double due_s;
    int64_t due_ns;
    struct timespec due;

    if (run->pace == 0) {
        return;
    }
    due_s = (double)(batch * run->batch) / (double)run->pace;
    due_ns = run->begin_ns + (int64_t)(due_s * 1e9);
    due.tv_sec = (time_t)(due_ns / 1000000000);
    due.tv_nsec = (long)(due_ns % 1000000000);
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void *send_batches(void *arg)
{
    struct run *run = arg;
    uint64_t batches = (run->events + run->batch - 1) / run->batch;
    char *request = malloc(1024 + run->batch * EVENT_BYTES);
    int fd = request == NULL ? -1 : open_connection(run->port);

    for (;;) {
        uint64_t batch = atomic_fetch_add(&run->next, 1);
        size_t len;
        int64_t begin_ns;

        if (batch >= batches) {
            break;
        }
        if (fd < 0) {
            atomic_fetch_add(&run->failures, 1);
            break;
        }
        len = write_request(run, batch, request);
        await_turn(run, batch);
        begin_ns = now_ns();
        if (!exchange(fd, request, len)) {
            atomic_fetch_add(&run->failures, 1);
        }
        run->answer_us[batch] = (uint32_t)((now_ns() - begin_ns) / 1000);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(request);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static void report(struct run *run, int64_t took_ns)
{
    size_t count = (size_t)((run->events + run->batch - 1) / run->batch);

    qsort(run->answer_us, count, sizeof *run->answer_us, compare);
    printf("{\"benchmark\":\"ingest\",\"events\":%" PRIu64 ",\"batch\":%" PRIu64
           ",\"connections\":%" PRIu64 ",\"failures\":%" PRIu64
           ",\"events_per_second\":%.1f,\"answer_us_p50\":%u,"
           "\"answer_us_p99\":%u}\n",
           run->events, run->batch, run->connections,
           (uint64_t)atomic_load(&run->failures),
           (double)run->events * 1e9 / (double)took_ns,
           run->answer_us[count / 2], run->answer_us[count - 1 - count / 100]);
}

static bool read_numbers(char **argv, uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;

        numbers[i] = strtoull(argv[i], &end, 10);
        if (end == argv[i] || *end != '\0') {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    static pthread_t threads[MAX_CONNECTIONS];
    uint64_t port = 0;
    uint64_t n[6] = {0};

    if (argc < 8 || argc > 9 || !read_numbers(argv + 1, &port, 1) ||
        !read_numbers(argv + 3, n, (size_t)argc - 3) || n[1] == 0 ||
        n[2] == 0 || n[3] == 0 || n[3] > MAX_CONNECTIONS || n[4] == 0) {
        fprintf(stderr, "usage: ingest PORT KEY FIRST EVENTS BATCH CONNECTIONS "
                        "VISITORS [PACE]\n");
        return 2;
    }
    run.port = (uint16_t)port;
    run.key = argv[2];
    run.first = n[0];
    run.events = n[1];
    run.batch = n[2];
    run.connections = n[3];
    run.visitors = n[4];
    run.pace = n[5];
    run.answer_us =
        calloc((size_t)(run.events / run.batch + 1), sizeof *run.answer_us);
    if (run.answer_us == NULL) {
        return EXIT_FAILURE;
    }
    run.begin_ns = now_ns();
    for (uint64_t i = 0; i < run.connections; i++) {
        if (pthread_create(&threads[i], NULL, send_batches, &run) != 0) {
            return EXIT_FAILURE;
        }
    }
    for (uint64_t i = 0; i < run.connections; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    report(&run, now_ns() - run.begin_ns);
    free(run.answer_us);
    return atomic_load(&run.failures) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
