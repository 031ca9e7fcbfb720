/* SPDX-License-Identifier: MIT */
/*
 * SIGTERM: a service that is told to go delivers first.
 *
 * The library installs no signal handler and its thread takes no signal, so
 * SIGTERM is the application's business: what `process.on('SIGTERM', …)` is in
 * Node is a blocked signal here that the main loop looks for. A handler would
 * be worse: hardly any function may be called in one, and datalyr_close() is
 * not among them.
 *
 * A program that just returns from main() or calls exit() without closing also
 * delivers, for exit_timeout_ms (5 s) at most. One that is killed cannot: give
 * it a journal_dir, and the next process takes over what was left.
 */
#include "ledger_line.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* Ten requests a second would come to such a service. */
static const struct timespec work_time = {.tv_nsec = 100 * 1000 * 1000};

/* Kubernetes and systemd wait before they kill (30 s and 90 s as they come).
 * Stay below it, or nobody hears what could not be delivered. */
#define CLOSE_TIMEOUT_MS 25000

static void work(datalyr_client *client, int number)
{
    datalyr_track(client,
                  &(datalyr_event){
                      DATALYR_EVENT_INIT,
                      .user_id = "user_123",
                      .event = "request_served",
                      .properties = DATALYR_OBJECT({"number", DATALYR(number)}),
                  });
}

int main(void)
{
    datalyr_config config = {DATALYR_CONFIG_INIT};
    datalyr_client *client = NULL;
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    sigset_t signals;
    int number = 0;
    int64_t left;

    /* Before any thread is started, so that all of them inherit it. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);

    if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
        fprintf(stderr, "sigterm: %s\n", error.message);
        return EXIT_FAILURE;
    }
    puts("at work; stop with SIGTERM or Ctrl-C");
    (void)fflush(stdout);
    do {
        work(client, number++);
    } while (sigtimedwait(&signals, NULL, &work_time) < 0 &&
             (errno == EAGAIN || errno == EINTR));

    left = datalyr_close_within(&client, CLOSE_TIMEOUT_MS, &last);
    if (left > 0) {
        fprintf(stderr, "sigterm: %lld events were not delivered\n",
                (long long)left);
    }
    ledger_print(&last, ledger_now_seconds() - start);
    return left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
