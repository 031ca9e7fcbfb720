/* SPDX-License-Identifier: MIT */
/*
 * Listen: a listening socket on a host and port, with errors that say why.
 */
#ifndef DLD_HTTP_LISTEN_H
#define DLD_HTTP_LISTEN_H

#include <datalyr.h>
#include <stdint.h>

/* `port` "0" takes a free one. */
datalyr_status dld_listen(const char *host, const char *port, int *out_socket,
                          uint16_t *out_port, datalyr_error *error);

#endif
