/* SPDX-License-Identifier: MIT */
/* Any lines as the head of a request: what passes the guard has one length and
 * one host, and who is taken for a program on this machine says nothing of a
 * proxy or of another name. Stands in for the HTTP library's list of headers. */
#include "fuzz.h"

#include "api/access.h"
#include "http/guard.h"
#include "http/peers.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINES_MAX 32

struct line {
    const char *name;
    const char *value;
};

static struct line lines[LINES_MAX];
static size_t line_count;

int MHD_get_connection_values_n(struct MHD_Connection *connection,
                                enum MHD_ValueKind kind,
                                MHD_KeyValueIteratorN iterator, void *self)
{
    (void)connection;
    for (size_t i = 0; i < line_count; i++) {
        (void)iterator(self, kind, lines[i].name, strlen(lines[i].name),
                       lines[i].value, strlen(lines[i].value));
    }
    return (int)line_count;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection,
                                        enum MHD_ValueKind kind,
                                        const char *name)
{
    (void)connection;
    (void)kind;
    for (size_t i = 0; i < line_count; i++) {
        if (strcasecmp(lines[i].name, name) == 0) {
            return lines[i].value;
        }
    }
    return NULL;
}

static size_t count(const char *name)
{
    size_t found = 0;

    for (size_t i = 0; i < line_count; i++) {
        found += strcasecmp(lines[i].name, name) == 0 ? 1 : 0;
    }
    return found;
}

/* "Name: value" a line, as far as there is room. */
static void split(char *text)
{
    char *line = text;

    line_count = 0;
    while (line != NULL && line_count < LINES_MAX) {
        char *end = strchr(line, '\n');
        char *colon;

        if (end != NULL) {
            *end = '\0';
        }
        colon = strchr(line, ':');
        if (colon != NULL && colon != line) {
            *colon = '\0';
            colon += strspn(colon + 1, " ") + 1;
            lines[line_count++] = (struct line){line, colon};
        }
        line = end == NULL ? NULL : end + 1;
    }
}

static void check_local(const struct dld_request *request)
{
    const char *host =
        MHD_lookup_connection_value(NULL, MHD_HEADER_KIND, "Host");

    FUZZ_CHECK(host != NULL);
    FUZZ_CHECK(strncmp(host, "127.", 4) == 0 ||
               strncasecmp(host, "localhost", 9) == 0 ||
               strncmp(host, "[::1]", 5) == 0);
    FUZZ_CHECK(count("X-Forwarded-For") == 0 && count("Forwarded") == 0);
    FUZZ_CHECK(dld_request_is_from_loopback(request));
}

static void check_access(void)
{
    struct dld_peer peer = {
        .address = {{[10] = 255, [11] = 255, [12] = 127, [15] = 1}}};
    struct dld_request request = {.peer = &peer};
    struct dld_networks nobody = {0};
    struct dld_networks proxies = {.count = 1};
    struct dld_address client;

    if (dld_access_is_local(&request)) {
        check_local(&request);
    }
    client = dld_access_client(&nobody, &request);
    FUZZ_CHECK(memcmp(&client, &peer.address, sizeof client) == 0);
    proxies.items[0].address = peer.address;
    proxies.items[0].bits = 128;
    client = dld_access_client(&proxies, &request);
    FUZZ_CHECK(count("X-Forwarded-For") > 0 ||
               memcmp(&client, &peer.address, sizeof client) == 0);
    (void)dld_access_is_own_origin(&proxies, &request);
    FUZZ_CHECK(dld_access_key(&request).len <= 4096 * LINES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = calloc(1, len + 1);

    FUZZ_CHECK(text != NULL);
    if (len > 0 && len <= 4096) {
        memcpy(text, data, len);
    }
    split(text);
    if (dld_guard_head(NULL) == NULL) {
        FUZZ_CHECK(count("Host") <= 1 && count("Content-Length") <= 1);
        FUZZ_CHECK(count("Content-Length") + count("Transfer-Encoding") <= 1);
        for (size_t i = 0; i < line_count; i++) {
            FUZZ_CHECK(strpbrk(lines[i].name, " \t\r\x0b(),/:;<=>?@[]{}") ==
                       NULL);
            FUZZ_CHECK(strpbrk(lines[i].value, "\r\x01\x0b\x7f") == NULL);
        }
    }
    check_access();
    free(text);
    return 0;
}
