/* SPDX-License-Identifier: MIT */
/*
 * Network: addresses, and lists of those that are trusted.
 */
#ifndef DLD_HTTP_NETWORK_H
#define DLD_HTTP_NETWORK_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv6, or IPv4 as ::ffff:a.b.c.d. All zero: not known. */
struct dld_address {
    uint8_t bytes[16];
};

struct dld_network {
    struct dld_address address;
    unsigned bits; /* of 128 */
};

#define DLD_NETWORKS_MAX 16

struct dld_networks {
    struct dld_network items[DLD_NETWORKS_MAX];
    size_t count;
};

/* "10.0.0.1", "::1", "[::1]"; with a port behind it, too. */
bool dld_address_read(struct dlr_text text, struct dld_address *out);
/* Of the other end of a socket; all zero for one that has none. */
struct dld_address dld_address_of_peer(int socket);
bool dld_address_is_loopback(const struct dld_address *address);

#define DLD_ADDRESS_TEXT_CAP 46
/* Empty for an address that is not known. */
void dld_address_format(const struct dld_address *address,
                        char out[DLD_ADDRESS_TEXT_CAP]);

/* "10.0.0.0/8", "fd00::/8", or one address. */
bool dld_network_read(struct dlr_text text, struct dld_network *out);
bool dld_networks_have(const struct dld_networks *networks,
                       const struct dld_address *address);

#endif
