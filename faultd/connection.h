/* SPDX-License-Identifier: MIT */
/*
 * Connection: reads requests, has them answered, and lets the answer leave the
 * way the rules want it, pauses, cuts and resets included.
 */
#ifndef DLF_CONNECTION_H
#define DLF_CONNECTION_H

#include "state.h"

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
