/* SPDX-License-Identifier: MIT */
/*
 * Probe: see probe.h. It speaks through curl as the library does, with the same
 * proxy and TLS settings, so that what it finds is what the library meets.
 */
#include "doctor/probe.h"

#include "base/text.h"
#include "base/units.h"

#include <curl/curl.h>
#include <datalyr.h>
#include <stdio.h>
#include <time.h>

#define TIMEOUT_MS 10000L

static int64_t realtime_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *self)
{
    struct cli_probe *probe = self;
    size_t len = strlen(probe->body);
    size_t room = sizeof probe->body - 1 - len;
    size_t taken = size * count < room ? size * count : room;

    memcpy(probe->body + len, bytes, taken);
    probe->body[len + taken] = '\0';
    return size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *self)
{
    struct cli_probe *probe = self;
    struct dlr_text line = {bytes, size * count};
    struct dlr_text value;

    if (dlr_text_read_header(line, DLR_TEXT("x-datalyr-batch"), &value)) {
        uint64_t most = 0;

        if (dlr_parse_count(value, &most) && most <= INT32_MAX) {
            probe->batch_max = (long)most;
        }
        probe->takes_batches = probe->batch_max > 0;
    } else if (dlr_text_read_header(line, DLR_TEXT("accept-encoding"),
                                    &value)) {
        for (size_t i = 0; i + 4 <= value.len; i++) {
            probe->takes_gzip |= memcmp(value.ptr + i, "gzip", 4) == 0;
        }
    } else if (dlr_text_read_header(line, DLR_TEXT("date"), &value)) {
        (void)snprintf(probe->date, sizeof probe->date, "%.*s", (int)value.len,
                       value.ptr);
    }
    return line.len;
}

static struct curl_slist *make_headers(const struct cli_probe_plan *plan)
{
    struct curl_slist *headers = NULL;
    char line[1024];

    (void)snprintf(line, sizeof line, "X-API-Key: %s",
                   plan->api_key == NULL ? "" : plan->api_key);
    headers = curl_slist_append(headers, line);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "X-Batch-Size: 0");
    return headers;
}

static void set_options(CURL *curl, const struct cli_probe_plan *plan,
                        struct cli_probe *probe)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, plan->host);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{\"events\":[]}");
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT,
                           "datalyr-doctor/" DATALYR_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, probe->error);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, probe);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, probe);
    if (plan->is_loopback) {
        (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    } else if (plan->proxy != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, plan->proxy);
    }
    if (plan->ca_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, plan->ca_file);
    }
    if (plan->client_cert != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, plan->client_cert);
    }
    if (plan->client_key != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY, plan->client_key);
    }
}

static double time_ms(CURL *curl, CURLINFO what)
{
    curl_off_t microseconds = 0;

    (void)curl_easy_getinfo(curl, what, &microseconds); /* stays 0 */
    return (double)microseconds / 1000;
}

static void take_info(CURL *curl, struct cli_probe *probe)
{
    const char *address = NULL;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &probe->http_status);
    (void)curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
    (void)snprintf(probe->address, sizeof probe->address, "%s",
                   address == NULL ? "" : address);
    probe->dns_ms = time_ms(curl, CURLINFO_NAMELOOKUP_TIME_T);
    probe->connect_ms = time_ms(curl, CURLINFO_CONNECT_TIME_T);
    probe->tls_ms = time_ms(curl, CURLINFO_APPCONNECT_TIME_T);
    probe->answer_ms = time_ms(curl, CURLINFO_STARTTRANSFER_TIME_T);
}

bool cli_probe_run(const struct cli_probe_plan *plan, struct cli_probe *probe)
{
    struct curl_slist *headers = NULL;
    CURL *curl = NULL;
    int64_t before_ms;
    bool is_made = false;

    *probe = (struct cli_probe){0};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return false;
    }
    curl = curl_easy_init();
    headers = make_headers(plan);
    if (curl == NULL || headers == NULL) {
        goto done;
    }
    set_options(curl, plan, probe);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    before_ms = realtime_ms();
    probe->curl_code = (int)curl_easy_perform(curl);
    probe->asked_ms = (before_ms + realtime_ms()) / 2;
    if (probe->curl_code != CURLE_OK && probe->error[0] == '\0') {
        (void)snprintf(probe->error, sizeof probe->error, "%s",
                       curl_easy_strerror((CURLcode)probe->curl_code));
    }
    take_info(curl, probe);
    is_made = true;
done:
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return is_made;
}
