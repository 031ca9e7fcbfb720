/* SPDX-License-Identifier: MIT */
/*
 * Listen: made here and not by the HTTP library, which only says "no".
 */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static datalyr_status fail(datalyr_error *error, const char *host,
                           const char *port, const char *why)
{
    error->status = DATALYR_IO;
    (void)snprintf(error->message, sizeof error->message,
                   "cannot listen on %.100s:%.20s: %s", host, port, why);
    return DATALYR_IO;
}

static int open_socket(const struct addrinfo *address)
{
    int one = 1;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int code = errno;

        (void)close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)&address)->sin6_port
                     : ((const struct sockaddr_in *)&address)->sin_port);
}

datalyr_status dld_listen(const char *host, const char *port, int *out_socket,
                          uint16_t *out_port, datalyr_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, port, &hints, &found);
    int why;

    *out_socket = -1;
    if (code != 0) {
        return fail(error, host, port, gai_strerror(code));
    }
    *out_socket = open_socket(found);
    why = errno;
    freeaddrinfo(found);
    if (*out_socket < 0) {
        error->system_code = why;
        return fail(error, host, port, strerror(why));
    }
    *out_port = port_of(*out_socket);
    return DATALYR_OK;
}
