/* SPDX-License-Identifier: MIT */
/*
 * Load: the library is loaded and unloaded at run time, as plug-ins and other
 * languages do. Code under a running thread must not go away, and what a
 * client holds must not be lost with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct faultd server;

static int start(void **state)
{
    (void)state;
    faultd_start(&server, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    faultd_stop(&server);
    return 0;
}

/* The few calls these tests make, found by name. */
struct library {
    void *handle;
    datalyr_status (*open)(const datalyr_config *config,
                           datalyr_client **client, datalyr_error *error);
    datalyr_status (*track)(datalyr_client *client, const datalyr_event *event);
    int64_t (*flush)(datalyr_client *client, int64_t timeout_ms);
    int64_t (*close)(datalyr_client **client);
};

static bool find(const struct library *library, const char *name,
                 void *function)
{
    void *symbol = dlsym(library->handle, name);

    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool load(struct library *library)
{
    const char *folder = getenv("DATALYR_LIB");
    char path[1024];

    (void)snprintf(path, sizeof path, "%s/libdatalyr.so",
                   folder == NULL ? "build/lib" : folder);
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library->handle != NULL &&
           find(library, "datalyr_open", &library->open) &&
           find(library, "datalyr_track", &library->track) &&
           find(library, "datalyr_flush", &library->flush) &&
           find(library, "datalyr_close", &library->close);
}

static datalyr_client *open_loaded(const struct library *library)
{
    datalyr_config config = {
        DATALYR_CONFIG_INIT,        .api_key = "dk_test_load",
        .host = server.url,         .flush_at = 1000,
        .flush_interval_ms = 60000, .exit_timeout_ms = PATIENCE_MS};
    datalyr_client *client = NULL;

    return library->open(&config, &client, NULL) == DATALYR_OK ? client : NULL;
}

static bool track_loaded(const struct library *library, datalyr_client *client,
                         int count)
{
    bool is_accepted = true;

    for (int i = 0; i < count; i++) {
        is_accepted =
            is_accepted &&
            library->track(
                client, &(datalyr_event){DATALYR_EVENT_INIT, .user_id = "user",
                                         .event = "loaded"}) == DATALYR_OK;
    }
    return is_accepted;
}

static void loads_and_unloads_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct library library;
        datalyr_client *client;

        assert_true(load(&library));
        client = open_loaded(&library);
        assert_non_null(client);
        assert_true(track_loaded(&library, client, 4));
        assert_int_equal(library.close(&client), 0);
        assert_int_equal(dlclose(library.handle), 0);
    }
    assert_int_equal(faultd_count(&server, "stored"), 200);
}

static void unloading_under_an_open_client_loses_nothing(void **state)
{
    pid_t child = fork_child();

    (void)state;
    if (child == 0) {
        struct library library;
        datalyr_client *client;

        if (!load(&library)) {
            _exit(100);
        }
        client = open_loaded(&library);
        if (client == NULL || !track_loaded(&library, client, 30) ||
            dlclose(library.handle) != 0) {
            _exit(101);
        }
        exit(3);
    }
    assert_int_equal(wait_child(child), 3);
    assert_int_equal(faultd_count(&server, "stored"), 30);
}

static void unloading_while_requests_are_on_the_wire_is_safe(void **state)
{
    pid_t child;

    (void)state;
    faultd_set_rules(&server, "hold");
    child = fork_child();
    if (child == 0) {
        struct library library;
        datalyr_client *client;

        if (!load(&library)) {
            _exit(100);
        }
        client = open_loaded(&library);
        if (client == NULL || !track_loaded(&library, client, 5) ||
            library.flush(client, 0) != 5) {
            _exit(101);
        }
        faultd_await(&server, "held", 5);
        if (dlclose(library.handle) != 0) {
            _exit(102);
        }
        faultd_set_rules(&server, "");
        faultd_release(&server);
        exit(4);
    }
    assert_int_equal(wait_child(child), 4);
    assert_int_equal(faultd_count(&server, "stored"), 5);
    assert_int_equal(faultd_count(&server, "duplicates"), 0);
}

#define LOAD_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(loads_and_unloads_again_and_again),
        LOAD_TEST(unloading_under_an_open_client_loses_nothing),
        LOAD_TEST(unloading_while_requests_are_on_the_wire_is_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
