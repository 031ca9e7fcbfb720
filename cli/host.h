/* SPDX-License-Identifier: MIT */
/* Host: the server's address, taken apart as curl does it. */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include <stdbool.h>

struct cli_host {
    char name[256]; /* an IPv6 address in its brackets */
    bool is_tls;
    bool is_loopback;
};

/* False if the text (may be NULL) is no http or https address. */
bool cli_host_read(struct cli_host *host, const char *url);

#endif
