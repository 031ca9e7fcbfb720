/* SPDX-License-Identifier: MIT */
/*
 * Journey: what one user did, from the first visit on, as text.
 *
 *   journey http://127.0.0.1:8484 customer_00110
 *
 * Asks a collector's read API (GET /api/v1/users/{id}/journey), which also
 * returns what the user did before anybody knew who it was. A program on the
 * collector's machine needs no key; from elsewhere, send
 * "Authorization: Bearer <read key>".
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define ANSWER_MAX    ((size_t)64 << 20)
#define VISIT_GAP_MIN 30 /* a longer pause begins a new visit */

struct answer {
    char *bytes;
    size_t len;
};

/* -------------------------------------------------------------- asking */

static size_t keep_bytes(char *bytes, size_t one, size_t count, void *self)
{
    struct answer *answer = self;
    char *grown;

    (void)one; /* always 1, says libcurl */
    if (answer->len + count > ANSWER_MAX) {
        return 0; /* libcurl reports it as an error */
    }
    grown = realloc(answer->bytes, answer->len + count);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + answer->len, bytes, count);
    answer->bytes = grown;
    answer->len += count;
    return count;
}

static bool ask(CURL *curl, const char *collector, const char *user,
                struct answer *answer)
{
    char url[2048];
    char *escaped = curl_easy_escape(curl, user, 0);
    CURLcode code;

    (void)snprintf(url, sizeof url, "%s/api/v1/users/%s/journey", collector,
                   escaped == NULL ? "" : escaped);
    curl_free(escaped);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "journey: %s: %s\n", url, curl_easy_strerror(code));
    }
    return code == CURLE_OK;
}

/* ------------------------------------------------------------ printing */

/* Names and properties come from whoever sends events. Nothing in them may
 * steer the terminal: control characters, and the marks that turn the
 * direction of writing (U+202A to U+202E, U+2066 to U+2069). */
static void put(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    for (; *at != '\0'; at++) {
        bool is_control = *at < 0x20 || *at == 0x7F ||
                          (*at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0);
        bool is_mark =
            *at == 0xE2 && ((at[1] == 0x80 && at[2] >= 0xAA && at[2] <= 0xAE) ||
                            (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));

        if (is_control || is_mark) {
            (void)putchar('?');
            at += is_mark ? 2 : *at == 0xC2;
        } else {
            (void)putchar(*at);
        }
    }
}

static const char *text_at(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));

    return text == NULL ? "" : text;
}

static long two_digits(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Minutes since midnight of "2026-11-22T03:00:46.505Z". */
static long minutes_of(const char *time)
{
    return strlen(time) < 16
               ? 0
               : two_digits(time + 11) * 60 + two_digits(time + 14);
}

/* The value of a parameter in an address, printed. */
static void put_parameter(const char *url, const char *name, const char *before)
{
    const char *at = strstr(url, name);
    char value[64];
    size_t len;

    if (at == NULL) {
        return;
    }
    at += strlen(name);
    len = strcspn(at, "&#");
    (void)snprintf(value, sizeof value, "%.*s", (int)len, at);
    put(before);
    put(value);
}

static void put_page(yyjson_val *properties)
{
    const char *url = text_at(properties, "url");

    put("  ");
    put(text_at(properties, "name"));
    put_parameter(url, "utm_source=", "   from ");
    put_parameter(url, "utm_medium=", " / ");
    put_parameter(url, "utm_campaign=", " / ");
}

/* Properties on one line; the anonymous id was said before. */
static void put_properties(yyjson_val *properties)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(properties);
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        char *json;

        if (strcmp(yyjson_get_str(key), "anonymous_id") == 0) {
            continue;
        }
        put("  ");
        put(yyjson_get_str(key));
        put("=");
        if (yyjson_is_str(value)) {
            put(yyjson_get_str(value));
        } else if ((json = yyjson_val_write(value, 0, NULL)) != NULL) {
            put(json);
            free(json);
        }
    }
}

static void put_event(yyjson_val *event)
{
    const char *name = text_at(event, "event");
    yyjson_val *properties = yyjson_obj_get(event, "properties");
    bool is_page = strcmp(name, "$pageview") == 0;
    const char *shown = is_page ? "page view" : name;
    int padding = strlen(shown) < 16 ? 16 - (int)strlen(shown) : 0;

    printf("  %.8s  ", text_at(event, "timestamp") + 11);
    put(shown);
    printf("%*s", padding, "");
    if (is_page) {
        put_page(properties);
    } else {
        put_properties(properties);
    }
    (void)putchar('\n');
}

static void put_links(yyjson_val *journey)
{
    yyjson_val *link;
    size_t i;
    size_t count;

    yyjson_arr_foreach(yyjson_obj_get(journey, "links"), i, count, link)
    {
        put("  is also ");
        put(text_at(link, "anonymousId"));
        put(text_at(link, "userId"));
        put(", as event ");
        put(text_at(link, "eventId"));
        put(" says");
        (void)putchar('\n');
    }
}

static void put_journey(yyjson_val *journey)
{
    yyjson_val *event;
    const char *before = "";
    size_t i;
    size_t count;
    int visit = 0;

    put("Journey of ");
    put(text_at(journey, "userId"));
    (void)putchar('\n');
    put_links(journey);
    yyjson_arr_foreach(yyjson_obj_get(journey, "events"), i, count, event)
    {
        const char *time = text_at(event, "timestamp");

        if (strlen(time) < 20) {
            continue; /* not a time of this API */
        }
        if (strncmp(time, before, 10) != 0 ||
            minutes_of(time) - minutes_of(before) > VISIT_GAP_MIN) {
            printf("\n%.10s, visit %d\n", time, ++visit);
        }
        put_event(event);
        before = time;
    }
}

static int print_answer(const struct answer *answer)
{
    yyjson_doc *document = yyjson_read(answer->bytes, answer->len, 0);
    yyjson_val *root = yyjson_doc_get_root(document);
    const char *error = text_at(root, "error");
    int result = EXIT_SUCCESS;

    if (root == NULL || error[0] != '\0') {
        fprintf(stderr, "journey: %s\n",
                root == NULL ? "the answer is not JSON" : error);
        result = EXIT_FAILURE;
    } else {
        put_journey(root);
    }
    yyjson_doc_free(document);
    return result;
}

int main(int argc, char **argv)
{
    struct answer answer = {0};
    int result = EXIT_FAILURE;
    CURL *curl;

    if (argc != 3) {
        fputs("usage: journey COLLECTOR-URL USER\n", stderr);
        return 2;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    if (curl != NULL && ask(curl, argv[1], argv[2], &answer)) {
        result = print_answer(&answer);
    }
    free(answer.bytes);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return result;
}
