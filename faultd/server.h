/* SPDX-License-Identifier: MIT */
/*
 * Server: the loop, its connections and what they share. What is answered is
 * left to answer.c and admin.c.
 */
#ifndef DLF_SERVER_H
#define DLF_SERVER_H

#include "http.h"
#include "ledger.h"
#include "rule.h"

#include <stdbool.h>
#include <stdint.h>

struct dlf_settings {
    const char *listen;  /* HOST:PORT */
    const char *api_key; /* NULL: any */
    const char *log_file;
    int64_t batch_max; /* 0: batches are refused */
    bool has_gzip;
    uint64_t seed;
};

struct dlf_connection;

struct dlf_server {
    struct dlf_settings settings;
    struct dlf_rules rules;
    struct dlf_ledger ledger;
    int epoll_fd;
    int listen_fd;
    int log_fd;     /* -1: none */
    int64_t now_ms; /* monotonic, once per turn of the loop */
    struct dlf_connection *connections;
    bool has_timed; /* some connection may wait for a time or a count */
    bool should_stop;
};

/* Listens and prints the address. False: `problem` has a sentence. */
bool dlf_server_open(struct dlf_server *server,
                     const struct dlf_settings *settings, char problem[256]);

/* Serves until `signal_fd` has a signal. */
void dlf_server_run(struct dlf_server *server, int signal_fd);
void dlf_server_close(struct dlf_server *server);

/* Lets all held answers go. */
void dlf_server_release(struct dlf_server *server);

/* Forgets rules and ledger; requests that are running stay running. */
void dlf_server_reset(struct dlf_server *server);

#endif /* DLF_SERVER_H */
