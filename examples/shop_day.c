/* SPDX-License-Identifier: MIT */
/*
 * Shop day: a day of a web shop, as its backend would report it.
 *
 *   shop_day [--visitors N] [--seed N] [--log FILE] [--orders FILE]
 *   shop_day --story
 *
 * What visitors did between 08:00 and midnight goes through libdatalyr to
 * DATALYR_HOST with DATALYR_API_KEY. The other two parts of the day can be
 * written to files for `datalyr import`, as they would come from elsewhere: the
 * page views of the night from the web server's log (NDJSON), and the orders
 * from the shop's order system (CSV). --story prints a customer worth
 * following, and that is all.
 *
 * The day is yesterday, in UTC. Every event has an id made from the day, the
 * visitor and a number, so a second run on the same day adds nothing.
 */
#include "ledger_line.h"
#include "shop_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS   INT64_C(86400000)
#define NIGHT_MS (DAY_MS / 3) /* from midnight to 08:00 */

struct options {
    size_t visitor_count;
    uint64_t seed;
    const char *log_path;
    const char *orders_path;
    bool is_story;
};

/* ----------------------------------------------------------- what happened */

/* Texts about one action; properties borrow them during a call. */
struct texts {
    char event_id[48];
    char customer[24];
    char email[48];
    char url[200];
    char time[32];
};

static void write_time(int64_t time_ms, char text[32])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        text[0] = '\0';
    }
}

static void write_texts(const struct shop_plan *plan,
                        const struct shop_action *action, struct texts *texts)
{
    const struct shop_visitor *visitor = &plan->visitors[action->visitor];
    const struct shop_campaign *campaign = visitor->campaign;
    int length;

    write_time(action->time_ms, texts->time);
    (void)snprintf(texts->event_id, sizeof texts->event_id, "shop-%.10s-%u-%u",
                   texts->time, action->visitor, action->number);
    (void)snprintf(texts->customer, sizeof texts->customer, "customer_%05u",
                   visitor->customer);
    (void)snprintf(texts->email, sizeof texts->email, "%s@example.com",
                   texts->customer);
    length = snprintf(texts->url, sizeof texts->url, "https://shop.example%s",
                      action->page == NULL ? "/" : action->page->path);
    if (action->is_landing && campaign->source != NULL && length > 0) {
        (void)snprintf(texts->url + length, sizeof texts->url - (size_t)length,
                       "?utm_source=%s&utm_medium=%s&utm_campaign=%s",
                       campaign->source, campaign->medium, campaign->name);
    }
}

static const char *referrer_of(const struct shop_plan *plan,
                               const struct shop_action *action)
{
    return action->is_landing
               ? plan->visitors[action->visitor].campaign->referrer
               : "https://shop.example/";
}

static double price_of(const struct shop_action *action)
{
    return action->page->price_cents / 100.0;
}

/* ------------------------------------------------- by day: libdatalyr */

struct day {
    const struct shop_plan *plan;
    datalyr_client *client;
    int64_t start_ms;
};

static datalyr_status record_page(struct day *day,
                                  const struct shop_action *action,
                                  const struct texts *texts,
                                  const datalyr_options *options)
{
    return datalyr_page(
        day->client, action->is_signed_in ? texts->customer : NULL,
        action->page->title,
        DATALYR_OBJECT({"url", DATALYR((const char *)texts->url)},
                       {"path", DATALYR(action->page->path)},
                       {"referrer", DATALYR(referrer_of(day->plan, action))}),
        options);
}

static datalyr_status record_event(struct day *day,
                                   const struct shop_action *action,
                                   const struct texts *texts,
                                   const datalyr_options *options)
{
    datalyr_event event = {
        DATALYR_EVENT_INIT,
        .event = "checkout_started",
        .user_id = action->is_signed_in ? texts->customer : NULL,
        .anonymous_id = options->anonymous_id,
        .event_id = options->event_id,
        .timestamp_ms = options->timestamp_ms,
    };

    if (action->kind == SHOP_CART) {
        event.event = "added_to_cart";
        event.properties = DATALYR_OBJECT(
            {"product", DATALYR(action->page->title)},
            {"price", DATALYR(price_of(action))}, {"currency", DATALYR("EUR")});
        /* Here and not below: the literals end with this block. */
        return datalyr_track(day->client, &event);
    }
    return datalyr_track(day->client, &event);
}

/* Both ids on one event: from here on the visitor has a name, and so has what
 * was seen before. */
static datalyr_status record_sign_up(struct day *day, const struct texts *texts,
                                     const datalyr_options *options)
{
    datalyr_event event = {
        DATALYR_EVENT_INIT,
        .event = "signup",
        .user_id = texts->customer,
        .anonymous_id = options->anonymous_id,
        .event_id = options->event_id,
        .timestamp_ms = options->timestamp_ms,
        .properties = DATALYR_OBJECT({"method", DATALYR("email")}),
    };
    char identify_id[sizeof texts->event_id + 4];
    datalyr_options identify = *options;
    datalyr_status status = datalyr_track(day->client, &event);

    if (status != DATALYR_OK) {
        return status;
    }
    (void)snprintf(identify_id, sizeof identify_id, "%s-id", texts->event_id);
    identify.event_id = identify_id;
    return datalyr_identify(
        day->client, texts->customer,
        DATALYR_OBJECT({"email", DATALYR((const char *)texts->email)},
                       {"plan", DATALYR("guest")}),
        &identify);
}

static datalyr_status record(struct day *day, const struct shop_action *action)
{
    struct texts texts;
    datalyr_options options = {
        DATALYR_OPTIONS_INIT,
        .anonymous_id = day->plan->visitors[action->visitor].anonymous_id,
        .event_id = texts.event_id,
        .timestamp_ms = action->time_ms,
    };

    write_texts(day->plan, action, &texts);
    switch (action->kind) {
    case SHOP_PAGE:
        return record_page(day, action, &texts, &options);
    case SHOP_CART:
    case SHOP_CHECKOUT:
        return record_event(day, action, &texts, &options);
    case SHOP_SIGN_UP:
        return record_sign_up(day, &texts, &options);
    case SHOP_ORDER:
        break; /* comes from the order system */
    }
    return DATALYR_OK;
}

static bool is_of_the_night(const struct day *day,
                            const struct shop_action *action)
{
    return action->kind == SHOP_PAGE &&
           action->time_ms < day->start_ms + NIGHT_MS;
}

static int deliver(struct day *day)
{
    /* A service leaves these alone: it would rather lose an event than wait.
     * A program that reports a whole day at once waits for room instead. */
    datalyr_config config = {
        DATALYR_CONFIG_INIT,
        .overflow = DATALYR_BLOCK,
        .max_queue_size = 20000,
    };
    datalyr_ledger last = {DATALYR_LEDGER_INIT};
    datalyr_error error;
    double start = ledger_now_seconds();
    int64_t left;

    if (datalyr_open(&config, &day->client, &error) != DATALYR_OK) {
        fprintf(stderr, "shop_day: %s\n", error.message);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < day->plan->action_count; i++) {
        const struct shop_action *action = &day->plan->actions[i];

        if (!is_of_the_night(day, action) &&
            record(day, action) != DATALYR_OK) {
            break; /* no room for 30 s: the collector is gone */
        }
    }
    left = datalyr_close_within(&day->client, -1, &last);
    ledger_print(&last, ledger_now_seconds() - start);
    return left == 0 && last.delivered == last.calls ? EXIT_SUCCESS
                                                     : EXIT_FAILURE;
}

/* --------------------------------------------- by night and later: files */

static void write_log_line(const struct shop_plan *plan,
                           const struct shop_action *action, FILE *file)
{
    struct texts texts;
    const char *referrer = referrer_of(plan, action);

    write_texts(plan, action, &texts);
    fprintf(file,
            "{\"type\":\"page\",\"anonymousId\":\"%s\",\"name\":\"%s\","
            "\"properties\":{\"url\":\"%s\",\"path\":\"%s\"",
            plan->visitors[action->visitor].anonymous_id, action->page->title,
            texts.url, action->page->path);
    if (referrer != NULL) {
        fprintf(file, ",\"referrer\":\"%s\"", referrer);
    }
    fprintf(file, "},\"timestamp\":\"%s\"}\n", texts.time);
}

static void write_order_line(const struct shop_plan *plan,
                             const struct shop_action *action, FILE *file)
{
    struct texts texts;

    write_texts(plan, action, &texts);
    fprintf(file, "%u,%s,%s,\"%s\",%u,%d.%02d,EUR\n", action->order, texts.time,
            texts.customer, action->page->title, action->quantity,
            action->page->price_cents / 100, action->page->price_cents % 100);
}

static int write_file(const struct day *day, const char *path, bool is_log)
{
    FILE *file = fopen(path, "w");
    bool has_failed;

    if (file == NULL) {
        fprintf(stderr, "shop_day: %s: %s\n", path, strerror(errno));
        return EXIT_FAILURE;
    }
    if (!is_log) {
        fputs("order,placed_at,customer,product,quantity,price,currency\n",
              file);
    }
    for (size_t i = 0; i < day->plan->action_count; i++) {
        const struct shop_action *action = &day->plan->actions[i];

        if (is_log && is_of_the_night(day, action)) {
            write_log_line(day->plan, action, file);
        } else if (!is_log && action->kind == SHOP_ORDER) {
            write_order_line(day->plan, action, file);
        }
    }
    has_failed = ferror(file) != 0;
    if (fclose(file) != 0 || has_failed) {
        fprintf(stderr, "shop_day: %s: cannot be written\n", path);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* ----------------------------------------------------------------- main */

static bool read_number(const char *text, uint64_t *number)
{
    char *end = NULL;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool read_option(const char *name, const char *value,
                        struct options *options)
{
    uint64_t number = 0;

    if (value == NULL) {
        return false;
    }
    if (strcmp(name, "--log") == 0) {
        options->log_path = value;
        return true;
    }
    if (strcmp(name, "--orders") == 0) {
        options->orders_path = value;
        return true;
    }
    if (strcmp(name, "--seed") == 0) {
        return read_number(value, &options->seed);
    }
    if (strcmp(name, "--visitors") != 0 || !read_number(value, &number)) {
        return false;
    }
    options->visitor_count = (size_t)number;
    return number >= 1 && number <= 1000000;
}

static bool read_options(char **arguments, struct options *options)
{
    for (; *arguments != NULL; arguments += 2) {
        if (strcmp(*arguments, "--story") == 0) {
            options->is_story = true;
            return arguments[1] == NULL;
        }
        if (!read_option(arguments[0], arguments[1], options)) {
            return false;
        }
    }
    return true;
}

static int run(struct day *day, const struct options *options)
{
    if (options->is_story) {
        uint32_t customer =
            shop_plan_find_story(day->plan, day->start_ms + NIGHT_MS);

        if (customer == SHOP_NO_CUSTOMER) {
            fputs("shop_day: nobody's day is worth telling; "
                  "try: more --visitors\n",
                  stderr);
            return EXIT_FAILURE;
        }
        printf("customer_%05u\n", customer);
        return EXIT_SUCCESS;
    }
    if (options->log_path != NULL &&
        write_file(day, options->log_path, true) != EXIT_SUCCESS) {
        return EXIT_FAILURE;
    }
    if (options->orders_path != NULL &&
        write_file(day, options->orders_path, false) != EXIT_SUCCESS) {
        return EXIT_FAILURE;
    }
    return deliver(day);
}

int main(int argc, char **argv)
{
    struct options options = {.visitor_count = 6000, .seed = 1};
    int64_t today = (int64_t)time(NULL) / 86400;
    struct day day = {.start_ms = (today - 1) * DAY_MS};
    struct shop_plan plan;
    int result = EXIT_FAILURE;

    if (!read_options(argv + (argc > 0), &options)) {
        fputs("usage: shop_day [--visitors N] [--seed N] [--log FILE] "
              "[--orders FILE]\n       shop_day --story\n",
              stderr);
        return 2;
    }
    if (shop_plan_make(&plan, options.visitor_count, options.seed,
                       day.start_ms)) {
        day.plan = &plan;
        result = run(&day, &options);
    } else {
        fputs("shop_day: out of memory\n", stderr);
    }
    shop_plan_clear(&plan);
    return result;
}
