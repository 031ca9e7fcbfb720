/* SPDX-License-Identifier: MIT */
/*
 * kafka: librdkafka's producer against its own mock cluster.
 *
 *     kafka cluster                    runs the cluster; prints its address
 *     kafka produce BROKERS EVENTS     delivers events
 *     kafka enqueue BROKERS EVENTS     times rd_kafka_produce and the JSON that
 *                                      our library makes of the same event
 *     kafka enqueue_bare BROKERS EVENTS   the same with constants copied
 *
 * Settings are the best found: linger 20 ms, batches of 10,000 events and 4 MB.
 * `enqueue` sends nothing meanwhile: its linger is longer than the run.
 */
#include "client/work.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "events"

static int64_t read_ns(clockid_t id)
{
    struct timespec now = {0};

    (void)clock_gettime(id, &now); /* these clocks exist */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void count(rd_kafka_t *producer, const rd_kafka_message_t *message,
                  void *opaque)
{
    (void)producer;
    *(uint64_t *)opaque += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *open_producer(const char *brokers, const char *linger_ms,
                                 uint64_t *delivered)
{
    const char *const settings[][2] = {
        {"bootstrap.servers", brokers != NULL ? brokers : "127.0.0.1:9"},
        {"linger.ms", linger_ms},
        {"batch.num.messages", "10000"},
        {"batch.size", "4000000"},
        {"message.max.bytes", "4100000"},
        {"queue.buffering.max.messages", "1000000"},
        {"queue.buffering.max.kbytes", "1048576"},
        {"log_level", "0"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why,
                              sizeof why) != RD_KAFKA_CONF_OK) {
            fprintf(stderr, "kafka: %s\n", why);
            return NULL;
        }
    }
    rd_kafka_conf_set_opaque(conf, delivered);
    rd_kafka_conf_set_dr_msg_cb(conf, count);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
}

static int run_cluster(void)
{
    uint64_t unused = 0;
    rd_kafka_t *handle = open_producer(NULL, "20", &unused);
    rd_kafka_mock_cluster_t *cluster =
        handle == NULL ? NULL : rd_kafka_mock_cluster_new(handle, 1);

    if (cluster == NULL || rd_kafka_mock_topic_create(cluster, TOPIC, 1, 1) !=
                               RD_KAFKA_RESP_ERR_NO_ERROR) {
        return EXIT_FAILURE;
    }
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    (void)fflush(stdout); /* somebody waits for this line */
    (void)pause();        /* until a signal ends the process */
    return EXIT_SUCCESS;
}

static bool is_bare;

static bool produce(rd_kafka_t *producer, rd_kafka_topic_t *topic,
                    struct work *work, uint64_t n)
{
    char json[2048];
    size_t len = is_bare ? work_write_json(work, n, json)
                         : work_write_same_json(work, json);

    while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, json, len, NULL, 0,
                            NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return false;
        }
        (void)rd_kafka_poll(producer, 1);
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static int enqueue(const char *brokers, uint64_t events)
{
    static struct work work;
    uint64_t delivered = 0;
    rd_kafka_t *producer = open_producer(brokers, "250000", &delivered);
    rd_kafka_topic_t *topic =
        producer == NULL ? NULL : rd_kafka_topic_new(producer, TOPIC, NULL);
    uint32_t *samples = calloc(events, sizeof *samples);

    if (topic == NULL || samples == NULL) {
        return EXIT_FAILURE;
    }
    work_init(&work, WORK_USUAL);
    for (uint64_t i = 0; i < 20000 + events; i++) {
        int64_t before;
        uint32_t *sample = &samples[i < 20000 ? 0 : i - 20000];

        work_turn(&work, i);
        before = read_ns(CLOCK_MONOTONIC);
        if (!produce(producer, topic, &work, i)) {
            return EXIT_FAILURE;
        }
        *sample = (uint32_t)(read_ns(CLOCK_MONOTONIC) - before);
    }
    qsort(samples, events, sizeof *samples, compare);
    printf("{\"benchmark\":\"kafka_enqueue\",\"events\":%" PRIu64
           ",\"p50\":%u,\"p99\":%u,\"p99_9\":%u,\"max\":%u}\n",
           events, samples[events / 2], samples[events - 1 - events / 100],
           samples[events - 1 - events / 1000], samples[events - 1]);
    (void)rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE);
    free(samples);
    return EXIT_SUCCESS; /* without goodbye: nothing is to be delivered */
}

static int deliver(const char *brokers, uint64_t events)
{
    static struct work work;
    uint64_t delivered = 0;
    rd_kafka_t *producer = open_producer(brokers, "20", &delivered);
    rd_kafka_topic_t *topic =
        producer == NULL ? NULL : rd_kafka_topic_new(producer, TOPIC, NULL);
    int64_t wall_ns = read_ns(CLOCK_MONOTONIC);
    int64_t cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID);

    if (topic == NULL) {
        return EXIT_FAILURE;
    }
    work_init(&work, WORK_USUAL);
    for (uint64_t i = 0; i < events; i++) {
        work_turn(&work, i);
        if (!produce(producer, topic, &work, i)) {
            return EXIT_FAILURE;
        }
    }
    (void)rd_kafka_flush(producer, 60000); /* `delivered` tells */
    wall_ns = read_ns(CLOCK_MONOTONIC) - wall_ns;
    cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    printf("{\"benchmark\":\"kafka\",\"events\":%" PRIu64
           ",\"delivered\":%" PRIu64 ",\"seconds\":%.6f"
           ",\"events_per_second\":%.1f,\"cpu_seconds_per_million\":%.3f}\n",
           events, delivered, (double)wall_ns / 1e9,
           (double)delivered * 1e9 / (double)wall_ns,
           (double)cpu_ns / 1e3 / (double)events);
    return delivered == events ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t events = argc == 4 ? strtoull(argv[3], &end, 10) : 0;

    if (argc == 2 && strcmp(argv[1], "cluster") == 0) {
        return run_cluster();
    }
    if (events > 0 && *end == '\0' && strcmp(argv[1], "produce") == 0) {
        return deliver(argv[2], events);
    }
    is_bare = argc == 4 && strcmp(argv[1], "enqueue_bare") == 0;
    if (events > 0 && *end == '\0' &&
        (is_bare || strcmp(argv[1], "enqueue") == 0)) {
        return enqueue(argv[2], events);
    }
    fprintf(stderr, "usage: kafka cluster | produce|enqueue|enqueue_bare "
                    "BROKERS EVENTS\n");
    return 2;
}
