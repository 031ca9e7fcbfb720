/* SPDX-License-Identifier: MIT */
/* Host: see host.h. */
#include "host.h"

#include "base/host.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

bool cli_host_read(struct cli_host *host, const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *name = NULL;
    bool is_read =
        parts != NULL && url != NULL &&
        curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    *host = (struct cli_host){0};
    if (is_read) {
        (void)snprintf(host->name, sizeof host->name, "%s", name);
        host->is_tls = strcmp(scheme, "https") == 0;
        host->is_loopback = dlr_host_is_loopback(dlr_text_of(name));
    }
    curl_free(scheme);
    curl_free(name);
    curl_url_cleanup(parts);
    return is_read;
}
