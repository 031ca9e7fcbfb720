/* SPDX-License-Identifier: MIT */
/*
 * Server: the loop and its listener. What happens on a connection is left to
 * connection.c.
 */
#ifndef DLF_SERVER_H
#define DLF_SERVER_H

#include "state.h"

/* Listens and prints the address. False: `problem` has a sentence. */
bool dlf_server_open(struct dlf_server *server,
                     const struct dlf_settings *settings, char problem[256]);

/* Serves until `signal_fd` has a signal. */
void dlf_server_run(struct dlf_server *server, int signal_fd);
void dlf_server_close(struct dlf_server *server);

#endif /* DLF_SERVER_H */
