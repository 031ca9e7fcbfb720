/* SPDX-License-Identifier: MIT */
/*
 * What the integration tests share: a datalyr-faultd of their own, a client
 * whose hooks count, and the law. What goes wrong here fails the test.
 */
#ifndef DATALYR_TESTS_INTEGRATION_SUPPORT_H
#define DATALYR_TESTS_INTEGRATION_SUPPORT_H

#include <datalyr.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* No test waits so long when all is well. */
#define PATIENCE_MS 120000

struct faultd {
    pid_t pid;
    int port;
    char url[64];
};

/* Starts a server with these arguments; the list ends in NULL and may be NULL
 * itself. */
void faultd_start(struct faultd *server, const char *const *arguments);
void faultd_stop(struct faultd *server);

/* A count of the server's ledger, by name. */
int64_t faultd_count(const struct faultd *server, const char *name);

/* Waits until a count is at least that high. */
void faultd_await(const struct faultd *server, const char *name, int64_t count);

void faultd_set_rules(const struct faultd *server, const char *rules);
void faultd_release(const struct faultd *server);

/* What the hooks of one client were told. */
struct told {
    atomic_uint_fast64_t delivered;
    atomic_uint_fast64_t dropped[DATALYR_DROP_COUNT];
    atomic_uint_fast64_t failures;
    atomic_uint_fast64_t lines; /* of the log */
    char last_line[512];
};

datalyr_hooks told_hooks(struct told *told);
uint64_t told_dropped(const struct told *told);

/* Settings for tests: that server, hooks that count, no rate limit, and an
 * event leaves as soon as it is there. */
datalyr_config test_config(const struct faultd *server, struct told *told);
datalyr_client *open_client(const datalyr_config *config);

/* Tracks one event with an id made of `prefix` and `number`. */
datalyr_status track_one(datalyr_client *client, const char *prefix,
                         int64_t number);
void track_many(datalyr_client *client, const char *prefix, int64_t count);

void check_law(const datalyr_ledger *ledger);

/* Closes, checks the law at the end and what the hooks were told, and returns
 * the last ledger. */
datalyr_ledger close_and_check(datalyr_client **client, struct told *told);

int count_threads(void);
int count_descriptors(void);
int count_sockets(void);

/* As fork(); a child that crashes is seen to crash. The test framework's own
 * handlers would make it go on with the next test. */
pid_t fork_child(void);

/* Waits for a child that must end by itself; returns its exit code, or 256 and
 * the signal that ended it. */
int wait_child(pid_t child);

int64_t now_ms(void);

/* Removes a folder with the files in it. */
void remove_folder(const char *path);

#endif /* DATALYR_TESTS_INTEGRATION_SUPPORT_H */
