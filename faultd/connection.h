/* SPDX-License-Identifier: MIT */
/*
 * Connection: reads requests, has them answered, and lets the answer leave the
 * way the rules want it, pauses, cuts and resets included.
 */
#ifndef DLF_CONNECTION_H
#define DLF_CONNECTION_H

#include "server.h"

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

void dlf_connection_open(struct dlf_server *server, int fd);

/* Closes the socket. The structure stays until the end of the loop's turn,
 * because an event for it may still be waiting; `fd` is -1 then. */
void dlf_connection_close(struct dlf_connection *connection);
void dlf_connection_free(struct dlf_connection *connection);

/* The socket is readable or writable, or its client has gone. */
void dlf_connection_ready(struct dlf_connection *connection, uint32_t events);

/* Time has passed or counts have changed. */
void dlf_connection_tick(struct dlf_connection *connection);

/* Milliseconds until a tick is due; -1: only an event of the socket helps. */
int64_t dlf_connection_wait_ms(const struct dlf_connection *connection);

/* Lets a held answer go. */
void dlf_connection_release(struct dlf_connection *connection);

#endif /* DLF_CONNECTION_H */
