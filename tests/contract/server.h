/* SPDX-License-Identifier: MIT */
/* A server inside the test: real sockets, one thread, answers from a list. */
#ifndef DATALYR_TESTS_CONTRACT_SERVER_H
#define DATALYR_TESTS_CONTRACT_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SERVER_REQUESTS_MAX 64
#define SERVER_CLIENTS_MAX  8

struct server_request {
    char *head; /* up to the empty line, ends in NUL */
    char *body; /* ends in NUL, decompressed */
    size_t body_len;
};

/* What one request gets; all-zero is a plain 200. */
struct server_answer {
    int status;
    bool should_close; /* without an answer */
    char headers[512]; /* lines that end in CRLF */
    char body[1024];
};

struct server {
    int listener;
    int port;
    int wake[2];
    pthread_t thread;
    pthread_mutex_t lock;
    /* Guarded by `lock`: */
    struct server_answer answers[SERVER_REQUESTS_MAX];
    size_t answer_count;
    struct server_request requests[SERVER_REQUESTS_MAX];
    size_t request_count;
};

bool server_start(struct server *server);
void server_stop(struct server *server);

/* Forgets requests and answers. */
void server_reset(struct server *server);

#endif
