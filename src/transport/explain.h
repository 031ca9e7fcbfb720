/* SPDX-License-Identifier: MIT */
/*
 * Explain: one line for people about a request that did not go well. Pure; what
 * to do about it is left to the sender.
 */
#ifndef DLR_TRANSPORT_EXPLAIN_H
#define DLR_TRANSPORT_EXPLAIN_H

#include "transport/head.h"
#include "transport/transport.h"
#include "transport/url.h"

#include <stdint.h>

/* What is known about a failed attempt. All borrowed. */
struct dlr_failure_facts {
    const struct dlr_url *url;
    const char *detail;     /* libcurl's own words; "" if none */
    const char *ca_file;    /* the setting, or NULL */
    const char *secrets[2]; /* never to be shown: the key; NULL if none */
    int64_t timeout_ms;
    long certificate_code; /* X.509 verification result; 0: fine */
    long system_errno;     /* of the connection attempt; 0: none */
    long proxy_status;     /* answer of a proxy to CONNECT; 0: none */
};

/* Fills answer->message. Without a status it tells why no answer came, from
 * answer->system_code; with one, what the server said, from `head` and the
 * body. A 2xx that is complete gets "". */
void dlr_explain(struct dlr_answer *answer, const struct dlr_head *head,
                 const struct dlr_failure_facts *facts);

#endif
