/* SPDX-License-Identifier: MIT */
/* Probe: one harmless request to the server, taken apart. */
#ifndef CLI_DOCTOR_PROBE_H
#define CLI_DOCTOR_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* What to ask; everything borrowed, what is not set is NULL. */
struct cli_probe_plan {
    const char *host;
    const char *api_key;
    const char *proxy;
    const char *ca_file;
    const char *client_cert;
    const char *client_key;
    bool is_loopback; /* proxies of the environment are not for it */
};

struct cli_probe {
    int curl_code;   /* 0: an answer came */
    char error[256]; /* curl's words */
    long http_status;
    char address[64]; /* that answered, or was tried last */
    double dns_ms;    /* since the start, as all of these; 0: not reached */
    double connect_ms;
    double tls_ms;
    double answer_ms;
    bool takes_batches;
    long batch_max;
    bool takes_gzip;
    char date[64]; /* of the answer; empty: none */
    char body[256];
    int64_t asked_ms; /* real time in the middle of the exchange */
};

/* Posts an empty batch, which no server stores. False if the request could not
 * even be made up. */
bool cli_probe_run(const struct cli_probe_plan *plan, struct cli_probe *probe);

#endif
