/* SPDX-License-Identifier: MIT */
/*
 * Touch: click ids first, then campaign parameters, then the referrer.
 */
#include "identity/touch.h"

#include <string.h>
#include <strings.h>

/* In the vendor's order of priority, with the days in which the platform that
 * made the id counts a click. */
static const struct {
    const char *name;
    const char *source;
    uint32_t window_days;
} clicks[] = {
    {"fbclid", "facebook", 7},      {"gclid", "google", 90},
    {"gbraid", "google", 90},       {"wbraid", "google", 90},
    {"ttclid", "tiktok", 28},       {"oppref", "paid", 30},
    {"msclkid", "bing", 30},        {"twclid", "twitter", 30},
    {"li_fat_id", "linkedin", 30},  {"sclid", "snapchat", 30},
    {"ScCid", "snapchat", 30},      {"sccid", "snapchat", 30},
    {"dclid", "doubleclick", 30},   {"epik", "pinterest", 30},
    {"rdt_cid", "reddit", 30},      {"obclid", "outbrain", 30},
    {"irclid", "impact", 30},       {"irclickid", "impact", 30},
    {"ko_click_id", "klaviyo", 30},
};

static const struct {
    const char *host;
    const char *source;
    const char *medium;
} referrers[] = {
    {"google.", "google", "organic"},
    {"bing.com", "bing", "organic"},
    {"duckduckgo.com", "duckduckgo", "organic"},
    {"yahoo.com", "yahoo", "organic"},
    {"ecosia.org", "ecosia", "organic"},
    {"baidu.com", "baidu", "organic"},
    {"yandex.", "yandex", "organic"},
    {"facebook.com", "facebook", "social"},
    {"instagram.com", "instagram", "social"},
    {"t.co", "twitter", "social"},
    {"twitter.com", "twitter", "social"},
    {"x.com", "twitter", "social"},
    {"linkedin.com", "linkedin", "social"},
    {"tiktok.com", "tiktok", "social"},
    {"pinterest.", "pinterest", "social"},
    {"reddit.com", "reddit", "social"},
    {"youtube.com", "youtube", "social"},
};

/* A property that is a text without escapes; ids and names of campaigns are. */
static struct dlr_text text_of(const struct dld_event *event, const char *name)
{
    struct dlr_text text = {0};

    (void)dlr_json_plain_text(
        dlr_json_get(event->properties, dlr_text_of(name)), &text);
    return text;
}

static struct dlr_text host_of(struct dlr_text url)
{
    const char *scheme;
    size_t len = 0;

    if (url.len < 4) {
        return (struct dlr_text){0};
    }
    scheme = memchr(url.ptr, ':', url.len);
    if (scheme == NULL || (size_t)(url.ptr + url.len - scheme) < 4 ||
        memcmp(scheme, "://", 3) != 0) {
        return (struct dlr_text){0};
    }
    scheme += 3;
    while (scheme + len < url.ptr + url.len &&
           strchr("/?#:", scheme[len]) == NULL) {
        len++;
    }
    return dlr_text_n(scheme, len);
}

static struct dlr_text without_www(struct dlr_text host)
{
    return dlr_text_starts_with(host, DLR_TEXT("www."))
               ? dlr_text_n(host.ptr + 4, host.len - 4)
               : host;
}

/* Is `host` the domain, or a name below it? A domain that ends in a dot stands
 * for all countries. */
static bool is_below(struct dlr_text host, const char *domain)
{
    size_t len = strlen(domain);

    for (size_t i = 0; i + len <= host.len; i++) {
        bool is_start = i == 0 || host.ptr[i - 1] == '.';
        bool is_end = i + len == host.len || domain[len - 1] == '.';

        if (is_start && is_end && strncasecmp(host.ptr + i, domain, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_click(const struct dld_event *event, struct dld_touch *touch)
{
    for (size_t i = 0; i < sizeof clicks / sizeof clicks[0]; i++) {
        struct dlr_text id = text_of(event, clicks[i].name);

        if (id.len > 0) {
            touch->click_id = id;
            touch->click_id_type = clicks[i].name;
            touch->window_days = clicks[i].window_days;
            touch->source = dlr_text_of(clicks[i].source);
            touch->medium = DLR_TEXT("cpc");
            return true;
        }
    }
    return false;
}

static bool read_campaign(const struct dld_event *event,
                          struct dld_touch *touch)
{
    struct dlr_text source = text_of(event, "utm_source");
    struct dlr_text medium = text_of(event, "utm_medium");

    touch->campaign = text_of(event, "utm_campaign");
    if (source.len > 0) {
        touch->source = source;
    }
    if (medium.len > 0) {
        touch->medium = medium;
    }
    return source.len > 0 || touch->campaign.len > 0;
}

static bool read_referrer(const struct dld_event *event,
                          struct dld_touch *touch)
{
    struct dlr_text host = without_www(host_of(touch->referrer));
    struct dlr_text own = without_www(host_of(text_of(event, "url")));

    if (host.len == 0 || dlr_text_equals_nocase(host, own)) {
        return false;
    }
    for (size_t i = 0; i < sizeof referrers / sizeof referrers[0]; i++) {
        if (is_below(host, referrers[i].host)) {
            touch->source = dlr_text_of(referrers[i].source);
            touch->medium = dlr_text_of(referrers[i].medium);
            return true;
        }
    }
    touch->source = host;
    touch->medium = DLR_TEXT("referral");
    return true;
}

bool dld_touch_read(const struct dld_event *event, struct dld_touch *touch)
{
    bool is_real;

    *touch = (struct dld_touch){
        .source = DLR_TEXT("direct"),
        .medium = DLR_TEXT("none"),
        .landing_page = text_of(event, "url"),
        .referrer = text_of(event, "referrer"),
    };
    is_real = read_click(event, touch);
    is_real = read_campaign(event, touch) || is_real;
    return is_real || read_referrer(event, touch);
}
