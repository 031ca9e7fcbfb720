/* SPDX-License-Identifier: MIT */
/* What is left of events that a server refuses, also on a full disk. */
#include "sender/state.h"
#include "upkeep_rig.h"

#include <dirent.h>
#include <sys/resource.h>

static const struct dlr_capture_step refusing = {.http_status = 400};
static const struct dlr_capture_step accepting = {.http_status = 200};
static const struct dlr_capture_step rejecting = {
    .http_status = 200,
    .body = "{\"rejected\":[{\"index\":0,\"error\":\"no\"},"
            "{\"index\":2,\"error\":\"no\"}]}"};

static struct upkeep_rig rig;

static int set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    if (!test_folder_make(&rig.folder)) {
        return -1;
    }
    open_rig_with(&rig, 0, INT64_MAX, 1);
    return 0;
}

/* What a test leaves open ends here. */
static void end(void)
{
    if (rig.sender != NULL) {
        dlr_queue_close(&rig.queue);
        dlr_sender_stop(rig.sender, DLR_STOP_LEAVE);
        close_rig(&rig);
        rig.sender = NULL;
    }
}

/* As on a full disk: no file grows any more. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int tear_down(void **state)
{
    (void)state;
    limit_files(RLIM_INFINITY);
    end();
    test_folder_remove(&rig.folder);
    return 0;
}

/* The one file whose name ends so; "" if there is none. */
static const char *path_of(const char *end_of_name)
{
    static char path[600];
    DIR *dir = opendir(rig.folder.path);
    const struct dirent *entry;

    assert_non_null(dir);
    path[0] = '\0';
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, end_of_name) != NULL) {
            (void)snprintf(path, sizeof path, "%s/%s", rig.folder.path,
                           entry->d_name);
        }
    }
    closedir(dir);
    return path;
}

static const char *dead_letters(void)
{
    static char text[512];
    FILE *file = fopen(path_of(".dead-letter.ndjson"), "r");

    text[0] = '\0';
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    return text;
}

static void step_through(void)
{
    for (int i = 0; i < 4; i++) {
        dlr_sender_step(rig.sender);
    }
}

static void record(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char json[32];
        bool wakes;

        (void)snprintf(json, sizeof json, "{\"eventId\":\"e%u\"}", i);
        assert_int_equal(
            dlr_queue_append(&rig.queue, dlr_text_of(json), NULL, &wakes),
            DATALYR_OK);
    }
}

static void send_all(void)
{
    ask_for_all(&rig);
    step_through();
}

static unsigned times_told(void)
{
    unsigned count = 0;

    for (const char *at = rig.log;
         (at = strstr(at, "dead letter could not be written")) != NULL; at++) {
        count++;
    }
    return count;
}

static void events_rejected_one_by_one_are_dead_letters(void **state)
{
    (void)state;
    dlr_capture_script(rig.capture, NULL, 0, rejecting);
    record(0, 4);
    send_all();
    assert_int_equal(rig.delivered, 2);
    assert_int_equal(ledger_of(&rig).delivered, 2);
    assert_int_equal(ledger_of(&rig).dropped[DATALYR_DROP_REJECTED_BY_SERVER],
                     2);
    assert_string_equal(dead_letters(),
                        "{\"eventId\":\"e0\"}\n{\"eventId\":\"e2\"}\n");
}

static void
what_cannot_be_buried_stays_pending_and_is_not_sent_again(void **state)
{
    (void)state;
    dlr_capture_script(rig.capture, NULL, 0, rejecting);
    record(0, 4);
    limit_files(0);
    send_all();
    assert_int_equal(rig.delivered, 2);
    assert_int_equal(ledger_of(&rig).delivered, 2);
    assert_int_equal(ledger_of(&rig).pending, 2);
    assert_int_equal(ledger_of(&rig).in_flight, 0);
    rig.now_ms += 9999;
    step_through();
    assert_int_equal(ledger_of(&rig).pending, 2);
    rig.now_ms += 1; /* the disk is still full */
    step_through();
    assert_int_equal(ledger_of(&rig).pending, 2);
    assert_int_equal(dlr_capture_count(rig.capture), 1);
    assert_int_equal(times_told(), 1);
    assert_null(strstr(rig.log, "events wait in memory"));
}

static void it_is_buried_when_the_disk_has_room_again(void **state)
{
    (void)state;
    dlr_capture_script(rig.capture, NULL, 0, rejecting);
    record(0, 4);
    limit_files(0);
    send_all();
    assert_int_equal(dlr_upkeep(rig.sender, rig.now_ms), rig.now_ms + 100);
    assert_int_equal(dlr_refused_retry(rig.sender, rig.now_ms),
                     rig.now_ms + 10000);
    limit_files(RLIM_INFINITY);
    rig.now_ms += 10000;
    step_through();
    assert_int_equal(ledger_of(&rig).pending, 0);
    assert_int_equal(ledger_of(&rig).dropped[DATALYR_DROP_REJECTED_BY_SERVER],
                     2);
    assert_string_equal(dead_letters(),
                        "{\"eventId\":\"e0\"}\n{\"eventId\":\"e2\"}\n");
    assert_int_equal(dlr_capture_count(rig.capture), 1);
    assert_int_equal(dlr_refused_retry(rig.sender, rig.now_ms), INT64_MAX);
}

static void refuse_one_on_a_full_disk(void)
{
    dlr_capture_script(rig.capture, NULL, 0, refusing);
    record(0, 1);
    limit_files(0);
    send_all();
    assert_int_equal(ledger_of(&rig).pending, 1);
}

static void a_flush_tries_at_once(void **state)
{
    (void)state;
    refuse_one_on_a_full_disk();
    limit_files(RLIM_INFINITY);
    send_all();
    assert_int_equal(
        ledger_of(&rig).dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR], 1);
    assert_string_equal(dead_letters(), "{\"eventId\":\"e0\"}\n");
}

/* Strict order is an order of what is sent. */
static void what_waits_for_the_disk_holds_nothing_else_up(void **state)
{
    static const struct dlr_capture_step script[] = {{.http_status = 400}};

    (void)state;
    dlr_capture_script(rig.capture, script, 1, accepting);
    record(0, 1);
    limit_files(0);
    send_all();
    record(1, 3);
    send_all();
    assert_int_equal(ledger_of(&rig).delivered, 3);
    assert_int_equal(ledger_of(&rig).pending, 1);
}

static void at_the_end_it_stays_in_the_journal_for_the_next(void **state)
{
    (void)state;
    refuse_one_on_a_full_disk();
    end();
    assert_string_not_equal(path_of(".seg"), "");
    limit_files(RLIM_INFINITY);
    open_rig_with(&rig, 0, INT64_MAX, 1);
    dlr_capture_script(rig.capture, NULL, 0, refusing);
    rig.now_ms += 100; /* the first look for what others left */
    step_through();
    assert_int_equal(ledger_of(&rig).recovered, 1);
    assert_int_equal(
        ledger_of(&rig).dropped[DATALYR_DROP_PERMANENT_CLIENT_ERROR], 1);
    assert_string_equal(dead_letters(), "{\"eventId\":\"e0\"}\n");
    end();
    assert_string_equal(path_of(".seg"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(events_rejected_one_by_one_are_dead_letters),
        TEST(what_cannot_be_buried_stays_pending_and_is_not_sent_again),
        TEST(it_is_buried_when_the_disk_has_room_again),
        TEST(a_flush_tries_at_once),
        TEST(what_waits_for_the_disk_holds_nothing_else_up),
        TEST(at_the_end_it_stays_in_the_journal_for_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
