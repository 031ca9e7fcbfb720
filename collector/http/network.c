/* SPDX-License-Identifier: MIT */
/*
 * Network: one kind of address. IPv4 lies in IPv6 where the kernel puts it, so
 * that a socket for both and a socket for one are compared alike.
 */
#include "http/network.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t four_in_six[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

static bool is_four(const struct dld_address *address)
{
    return memcmp(address->bytes, four_in_six, sizeof four_in_six) == 0;
}

static void take_four(struct dld_address *address, const void *bytes)
{
    memcpy(address->bytes, four_in_six, sizeof four_in_six);
    memcpy(address->bytes + sizeof four_in_six, bytes, 4);
}

/* The text without brackets and port. */
static struct dlr_text strip(struct dlr_text text)
{
    const char *end;

    if (text.len > 0 && text.ptr[0] == '[') {
        end = memchr(text.ptr, ']', text.len);
        return end == NULL
                   ? (struct dlr_text){0}
                   : dlr_text_n(text.ptr + 1, (size_t)(end - text.ptr - 1));
    }
    end = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
    if (end != NULL &&
        memchr(end + 1, ':', text.len - (size_t)(end + 1 - text.ptr)) == NULL) {
        text.len = (size_t)(end - text.ptr);
    }
    return text;
}

bool dld_address_read(struct dlr_text text, struct dld_address *out)
{
    char copy[DLD_ADDRESS_TEXT_CAP];
    uint8_t four[4];

    memset(out, 0, sizeof *out);
    text = strip(dlr_text_trim(text));
    if (text.len == 0 || text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, four) == 1) {
        take_four(out, four);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

struct dld_address dld_address_of_peer(int socket)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof storage;
    struct dld_address address = {0};

    if (getpeername(socket, (struct sockaddr *)&storage, &len) != 0) {
        return address;
    }
    if (storage.ss_family == AF_INET) {
        take_four(&address, &((struct sockaddr_in *)&storage)->sin_addr);
    } else if (storage.ss_family == AF_INET6) {
        memcpy(address.bytes, &((struct sockaddr_in6 *)&storage)->sin6_addr,
               sizeof address.bytes);
    }
    return address;
}

bool dld_address_is_loopback(const struct dld_address *address)
{
    static const uint8_t one[16] = {[15] = 1};

    return is_four(address) ? address->bytes[12] == 127
                            : memcmp(address->bytes, one, sizeof one) == 0;
}

void dld_address_format(const struct dld_address *address,
                        char out[DLD_ADDRESS_TEXT_CAP])
{
    static const struct dld_address unknown = {0};
    bool is_short = is_four(address);

    out[0] = '\0';
    if (memcmp(address, &unknown, sizeof unknown) != 0 &&
        inet_ntop(is_short ? AF_INET : AF_INET6,
                  address->bytes + (is_short ? sizeof four_in_six : 0), out,
                  DLD_ADDRESS_TEXT_CAP) == NULL) {
        out[0] = '\0';
    }
}

bool dld_network_read(struct dlr_text text, struct dld_network *out)
{
    const char *slash = text.len == 0 ? NULL : memchr(text.ptr, '/', text.len);
    struct dlr_text address = text;
    uint64_t bits;

    if (slash != NULL) {
        address.len = (size_t)(slash - text.ptr);
    }
    if (!dld_address_read(address, &out->address)) {
        return false;
    }
    bits = is_four(&out->address) ? 32 : 128;
    if (slash != NULL) {
        uint64_t max = bits;

        if (!dlr_number_read_uint64(slash + 1, text.len - address.len - 1,
                                    &bits) ||
            bits > max) {
            return false;
        }
    }
    out->bits = (unsigned)bits + (is_four(&out->address) ? 96 : 0);
    return true;
}

static bool has(const struct dld_network *network,
                const struct dld_address *address)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (memcmp(network->address.bytes, address->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 ||
           ((network->address.bytes[whole] ^ address->bytes[whole]) >>
            (8 - rest)) == 0;
}

bool dld_networks_have(const struct dld_networks *networks,
                       const struct dld_address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (has(&networks->items[i], address)) {
            return true;
        }
    }
    return false;
}
