/* SPDX-License-Identifier: MIT */
/*
 * Pre-fork: a server whose worker processes are forked from one parent, as
 * nginx, PHP-FPM, gunicorn and many C servers work.
 *
 *   prefork [WORKERS]
 *
 * The client may be opened before the fork. Each child then has a client that
 * works, with an empty queue, its own thread and its own connections; what was
 * queued in the parent is the parent's and is sent by the parent, once. So each
 * process closes its own.
 */
#include "ledger_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 64

/* -------------------------------------------------------------- a worker */

/* Any request is fine: what matters here is that one was served. */
static void answer(int connection)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                               "Connection: close\r\n\r\nok\n";
    char request[4096];

    if (read(connection, request, sizeof request) > 0) {
        /* A client that has gone does not hear it; MSG_NOSIGNAL, or its going
         * would end this process. */
        (void)send(connection, text, sizeof text - 1, MSG_NOSIGNAL);
    }
}

static void serve_one(datalyr_client *client, int listener, int number)
{
    int connection = accept(listener, NULL, NULL);

    if (connection < 0) {
        return; /* another worker was faster */
    }
    answer(connection);
    (void)close(connection);
    datalyr_track(client,
                  &(datalyr_event){
                      DATALYR_EVENT_INIT,
                      .anonymous_id = "anon_visitor",
                      .event = "request_served",
                      .properties = DATALYR_OBJECT({"worker", DATALYR(number)}),
                  });
}

/* Serves until SIGTERM, which comes through a descriptor like the rest. */
static int work(datalyr_client **client, int listener, int signals, int number)
{
    struct pollfd waits[2] = {{.fd = listener, .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    double start = ledger_now_seconds();

    while (waits[1].revents == 0) {
        if (poll(waits, 2, -1) > 0 && waits[0].revents != 0) {
            serve_one(*client, listener, number);
        }
    }
    (void)datalyr_close_within(client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return last.delivered == last.calls ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ------------------------------------------------------------ the parent */

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int listener =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* port 0: a free one */
    if (listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        fprintf(stderr, "prefork: cannot listen: %s\n", strerror(errno));
        return -1;
    }
    printf("http://127.0.0.1:%u/\n", ntohs(address.sin_port));
    (void)fflush(stdout); /* or each child prints it again */
    return listener;
}

static int end_workers(const pid_t *workers, int count)
{
    int result = EXIT_SUCCESS;

    for (int i = 0; i < count; i++) {
        (void)kill(workers[i], SIGTERM);
    }
    for (int i = 0; i < count; i++) {
        int status = 0;

        if (waitpid(workers[i], &status, 0) < 0 || !WIFEXITED(status) ||
            WEXITSTATUS(status) != EXIT_SUCCESS) {
            result = EXIT_FAILURE;
        }
    }
    return result;
}

static int run(datalyr_client **client, int worker_count, int signals)
{
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    struct pollfd wait = {.fd = signals, .events = POLLIN};
    double start = ledger_now_seconds();
    pid_t workers[WORKERS_MAX];
    int listener = listen_on_loopback();
    int result;
    int count = 0;

    /* Queued before the fork: stays here, in the parent. */
    datalyr_track(*client, &(datalyr_event){DATALYR_EVENT_INIT,
                                            .anonymous_id = "anon_server",
                                            .event = "server_started"});
    while (listener >= 0 && count < worker_count) {
        pid_t child = fork();

        if (child == 0) {
            return work(client, listener, signals, count);
        }
        if (child < 0) {
            fprintf(stderr, "prefork: %s\n", strerror(errno));
            break;
        }
        workers[count++] = child;
    }
    while (listener >= 0 && wait.revents == 0) {
        (void)poll(&wait, 1, -1); /* interrupted: looks again */
    }
    result = end_workers(workers, count);
    (void)datalyr_close_within(client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return listener >= 0 && last.delivered == last.calls ? result
                                                         : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_error error;
    sigset_t set;
    int signals;
    char *end = NULL;
    long worker_count = argc > 1 ? strtol(argv[1], &end, 10) : 4;

    if (worker_count < 1 || worker_count > WORKERS_MAX ||
        (end != NULL && *end != '\0')) {
        fprintf(stderr, "usage: prefork [WORKERS], 1 to %d\n", WORKERS_MAX);
        return 2;
    }
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "prefork: %s\n", error.message);
        return EXIT_FAILURE;
    }
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) {
        fprintf(stderr, "prefork: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    return run(&client, (int)worker_count, signals);
}
