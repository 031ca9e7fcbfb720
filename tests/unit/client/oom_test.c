/* SPDX-License-Identifier: MIT */
/* Every allocation of a scenario fails in turn. Nothing may crash, leak (a
 * sanitizer watches) or be lost from the ledger; what cannot be done says so. */
#include "support/client_rig.h"

#include "base/mem.h"

/* More than any scenario allocates; the loop ends by itself when the n-th
 * allocation was not reached. */
#define ALLOCATIONS_MAX 2000u

static void record_all_kinds(datalyr_client *client)
{
    datalyr_builder *builder = datalyr_builder_new();
    datalyr_purchase purchase = {.value = 1};
    static char large[20000];
    datalyr_event event = {DATALYR_EVENT_INIT, .user_id = "u", .event = "e"};
    datalyr_error error;

    (void)datalyr_builder_add(builder, "a", DATALYR(1));
    (void)datalyr_builder_open_list(builder, "list");
    (void)datalyr_builder_add(builder, NULL, DATALYR("x"));
    (void)datalyr_builder_close(builder);
    memset(large, 'x', sizeof large - 1);
    (void)datalyr_track(client, &event);
    event.properties = datalyr_built(builder);
    (void)datalyr_track_e(client, &event, &error);
    event.properties = DATALYR_OBJECT({"large", DATALYR((char *)large)});
    (void)datalyr_track_e(client, &event, &error);
    (void)datalyr_identify(client, "u", DATALYR_OBJECT({"a", DATALYR(1)}),
                           NULL);
    (void)datalyr_group(client, "u", "g", DATALYR_NONE, NULL);
    (void)datalyr_page(client, "u", "p", DATALYR_NONE, NULL);
    (void)datalyr_alias(client, "u", "o", NULL);
    (void)datalyr_track_purchase(client, "u", &purchase, NULL);
    (void)datalyr_track_json(client, "{\"userId\":\"u\",\"event\":\"e\"}", 26,
                             &error);
    datalyr_builder_free(&builder);
}

struct drops {
    size_t all;
    size_t without_body;
};

static void count_drop(const datalyr_record *events, size_t count,
                       datalyr_drop_reason reason, void *user_data)
{
    struct drops *drops = user_data;

    (void)reason;
    drops->all += count;
    drops->without_body += events == NULL ? count : 0;
}

static datalyr_config full_config(struct drops *dropped)
{
    static const datalyr_value json = {.as.text = "{\"env\":\"test\"}",
                                       .count = 14,
                                       .kind = DATALYR_KIND_JSON};
    datalyr_config config = client_rig_config();

    config.default_properties = json;
    config.hooks.on_drop = count_drop;
    config.hooks.user_data = dropped;
    return config;
}

/* Open, record, ask for a flush, read metrics, close. */
static bool run_scenario(uint64_t n)
{
    datalyr_buffer buffer = {0};
    struct drops dropped = {0};
    datalyr_config config = full_config(&dropped);
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error = {0};
    uint64_t seen;

    dlr_mem_set_fail_at(n);
    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        assert_null(client);
        assert_int_not_equal(error.status, DATALYR_OK);
        assert_int_not_equal(error.message[0], '\0');
    } else {
        record_all_kinds(client);
        (void)datalyr_flush(client, 0);
        (void)datalyr_stats_prometheus(client, &buffer);
        (void)client_rig_ledger(client);
        (void)datalyr_close_within(&client, 0, &last);
        assert_int_equal(last.calls,
                         last.accepted + datalyr_ledger_refused(&last));
        assert_int_equal(last.accepted, datalyr_ledger_dropped(&last));
        assert_int_equal(last.pending, 0);
        assert_int_equal(last.calls, 9);
        assert_int_equal(dropped.all, datalyr_ledger_dropped(&last));
        assert_int_equal(dropped.without_body, last.dropped_unreported);
    }
    seen = dlr_mem_seen_count();
    dlr_mem_set_fail_at(0);
    datalyr_buffer_free(&buffer);
    return seen >= n;
}

static void each_allocation_may_fail(void **state)
{
    uint64_t n = 1;

    (void)state;
    while (run_scenario(n)) {
        assert_true(++n < ALLOCATIONS_MAX);
    }
    assert_true(n > 20); /* or the scenario does not do what it says */
}

static void all_allocations_may_fail_while_recording(void **state)
{
    struct drops dropped = {0};
    datalyr_config config = full_config(&dropped);
    datalyr_client *client = client_rig_open(&config);
    datalyr_ledger last = {DATALYR_LEDGER_INIT};

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_rig_track(client), DATALYR_OK);
    }
    dlr_mem_set_fail_from(1);
    for (int i = 0; i < 100; i++) {
        (void)client_rig_track(client);
    }
    record_all_kinds(client);
    (void)datalyr_flush(client, 20);
    (void)datalyr_close_within(&client, 0, &last);
    dlr_mem_set_fail_at(0);
    assert_int_equal(last.calls, 112);
    assert_int_equal(last.pending, 0);
    assert_int_equal(last.accepted + datalyr_ledger_refused(&last), 112);
    assert_int_equal(last.accepted, datalyr_ledger_dropped(&last));
    assert_true(last.accepted >= 3);
    assert_int_equal(dropped.all, datalyr_ledger_dropped(&last));
    assert_int_equal(dropped.without_body, last.dropped_unreported);
}

static void settings_given_as_text_may_run_out_of_memory(void **state)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_error error = {0};

    (void)state;
    dlr_mem_set_fail_at(1);
    assert_int_equal(datalyr_config_set(&config, "api_key", "dk_x", &error),
                     DATALYR_NOMEM);
    dlr_mem_set_fail_at(0);
    assert_non_null(strstr(error.message, "api_key"));
    assert_null(config.api_key);
    assert_int_equal(datalyr_config_set(&config, "api_key", "dk_x", &error),
                     DATALYR_OK);
    datalyr_config_clear(&config);
    assert_null(config.api_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(all_allocations_may_fail_while_recording),
        cmocka_unit_test(settings_given_as_text_may_run_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
