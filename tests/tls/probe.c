/* SPDX-License-Identifier: MIT */
/*
 * Probe: sends requests with the library's network transport and prints what
 * came of each, "status code message" in a line. Used by tls_test.py.
 *
 *   tls_probe URL COUNT BODY_BYTES CA_FILE CLIENT_CERT CLIENT_KEY
 *
 * The last three may be "". It leaves SIGPIPE as it is, so that dying of it
 * shows.
 */
#include "transport/curl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int send_all(struct dlr_transport *transport, long count, char *body,
                    size_t body_len)
{
    struct dlr_request request = {
        .body = body, .body_len = body_len, .timeout_ms = 20000};

    for (long i = 0; i < count; i++) {
        if (transport->submit(transport, &request) != DATALYR_OK) {
            return 1;
        }
        while (transport->poll(transport, -1) == NULL) {
        }
        printf("%" PRId32 " %" PRId32 " %s\n", request.answer.http_status,
               request.answer.system_code, request.answer.message);
    }
    dlr_answer_clear(&request.answer);
    return 0;
}

int main(int argc, char **argv)
{
    struct dlr_curl_settings settings = {.api_key = "dk_test_0123456789",
                                         .max_in_flight = 2};
    struct dlr_transport *transport = NULL;
    datalyr_error error;
    size_t body_len;
    char *end;
    char *body;
    int result;

    if (argc != 7) {
        return 2;
    }
    settings.url = argv[1];
    settings.ca_file = argv[4];
    settings.client_cert = argv[5];
    settings.client_key = argv[6];
    body_len = strtoul(argv[3], &end, 10);
    body = malloc(body_len + 1);
    if (body == NULL ||
        dlr_curl_open(&settings, &transport, &error) != DATALYR_OK) {
        printf("%s\n", body == NULL ? "no memory" : error.message);
        free(body);
        return 1;
    }
    memset(body, 'x', body_len);
    result = send_all(transport, strtol(argv[2], &end, 10), body, body_len);
    dlr_transport_close(&transport);
    free(body);
    return result;
}
