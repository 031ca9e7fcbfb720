/* SPDX-License-Identifier: MIT */
/*
 * Curl loop: tells libcurl when its sockets are ready and its timer is due, and
 * keeps a list of the sockets. What is transferred is left to curl.c.
 */
#ifndef DLR_TRANSPORT_CURL_LOOP_H
#define DLR_TRANSPORT_CURL_LOOP_H

#include "os/poller.h"

#include <curl/curl.h>
#include <datalyr.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dlr_curl_socket {
    atomic_int fd;   /* -1: free */
    uint64_t inode;  /* of the socket, written before `fd` */
    uint8_t wanted;  /* DLR_POLLER_…, what libcurl waits for */
    uint8_t watched; /* what the poller looks for */
    bool is_foreign; /* made and closed by libcurl itself: a resolver's pair */
};

struct dlr_curl_loop {
    CURLM *multi; /* owned */
    struct dlr_poller poller;
    int64_t due_ns; /* by the monotonic clock; -1: no timer */
    struct dlr_curl_socket *sockets;
    uint32_t socket_count;
};

/* Makes a loop for so many connections at once. DATALYR_OK, DATALYR_NOMEM or
 * DATALYR_IO; on failure it must still be closed. */
datalyr_status dlr_curl_loop_open(struct dlr_curl_loop *loop,
                                  uint32_t connection_count);

/* After the handles were taken out of the multi. All-zero is accepted. */
void dlr_curl_loop_close(struct dlr_curl_loop *loop);

/* In a forked child: closes the child's copies of the sockets. */
void dlr_curl_loop_abandon(struct dlr_curl_loop *loop);

/* Lets libcurl do what its timer asks for by now; starts new transfers. */
void dlr_curl_loop_run_timer(struct dlr_curl_loop *loop);

/* Waits for a socket, libcurl's timer, a wake, or `wait_ms` (negative: without
 * end), and lets libcurl read and write. True if there was a wake. */
bool dlr_curl_loop_wait(struct dlr_curl_loop *loop, int64_t wait_ms);

/* Makes an easy handle use the loop's sockets. */
CURLcode dlr_curl_loop_adopt(struct dlr_curl_loop *loop, CURL *easy);

#endif
