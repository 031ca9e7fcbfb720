/* SPDX-License-Identifier: MIT */
/*
 * Stats: the ledger as a struct and as metrics text.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"
#include "client/client.h"
#include "os/clock.h"

#include <inttypes.h>
#include <string.h>

/* Far above what the text takes. */
#define METRICS_MAX_BYTES ((size_t)64 << 10)

static void read_all(datalyr_client *client, datalyr_ledger *out)
{
    dlr_queue_read_ledger(&client->queue, dlr_clock_monotonic_ms(), out);
    if (dlr_client_has_journal(client)) {
        out->journal_errors = atomic_load(&client->journal.error_count);
    }
    if (client->sender != NULL) {
        dlr_sender_read_latency(client->sender, out);
    }
}

datalyr_status datalyr_stats(datalyr_client *client, datalyr_ledger *ledger)
{
    datalyr_ledger all;
    size_t size;

    if (client == NULL || ledger == NULL || ledger->size < sizeof(size_t)) {
        return DATALYR_INVALID;
    }
    if (dlr_client_adopt(client) != DATALYR_OK) {
        return DATALYR_NOMEM;
    }
    read_all(client, &all);
    size = ledger->size;
    memset(ledger, 0, size);
    memcpy(ledger, &all, size < sizeof all ? size : sizeof all);
    ledger->size = size;
    return DATALYR_OK;
}

static uint64_t sum(const uint64_t *counts, size_t count)
{
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++) {
        total += counts[i];
    }
    return total;
}

uint64_t datalyr_ledger_refused(const datalyr_ledger *ledger)
{
    return sum(ledger->refused, DATALYR_REFUSED_COUNT);
}

uint64_t datalyr_ledger_dropped(const datalyr_ledger *ledger)
{
    return sum(ledger->dropped, DATALYR_DROP_COUNT);
}

static void put_head(struct dlr_buf *out, const char *name, const char *type,
                     const char *help)
{
    dlr_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(struct dlr_buf *out, const char *name, const char *type,
                      const char *help, uint64_t value)
{
    put_head(out, name, type, help);
    dlr_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_counter(struct dlr_buf *out, const char *name, const char *help,
                        uint64_t value)
{
    put_value(out, name, "counter", help, value);
}

static void put_gauge(struct dlr_buf *out, const char *name, const char *help,
                      uint64_t value)
{
    put_value(out, name, "gauge", help, value);
}

static void put_reasons(struct dlr_buf *out, const datalyr_ledger *ledger)
{
    put_head(out, "datalyr_events_refused_total", "counter",
             "Calls that were refused, by reason.");
    for (int i = 0; i < DATALYR_REFUSED_COUNT; i++) {
        dlr_buf_printf(
            out, "datalyr_events_refused_total{reason=\"%s\"} %" PRIu64 "\n",
            datalyr_refusal_name((datalyr_refusal)i), ledger->refused[i]);
    }
    put_head(out, "datalyr_events_dropped_total", "counter",
             "Accepted events that were given up, by reason.");
    for (int i = 0; i < DATALYR_DROP_COUNT; i++) {
        dlr_buf_printf(
            out, "datalyr_events_dropped_total{reason=\"%s\"} %" PRIu64 "\n",
            datalyr_drop_reason_name((datalyr_drop_reason)i),
            ledger->dropped[i]);
    }
}

static void put_latency(struct dlr_buf *out, const char *quantile,
                        double value_ms)
{
    char text[DLR_NUMBER_DOUBLE_CAP];
    size_t len = dlr_number_put_double(value_ms / 1000.0, text);

    dlr_buf_printf(out, "datalyr_request_seconds{quantile=\"%s\"} %.*s\n",
                   quantile, (int)len, text);
}

static void put_metrics(struct dlr_buf *out, const datalyr_ledger *ledger)
{
    put_counter(out, "datalyr_calls_total", "Calls that record events.",
                ledger->calls);
    put_counter(out, "datalyr_events_accepted_total",
                "Events accepted into the queue.", ledger->accepted);
    put_counter(out, "datalyr_events_recovered_total",
                "Events taken over from journals of dead processes.",
                ledger->recovered);
    put_counter(out, "datalyr_events_delivered_total",
                "Events that the server has.", ledger->delivered);
    put_reasons(out, ledger);
    put_counter(out, "datalyr_events_duplicate_total",
                "Delivered events that the server had already.",
                ledger->duplicates);
    put_counter(out, "datalyr_events_dropped_unreported_total",
                "Drops reported to the hook without a body.",
                ledger->dropped_unreported);
    put_gauge(out, "datalyr_events_pending", "Events waiting or in flight.",
              ledger->pending);
    put_gauge(out, "datalyr_events_in_flight", "Events in requests.",
              ledger->in_flight);
    put_gauge(out, "datalyr_queue_bytes", "Bytes held by the queue.",
              ledger->queue_bytes);
    put_gauge(out, "datalyr_oldest_event_milliseconds",
              "Age of the oldest pending event.",
              (uint64_t)ledger->oldest_age_ms);
    put_counter(out, "datalyr_requests_total", "Requests, retries included.",
                ledger->requests);
    put_counter(out, "datalyr_retries_total", "Requests that were retries.",
                ledger->retries);
    put_counter(out, "datalyr_request_failures_total", "Requests that failed.",
                ledger->failures);
    put_counter(out, "datalyr_body_bytes_total",
                "Bytes of bodies before compression.", ledger->body_bytes);
    put_counter(out, "datalyr_sent_bytes_total",
                "Bytes of bodies after compression.", ledger->sent_bytes);
    put_counter(out, "datalyr_journal_errors_total",
                "Times the journal fell back to memory.",
                ledger->journal_errors);
    put_counter(out, "datalyr_journal_corrupt_bytes_total",
                "Bytes of journals set aside as damaged.",
                ledger->journal_corrupt_bytes);
    put_head(out, "datalyr_request_seconds", "gauge",
             "Time of requests over the last minutes.");
    put_latency(out, "0.5", ledger->latency_p50_ms);
    put_latency(out, "0.9", ledger->latency_p90_ms);
    put_latency(out, "0.99", ledger->latency_p99_ms);
}

datalyr_status datalyr_stats_prometheus(datalyr_client *client,
                                        datalyr_buffer *buffer)
{
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    struct dlr_buf text;
    datalyr_status status;

    if (buffer == NULL) {
        return DATALYR_INVALID;
    }
    status = datalyr_stats(client, &ledger);
    if (status != DATALYR_OK) {
        return status;
    }
    dlr_buf_init(&text, METRICS_MAX_BYTES);
    put_metrics(&text, &ledger);
    if (dlr_buf_terminate(&text) == NULL) {
        dlr_buf_clear(&text);
        return DATALYR_NOMEM;
    }
    datalyr_buffer_free(buffer);
    buffer->text = text.ptr; /* handed over */
    buffer->len = text.len;
    buffer->capacity = text.cap;
    return DATALYR_OK;
}

void datalyr_buffer_free(datalyr_buffer *buffer)
{
    if (buffer != NULL) {
        dlr_free(buffer->text);
        memset(buffer, 0, sizeof *buffer);
    }
}
