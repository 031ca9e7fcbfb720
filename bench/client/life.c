/* SPDX-License-Identifier: MIT */
/*
 * life: how long it takes to open a client, to close it with nothing to do, and
 * to close it against a server that accepts connections and never answers.
 *
 *     bench life host=URL [rounds=N] [SETTING=VALUE...]
 *     bench hung [rounds=N] [budget_ms=N] [SETTING=VALUE...]
 */
#include "bench.h"
#include "work.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_ROUNDS 1000

static uint32_t microseconds(int64_t since_ns)
{
    return (uint32_t)((bench_now_ns() - since_ns) / 1000);
}

int bench_life(struct bench_arguments *arguments)
{
    static uint32_t opened_us[MAX_ROUNDS];
    static uint32_t closed_us[MAX_ROUNDS];
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench"};
    int64_t rounds = bench_number(arguments, "rounds", 50);
    int64_t begin_ns;

    if (rounds < 1 || rounds > MAX_ROUNDS ||
        !bench_configure(arguments, &config)) {
        return 2;
    }
    for (int64_t i = 0; i < rounds; i++) {
        datalyr_client *client;

        begin_ns = bench_now_ns();
        client = bench_open(&config);
        opened_us[i] = microseconds(begin_ns);
        begin_ns = bench_now_ns();
        if (client == NULL || datalyr_close(&client) != 0) {
            return EXIT_FAILURE;
        }
        closed_us[i] = microseconds(begin_ns);
    }
    bench_begin("life");
    bench_put("rounds", (double)rounds);
    bench_put("first_open_us", opened_us[0]);
    bench_put_samples("open_us_", opened_us, (size_t)rounds);
    bench_put_samples("close_us_", closed_us, (size_t)rounds);
    bench_put_settings(&config);
    datalyr_config_clear(&config);
    return bench_end();
}

/* The kernel answers for it until its queue of connections is full. */
static int open_hung_server(char *url, size_t cap)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("bench");
        return -1;
    }
    (void)snprintf(url, cap, "http://127.0.0.1:%d/track",
                   ntohs(address.sin_port));
    return fd;
}

int bench_hung(struct bench_arguments *arguments)
{
    static struct work work;
    static uint32_t closed_us[MAX_ROUNDS];
    char url[64];
    datalyr_config config = {DATALYR_CONFIG_INIT, .api_key = "dk_bench",
                             .host = url};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    int64_t rounds = bench_number(arguments, "rounds", 3);
    int64_t budget_ms = bench_number(arguments, "budget_ms", 500);
    bool holds = true;

    if (rounds < 1 || rounds > MAX_ROUNDS ||
        !bench_configure(arguments, &config)) {
        return 2;
    }
    work_init(&work, WORK_USUAL);
    for (int64_t i = 0; i < rounds; i++) {
        int server = open_hung_server(url, sizeof url);
        datalyr_client *client = server < 0 ? NULL : bench_open(&config);
        int64_t begin_ns;

        for (uint64_t n = 0; client != NULL && n < 100; n++) {
            work_turn(&work, n);
            (void)datalyr_track(client, &work.event); /* the ledger counts */
        }
        begin_ns = bench_now_ns();
        (void)datalyr_close_within(&client, budget_ms, &ledger);
        closed_us[i] = microseconds(begin_ns);
        holds = holds && bench_ledger_holds(&ledger) && ledger.calls == 100 &&
                ledger.delivered == 0;
        (void)close(server);
    }
    bench_begin("hung");
    bench_put("rounds", (double)rounds);
    bench_put("budget_ms", (double)budget_ms);
    bench_put_samples("close_us_", closed_us, (size_t)rounds);
    bench_put_ledger(&ledger);
    datalyr_config_clear(&config);
    (void)bench_end();
    return holds ? EXIT_SUCCESS : EXIT_FAILURE;
}
