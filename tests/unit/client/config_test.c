/* SPDX-License-Identifier: MIT */
/* The settings table and configurations. What each setting takes is in
 * contract/settings; here is what the table and the struct promise. */
#include "client/config.h"

#include "client/settings.h"
#include "support/client_rig.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void
every_setting_has_name_help_range_and_a_place_of_its_own(void **state)
{
    const struct dlr_setting_row *row;
    size_t count = 0;

    (void)state;
    for (; (row = dlr_setting_row_at(count)) != NULL; count++) {
        assert_ptr_equal(datalyr_setting_at(count), &row->shown);
        assert_ptr_equal(dlr_setting_find(row->shown.name), row);
        assert_true(strlen(row->shown.help) > 20);
        assert_int_equal(row->shown.help[strlen(row->shown.help) - 1], '.');
        assert_true(row->offset >= sizeof(size_t));
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(dlr_setting_row_at(i)->offset, row->offset);
        }
        assert_true(row->kind == DLR_SETTING_TEXT ||
                    row->shown.range_text[0] != '\0');
        assert_int_equal(row->shown.is_switch, row->kind == DLR_SETTING_SWITCH);
        assert_int_equal(row->shown.is_secret,
                         strcmp(row->shown.name, "api_key") == 0);
    }
    assert_int_equal(count, 30);
    assert_null(datalyr_setting_at(count));
    assert_null(dlr_setting_find("no_such_setting"));
}

/* A default that is shown is a default that is taken. */
static void every_default_text_gives_the_default(void **state)
{
    datalyr_config given = client_rig_config();
    datalyr_config defaults = {0};
    const struct dlr_setting_row *row;

    (void)state;
    given.host = NULL;
    assert_int_equal(dlr_config_resolve(&given, &defaults, NULL), DATALYR_OK);
    for (size_t i = 0; (row = dlr_setting_row_at(i)) != NULL; i++) {
        datalyr_config config = client_rig_config();
        datalyr_config out = {0};
        size_t bytes =
            row->kind == DLR_SETTING_CHOICE || row->kind == DLR_SETTING_SWITCH
                ? sizeof(uint32_t)
                : sizeof(int64_t);

        if (row->kind == DLR_SETTING_TEXT) {
            continue;
        }
        assert_int_equal(datalyr_config_set(&config, row->shown.name,
                                            row->shown.default_text, NULL),
                         DATALYR_OK);
        assert_int_equal(dlr_config_resolve(&config, &out, NULL), DATALYR_OK);
        assert_memory_equal((char *)&out + row->offset,
                            (char *)&defaults + row->offset, bytes);
        datalyr_config_clear(&out);
        datalyr_config_clear(&config);
    }
    datalyr_config_clear(&defaults);
}

static void numbers_in_the_struct_are_checked_at_both_ends(void **state)
{
    const struct dlr_setting_row *row;

    (void)state;
    for (size_t i = 0; (row = dlr_setting_row_at(i)) != NULL; i++) {
        int64_t values[] = {row->max, row->max + 1,
                            row->min == 0 ? 1 : row->min, -3};

        for (int k = 0;
             k < 4 && row->kind != DLR_SETTING_TEXT &&
             row->kind != DLR_SETTING_CHOICE && row->kind != DLR_SETTING_SWITCH;
             k++) {
            datalyr_config config = client_rig_config();
            datalyr_config out = {0};
            datalyr_error error = {0};
            bool is_good = k % 2 == 0;
            datalyr_status status;

            memcpy((char *)&config + row->offset, &values[k], sizeof values[k]);
            status = dlr_config_resolve(&config, &out, &error);
            assert_int_equal(status, is_good ? DATALYR_OK : DATALYR_INVALID);
            if (!is_good) {
                assert_non_null(strstr(error.message, row->shown.name));
                assert_non_null(strstr(error.message, row->shown.range_text));
            }
            datalyr_config_clear(&out);
        }
    }
}

static void choices_out_of_the_list_are_refused(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_config out = {0};
    datalyr_error error = {0};

    (void)state;
    config.overflow = 4;
    assert_int_equal(dlr_config_resolve(&config, &out, &error),
                     DATALYR_INVALID);
    assert_non_null(strstr(error.message, "overflow is 4"));
    datalyr_config_clear(&out);
    config.overflow = 0;
    config.debug = 3;
    assert_int_equal(dlr_config_resolve(&config, &out, &error),
                     DATALYR_INVALID);
    datalyr_config_clear(&out);
}

static void other_sizes_of_the_struct_are_understood_or_refused(void **state)
{
    struct {
        datalyr_config config;
        uint64_t later;
    } newer = {.config = client_rig_config()};
    datalyr_config older = client_rig_config();
    datalyr_config out = {0};
    datalyr_error error = {0};

    (void)state;
    newer.config.size = sizeof newer;
    assert_int_equal(dlr_config_resolve(&newer.config, &out, &error),
                     DATALYR_OK);
    datalyr_config_clear(&out);
    newer.later = 5;
    assert_int_equal(dlr_config_resolve(&newer.config, &out, &error),
                     DATALYR_INVALID);
    assert_non_null(strstr(error.message, "datalyr_config"));
    older.size = offsetof(datalyr_config, flush_at);
    older.flush_at = -99; /* behind its end */
    assert_int_equal(dlr_config_resolve(&older, &out, &error), DATALYR_OK);
    assert_int_equal(out.flush_at, 20);
    datalyr_config_clear(&out);
    older.size = 0;
    assert_int_equal(dlr_config_resolve(&older, &out, &error), DATALYR_INVALID);
    assert_int_equal(dlr_config_resolve(NULL, &out, &error), DATALYR_INVALID);
}

static void set_refuses_what_it_cannot_use(void **state)
{
    datalyr_config config = {0};
    datalyr_error error = {0};

    (void)state;
    assert_int_equal(datalyr_config_set(NULL, "flush_at", "1", &error),
                     DATALYR_INVALID);
    assert_int_equal(datalyr_config_set(&config, "flush_at", "1", &error),
                     DATALYR_INVALID);
    assert_non_null(strstr(error.message, "DATALYR_CONFIG_INIT"));
    config.size = sizeof config;
    assert_int_equal(datalyr_config_set(&config, NULL, "1", NULL),
                     DATALYR_INVALID);
    assert_int_equal(datalyr_config_set(&config, "flush_at", NULL, NULL),
                     DATALYR_INVALID);
    datalyr_config_clear(NULL);
    datalyr_config_clear(&config);
}

/* ---- open */

static void check_open_refused(const datalyr_config *config, const char *part)
{
    datalyr_client *client = (datalyr_client *)1;
    datalyr_error error = {0};

    assert_int_equal(datalyr_open(config, &client, &error), DATALYR_INVALID);
    assert_null(client);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
    }
}

static void open_names_what_is_wrong(void **state)
{
    static const char *const hosts[] = {"ftp://example.com/", "nonsense",
                                        "http://", "https://a b/",
                                        "http://h:99999/"};
    datalyr_config config = client_rig_config();

    (void)state;
    (void)unsetenv("DATALYR_API_KEY");
    check_open_refused(NULL, "config");
    config.api_key = NULL;
    check_open_refused(&config, "api_key");
    config.api_key = "";
    check_open_refused(&config, "api_key");
    config.api_key = "dk_a\r\nX-Evil: 1";
    check_open_refused(&config, "api_key");
    config.api_key = "dk_secret_1234";
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        config.host = hosts[i];
        check_open_refused(&config, "host");
    }
    config.host = CLIENT_RIG_HOST;
    config.default_properties = DATALYR_LIST(DATALYR(1));
    check_open_refused(&config, "default_properties");
    assert_int_equal(datalyr_open(&config, NULL, NULL), DATALYR_INVALID);
}

/* ---- texts */

static void prometheus_text_has_every_counter_once(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    datalyr_buffer buffer = {0};
    unsigned samples = 0;

    (void)state;
    assert_int_equal(client_rig_track(client), DATALYR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(datalyr_stats_prometheus(client, &buffer), DATALYR_OK);
    }
    assert_int_equal(strlen(buffer.text), buffer.len);
    assert_non_null(strstr(buffer.text, "\ndatalyr_calls_total 1\n"));
    assert_non_null(strstr(buffer.text, "\ndatalyr_events_pending 1\n"));
    assert_non_null(strstr(
        buffer.text,
        "\ndatalyr_events_dropped_total{reason=\"queue_overflow\"} 0\n"));
    for (const char *line = buffer.text; *line != '\0';
         line = strchr(line, '\n') + 1) {
        samples += line[0] == '#' ? 0u : 1u;
        assert_true(line[0] == '#' || strncmp(line, "datalyr_", 8) == 0);
    }
    assert_int_equal(samples,
                     17 + DATALYR_DROP_COUNT + DATALYR_REFUSED_COUNT + 3);
    datalyr_buffer_free(&buffer);
    assert_null(buffer.text);
    datalyr_buffer_free(NULL);
    assert_int_equal(datalyr_stats_prometheus(client, NULL), DATALYR_INVALID);
    assert_int_equal(datalyr_stats_prometheus(NULL, &buffer), DATALYR_INVALID);
    (void)datalyr_close_within(&client, 0, NULL);
}

static void a_smaller_ledger_gets_its_part(void **state)
{
    datalyr_config config = client_rig_config();
    datalyr_client *client = client_rig_open(&config);
    datalyr_ledger ledger;

    (void)state;
    assert_int_equal(client_rig_track(client), DATALYR_OK);
    memset(&ledger, 0x55, sizeof ledger);
    ledger.size = offsetof(datalyr_ledger, accepted);
    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_OK);
    assert_int_equal(ledger.calls, 1);
    assert_int_equal(ledger.accepted, UINT64_C(0x5555555555555555));
    ledger.size = 0;
    assert_int_equal(datalyr_stats(client, &ledger), DATALYR_INVALID);
    assert_int_equal(datalyr_stats(NULL, &ledger), DATALYR_INVALID);
    (void)datalyr_close_within(&client, 0, NULL);
}

static void numbers_have_names(void **state)
{
    (void)state;
    assert_string_equal(datalyr_version(), DATALYR_VERSION);
    assert_string_equal(datalyr_status_name(DATALYR_QUEUE_FULL), "QUEUE_FULL");
    assert_string_equal(datalyr_status_name((datalyr_status)99), "UNKNOWN");
    assert_string_equal(datalyr_drop_reason_name((datalyr_drop_reason)99),
                        "unknown");
    assert_string_equal(datalyr_refusal_name((datalyr_refusal)99), "unknown");
    for (int i = 0; i < DATALYR_STATUS_COUNT_; i++) {
        assert_true(strlen(datalyr_status_text((datalyr_status)i)) > 3);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(datalyr_status_name((datalyr_status)i),
                                    datalyr_status_name((datalyr_status)k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_setting_has_name_help_range_and_a_place_of_its_own),
        cmocka_unit_test(every_default_text_gives_the_default),
        cmocka_unit_test(numbers_in_the_struct_are_checked_at_both_ends),
        cmocka_unit_test(choices_out_of_the_list_are_refused),
        cmocka_unit_test(other_sizes_of_the_struct_are_understood_or_refused),
        cmocka_unit_test(set_refuses_what_it_cannot_use),
        cmocka_unit_test(open_names_what_is_wrong),
        cmocka_unit_test(prometheus_text_has_every_counter_once),
        cmocka_unit_test(a_smaller_ledger_gets_its_part),
        cmocka_unit_test(numbers_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
