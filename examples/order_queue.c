/* SPDX-License-Identifier: MIT */
/*
 * Order queue: a job that takes orders from a queue, and acknowledges them when
 * their events have arrived, not before.
 *
 *   order_queue ORDERS.ndjson
 *
 * The queue is a file here, {"id":…,"userId":…,"status":…,"total":…} a line,
 * and the acknowledgement is the exit code: after 0 the file may go, after
 * anything else the same job runs again on the same file. Running twice does no
 * harm, because the event ids are made from the orders: what the server already
 * has, it counts as a duplicate.
 */
#include "ledger_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define JOB_TIMEOUT_MS 20000

static const char *text_at(yyjson_val *order, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(order, name));
}

static datalyr_status track_order(datalyr_client *client, yyjson_val *order,
                                  datalyr_error *error)
{
    char event_id[128];
    const char *id = text_at(order, "id");
    const char *status = text_at(order, "status");

    /* An order changes its status, and each change is an event of its own. */
    (void)snprintf(event_id, sizeof event_id, "order-%s-%s",
                   id == NULL ? "" : id, status == NULL ? "" : status);
    return datalyr_track_e(
        client,
        &(datalyr_event){
            DATALYR_EVENT_INIT,
            .user_id = text_at(order, "userId"),
            .event = "order_processed",
            .event_id = event_id,
            .properties = DATALYR_OBJECT(
                {"order_id", DATALYR(id)}, {"status", DATALYR(status)},
                {"total",
                 DATALYR(yyjson_get_num(yyjson_obj_get(order, "total")))}),
        },
        error);
}

static void process_line(datalyr_client *client, const char *line, int number)
{
    yyjson_doc *document = yyjson_read(line, strlen(line), 0);
    yyjson_val *order = yyjson_doc_get_root(document);
    datalyr_error error;

    if (order == NULL) {
        fprintf(stderr, "order_queue: line %d is not JSON\n", number);
    } else if (track_order(client, order, &error) != DATALYR_OK) {
        /* It would be refused again next time: say so and go on. */
        fprintf(stderr, "order_queue: line %d: %s\n", number, error.message);
    }
    yyjson_doc_free(document);
}

static int process(datalyr_client *client, FILE *queue)
{
    char *line = NULL;
    size_t capacity = 0;
    int number = 0;
    int64_t left;

    while (getline(&line, &capacity, queue) > 0) {
        process_line(client, line, ++number);
    }
    free(line);

    left = datalyr_flush(client, JOB_TIMEOUT_MS);
    if (left > 0) {
        fprintf(stderr, "order_queue: %lld events have not arrived\n",
                (long long)left);
    }
    return left == 0 && ferror(queue) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(FILE *queue)
{
    /* The job may wait, so it waits for room instead of dropping the oldest. */
    datalyr_config config = {DATALYR_CONFIG_INIT, .overflow = DATALYR_BLOCK};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    int result;

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "order_queue: %s\n", error.message);
        return EXIT_FAILURE;
    }
    result = process(client, queue);
    /* All is settled or out of time: there is nothing left to wait for. */
    (void)datalyr_close_within(&client, 0, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return datalyr_ledger_dropped(&last) == 0 ? result : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    FILE *queue;
    int result;

    if (argc != 2) {
        fputs("usage: order_queue ORDERS.ndjson\n", stderr);
        return 2;
    }
    queue = fopen(argv[1], "r");
    if (queue == NULL) {
        fprintf(stderr, "order_queue: %s: %s\n", argv[1], strerror(errno));
        return EXIT_FAILURE;
    }
    result = run(queue);
    (void)fclose(queue); /* was only read */
    return result;
}
