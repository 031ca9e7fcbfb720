/* SPDX-License-Identifier: MIT */
/*
 * Webhook server: the part of an HTTP server that two examples share. It says
 * who may come in, and answers; what an event means is left to them.
 */
#ifndef WEBHOOK_SERVER_H
#define WEBHOOK_SERVER_H

#include <datalyr.h>
#include <stdbool.h>
#include <stddef.h>

struct webhook_request {
    char *body;
    size_t len;
    const char *signature; /* NULL: the header is missing */
};

struct webhook {
    const char *path;
    const char *secret_name; /* of the environment variable */
    const char *signature_header;
    /* Before the answer: was this made by who it says? */
    bool (*is_genuine)(const struct webhook_request *request,
                       const char *secret);
    /* After the answer; the request is gone when it returns. */
    void (*handle)(const struct webhook_request *request,
                   datalyr_client *client);
};

/* All of main(): opens a client, prints the webhook's address, serves until
 * SIGTERM or SIGINT, delivers, prints the ledger. Returns the exit code. */
int webhook_main(const struct webhook *webhook, int argc, char **argv);

/* HMAC-SHA256 of two texts, one behind the other. */
#define WEBHOOK_DIGEST_BYTES 32
bool webhook_digest(const char *secret, const char *prefix,
                    const struct webhook_request *request,
                    unsigned char digest[WEBHOOK_DIGEST_BYTES]);

#endif
