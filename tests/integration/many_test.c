/* SPDX-License-Identifier: MIT */
/*
 * Many: a thousand clients at once, and clients opened and closed again and
 * again, leave no thread, no descriptor and no byte behind. The slow test is
 * the same program with more cycles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 1000

#ifndef CYCLES
#    define CYCLES 1000
#endif

/* What the C library's own caches may hold more at one moment than at another:
 * stacks and arenas of threads that ended are kept for the next. A client is
 * larger; a leak of one byte a cycle is found by the sanitizer's build. */
#define BYTES_OF_NOISE (256 * 1024)

static struct faultd server;
static struct told told;

static int start(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    faultd_start(&server, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    faultd_stop(&server);
    return 0;
}

struct belongings {
    int threads;
    int descriptors;
    size_t bytes;
};

static struct belongings look(void)
{
    struct belongings belongings;

    (void)malloc_trim(0);
    belongings.threads = count_threads();
    belongings.descriptors = count_descriptors();
    belongings.bytes = mallinfo2().uordblks;
    return belongings;
}

static void check_nothing_left(const struct belongings *before)
{
    struct belongings after = look();

    assert_int_equal(after.threads, before->threads);
    assert_int_equal(after.descriptors, before->descriptors);
    assert_in_range(after.bytes, 0, before->bytes + BYTES_OF_NOISE);
}

static void cycle(int64_t number)
{
    datalyr_config config = test_config(&server, &told);
    datalyr_client *client;

    /* As small as settings allow: what is tested is opening and closing. */
    config.max_queue_size = 100;
    config.max_queue_bytes = 4 << 20;
    client = open_client(&config);
    assert_int_equal(track_one(client, "cycle", number), DATALYR_OK);
    assert_int_equal(datalyr_close(&client), 0);
}

static void cycles_of_open_track_and_close_leave_nothing(void **state)
{
    struct belongings before;
    int64_t begin_ms;

    (void)state;
    for (int64_t i = 0; i < 50; i++) {
        cycle(i);
    }
    before = look();
    begin_ms = now_ms();
    for (int64_t i = 50; i < CYCLES; i++) {
        cycle(i);
    }
    printf("# %lld cycles in %lld ms\n", (long long)(CYCLES - 50),
           (long long)(now_ms() - begin_ms));
    check_nothing_left(&before);
    assert_int_equal(faultd_count(&server, "stored"), CYCLES);
    assert_int_equal(atomic_load(&told.delivered), CYCLES);
}

static void a_thousand_clients_at_once_deliver_and_leave_nothing(void **state)
{
    static datalyr_client *clients[CLIENTS];
    datalyr_config config = test_config(&server, &told);
    struct belongings before;

    (void)state;
    cycle(0);
    before = look();
    config.max_queue_size = 100;
    config.max_queue_bytes = 4 << 20;
    for (int64_t i = 0; i < CLIENTS; i++) {
        clients[i] = open_client(&config);
        assert_int_equal(track_one(clients[i], "a", i), DATALYR_OK);
    }
    assert_true(count_threads() >= CLIENTS);
    for (int64_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(track_one(clients[i], "b", i), DATALYR_OK);
    }
    for (int64_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(datalyr_close(&clients[i]), 0);
    }
    check_nothing_left(&before);
    assert_int_equal(faultd_count(&server, "stored"), 2 * CLIENTS + 1);
    assert_int_equal(atomic_load(&told.delivered), 2 * CLIENTS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            cycles_of_open_track_and_close_leave_nothing, start, stop),
        cmocka_unit_test_setup_teardown(
            a_thousand_clients_at_once_deliver_and_leave_nothing, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
