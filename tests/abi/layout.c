/* SPDX-License-Identifier: MIT */
/*
 * Pins size and offsets of every public struct on 64-bit Linux: programs that
 * were built against an older header pass such structs to a newer library.
 * Fields are only appended; a line here changes only with the soname. It is
 * checked by the compiler; that it compiles is the test.
 */
#include <datalyr.h>

#define SIZE(type, bytes) \
    _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define AT(type, field, bytes)                       \
    _Static_assert(offsetof(type, field) == (bytes), \
                   "place of " #type "." #field)

/* clang-format off */
SIZE(datalyr_error, 256);
AT(datalyr_error, status, 0);
AT(datalyr_error, system_code, 4);
AT(datalyr_error, message, 8);

SIZE(datalyr_value, 24);
AT(datalyr_value, as, 0);
AT(datalyr_value, count, 8);
AT(datalyr_value, kind, 16);
AT(datalyr_value, reserved, 20);

SIZE(datalyr_member, 32);
AT(datalyr_member, name, 0);
AT(datalyr_member, value, 8);

SIZE(datalyr_event, 80);
AT(datalyr_event, size, 0);
AT(datalyr_event, user_id, 8);
AT(datalyr_event, anonymous_id, 16);
AT(datalyr_event, event, 24);
AT(datalyr_event, properties, 32);
AT(datalyr_event, event_id, 56);
AT(datalyr_event, timestamp_ms, 64);
AT(datalyr_event, session_id, 72);

SIZE(datalyr_options, 40);
AT(datalyr_options, size, 0);
AT(datalyr_options, anonymous_id, 8);
AT(datalyr_options, event_id, 16);
AT(datalyr_options, timestamp_ms, 24);
AT(datalyr_options, session_id, 32);

SIZE(datalyr_purchase, 56);
AT(datalyr_purchase, value, 0);
AT(datalyr_purchase, currency, 8);
AT(datalyr_purchase, properties, 16);
AT(datalyr_purchase, reserved, 40);

SIZE(datalyr_record, 24);
AT(datalyr_record, json, 0);
AT(datalyr_record, json_len, 8);
AT(datalyr_record, event_id, 16);

SIZE(datalyr_failure, 40);
AT(datalyr_failure, events, 0);
AT(datalyr_failure, count, 8);
AT(datalyr_failure, http_status, 16);
AT(datalyr_failure, attempt, 20);
AT(datalyr_failure, retry_in_ms, 24);
AT(datalyr_failure, message, 32);

SIZE(datalyr_hooks, 64);
AT(datalyr_hooks, on_delivered, 0);
AT(datalyr_hooks, on_error, 8);
AT(datalyr_hooks, on_drop, 16);
AT(datalyr_hooks, on_log, 24);
AT(datalyr_hooks, before_send, 32);
AT(datalyr_hooks, user_data, 40);
AT(datalyr_hooks, reserved, 48);

SIZE(datalyr_config, 320);
AT(datalyr_config, size, 0);
AT(datalyr_config, api_key, 8);
AT(datalyr_config, host, 16);
AT(datalyr_config, flush_at, 24);
AT(datalyr_config, flush_interval_ms, 32);
AT(datalyr_config, timeout_ms, 40);
AT(datalyr_config, retry_limit, 48);
AT(datalyr_config, max_queue_size, 56);
AT(datalyr_config, max_queue_bytes, 64);
AT(datalyr_config, max_event_bytes, 72);
AT(datalyr_config, block_timeout_ms, 80);
AT(datalyr_config, max_batch_events, 88);
AT(datalyr_config, max_batch_bytes, 96);
AT(datalyr_config, max_in_flight, 104);
AT(datalyr_config, max_requests_per_second, 112);
AT(datalyr_config, close_timeout_ms, 120);
AT(datalyr_config, exit_timeout_ms, 128);
AT(datalyr_config, journal_dir, 136);
AT(datalyr_config, journal_max_bytes, 144);
AT(datalyr_config, journal_max_age_ms, 152);
AT(datalyr_config, journal_sync_interval_ms, 160);
AT(datalyr_config, proxy, 168);
AT(datalyr_config, ca_file, 176);
AT(datalyr_config, client_cert, 184);
AT(datalyr_config, client_key, 192);
AT(datalyr_config, overflow, 200);
AT(datalyr_config, batch, 204);
AT(datalyr_config, compression, 208);
AT(datalyr_config, journal_sync, 212);
AT(datalyr_config, debug, 216);
AT(datalyr_config, enabled, 220);
AT(datalyr_config, default_properties, 224);
AT(datalyr_config, hooks, 248);
AT(datalyr_config, storage, 312);

SIZE(datalyr_setting, 40);
AT(datalyr_setting, name, 0);
AT(datalyr_setting, default_text, 8);
AT(datalyr_setting, range_text, 16);
AT(datalyr_setting, help, 24);
AT(datalyr_setting, is_switch, 32);
AT(datalyr_setting, is_secret, 33);

SIZE(datalyr_ledger, 360);
AT(datalyr_ledger, size, 0);
AT(datalyr_ledger, calls, 8);
AT(datalyr_ledger, accepted, 16);
AT(datalyr_ledger, refused, 24);
AT(datalyr_ledger, recovered, 88);
AT(datalyr_ledger, delivered, 96);
AT(datalyr_ledger, dropped, 104);
AT(datalyr_ledger, pending, 232);
AT(datalyr_ledger, dropped_unreported, 240);
AT(datalyr_ledger, in_flight, 248);
AT(datalyr_ledger, duplicates, 256);
AT(datalyr_ledger, requests, 264);
AT(datalyr_ledger, retries, 272);
AT(datalyr_ledger, failures, 280);
AT(datalyr_ledger, body_bytes, 288);
AT(datalyr_ledger, sent_bytes, 296);
AT(datalyr_ledger, queue_bytes, 304);
AT(datalyr_ledger, oldest_age_ms, 312);
AT(datalyr_ledger, journal_errors, 320);
AT(datalyr_ledger, journal_corrupt_bytes, 328);
AT(datalyr_ledger, latency_p50_ms, 336);
AT(datalyr_ledger, latency_p90_ms, 344);
AT(datalyr_ledger, latency_p99_ms, 352);

SIZE(datalyr_buffer, 24);
AT(datalyr_buffer, text, 0);
AT(datalyr_buffer, len, 8);
AT(datalyr_buffer, capacity, 16);
/* clang-format on */

/* Numbers that programs have compiled in. */
_Static_assert(DATALYR_OK == 0 && DATALYR_INVALID == 1 &&
                   DATALYR_TOO_LARGE == 2 && DATALYR_QUEUE_FULL == 3 &&
                   DATALYR_CLOSED == 4 && DATALYR_TIMEOUT == 5 &&
                   DATALYR_IO == 6 && DATALYR_NOMEM == 7 &&
                   DATALYR_IN_HOOK == 8,
               "statuses");
_Static_assert(DATALYR_KIND_NONE == 0 && DATALYR_KIND_NULL == 1 &&
                   DATALYR_KIND_BOOLEAN == 2 && DATALYR_KIND_INTEGER == 3 &&
                   DATALYR_KIND_UNSIGNED == 4 && DATALYR_KIND_NUMBER == 5 &&
                   DATALYR_KIND_TEXT == 6 && DATALYR_KIND_LIST == 7 &&
                   DATALYR_KIND_OBJECT == 8 && DATALYR_KIND_JSON == 9 &&
                   DATALYR_KIND_BUILDER == 10,
               "kinds");
_Static_assert(DATALYR_DROP_QUEUE_OVERFLOW == 0 &&
                   DATALYR_DROP_PERMANENT_CLIENT_ERROR == 1 &&
                   DATALYR_DROP_REJECTED_BY_SERVER == 2 &&
                   DATALYR_DROP_MAX_FLUSH_ATTEMPTS == 3 &&
                   DATALYR_DROP_CLOSE_TIMEOUT == 4 &&
                   DATALYR_DROP_BEFORE_SEND == 5 &&
                   DATALYR_DROP_JOURNAL_EXPIRED == 6 &&
                   DATALYR_DROP_JOURNAL_CORRUPT == 7,
               "drop reasons");
_Static_assert(DATALYR_REFUSED_VALIDATION_ERROR == 0 &&
                   DATALYR_REFUSED_TOO_LARGE == 1 &&
                   DATALYR_REFUSED_QUEUE_FULL == 2 &&
                   DATALYR_REFUSED_CLOSED == 3 && DATALYR_REFUSED_DISABLED == 4,
               "refusals");
_Static_assert(DATALYR_NEVER == -1 && DATALYR_UNLIMITED == -2,
               "words for settings");
_Static_assert(DATALYR_ON == 1 && DATALYR_OFF == 2, "switches");
_Static_assert(DATALYR_SEND == 0 && DATALYR_REFUSE == 1 && DATALYR_REPLACE == 2,
               "decisions");
_Static_assert(DATALYR_ANONYMOUS_ID_SIZE == 42, "anonymous ids");

int main(void)
{
    return 0;
}
