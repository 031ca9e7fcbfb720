/* SPDX-License-Identifier: MIT */
/*
 * State: what the server and its connections are, for those who read and
 * change it. What happens to it is connection.c's and server.c's business.
 */
#ifndef DLF_STATE_H
#define DLF_STATE_H

#include "ledger.h"
#include "rule.h"

#include "base/buf.h"

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
    bool has_timed;      /* some connection may wait for a time or a count */
    bool should_release; /* held answers may go */
    bool should_stop;
};

enum dlf_phase {
    DLF_READING,
    DLF_DELAYED,  /* the answer is ready, due_ms has not come */
    DLF_HELD,     /* until the admin API lets it go */
    DLF_HUNG,     /* until the client goes away */
    DLF_AWAITING, /* an admin request waits for counts, until due_ms */
    DLF_WRITING
};

#define DLF_MAX_AWAITED 4

struct dlf_awaited {
    const uint64_t *count; /* in the ledger */
    uint64_t at_least;
};

struct dlf_connection {
    struct dlf_server *server;
    struct dlf_connection *next;
    struct dlf_connection *previous;
    int fd;
    enum dlf_phase phase;
    struct dlr_buf in;
    struct dlr_buf out;
    size_t request_bytes; /* of `in`: the request being answered */
    size_t sent;          /* of `out` */
    size_t stop_at;       /* what is behind it never leaves */
    enum dlf_ending ending;
    int64_t due_ms;
    int64_t write_start_ms;
    int64_t bytes_per_second; /* 0: at once */
    bool is_ingest;           /* its request counts */
    bool has_continued;       /* 100 Continue was sent */
    bool is_waiting_writable; /* the socket's buffer is full */
    size_t visit;             /* number of the request in the ledger, or 0 */
    uint16_t status;
    struct dlf_awaited awaited[DLF_MAX_AWAITED];
    size_t awaited_count;
};

#endif /* DLF_STATE_H */
