/* SPDX-License-Identifier: MIT */
/*
 * naive: what one writes without a library: one libcurl handle, one blocking
 * POST an event, on the caller's thread.
 *
 *     naive URL EVENTS
 *
 * Prints one line of JSON. Events are those of work.h, as bare JSON.
 */
#include "client/work.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now = {0};

    (void)clock_gettime(id, &now); /* these clocks exist */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static size_t ignore(char *bytes, size_t size, size_t count, void *user_data)
{
    (void)bytes;
    (void)user_data;
    return size * count;
}

static CURL *open_handle(const char *url, struct curl_slist **headers)
{
    CURL *easy = curl_easy_init();

    *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (easy != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
        (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    }
    return easy;
}

static uint64_t post_all(CURL *easy, uint64_t events)
{
    static struct work work;
    char json[1024];
    uint64_t delivered = 0;

    work_init(&work, WORK_USUAL);
    for (uint64_t i = 0; i < events; i++) {
        long status = 0;

        work_turn(&work, i);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                               (long)work_write_json(&work, i, json));
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, json);
        if (curl_easy_perform(easy) == CURLE_OK &&
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) ==
                CURLE_OK &&
            status == 200) {
            delivered++;
        }
    }
    return delivered;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t events = argc == 3 ? strtoull(argv[2], &end, 10) : 0;
    struct curl_slist *headers = NULL;
    uint64_t delivered;
    int64_t wall_ns;
    int64_t cpu_ns;
    CURL *easy;

    if (events == 0 || *end != '\0') {
        fprintf(stderr, "usage: naive URL EVENTS\n");
        return 2;
    }
    easy = open_handle(argv[1], &headers);
    if (easy == NULL) {
        return EXIT_FAILURE;
    }
    wall_ns = read_ns(CLOCK_MONOTONIC);
    cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    delivered = post_all(easy, events);
    wall_ns = read_ns(CLOCK_MONOTONIC) - wall_ns;
    cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    printf("{\"benchmark\":\"naive\",\"events\":%" PRIu64
           ",\"delivered\":%" PRIu64 ",\"seconds\":%.6f"
           ",\"events_per_second\":%.1f,\"cpu_seconds_per_million\":%.3f}\n",
           events, delivered, (double)wall_ns / 1e9,
           (double)delivered * 1e9 / (double)wall_ns,
           (double)cpu_ns / 1e3 / (double)events);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return delivered == events ? EXIT_SUCCESS : EXIT_FAILURE;
}
