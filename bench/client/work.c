/* SPDX-License-Identifier: MIT */
/*
 * Work: event n is {userId, event:"purchase", properties:{12 fields}}.
 *
 * DESIGN
 * What differs from event to event is a user, an order and an amount. It is
 * written outside of what is timed, by plain digits: a caller has its values at
 * hand already.
 */
#include "work.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DIGITS 9

bool work_read_size(const char *name, enum work_size *size)
{
    static const char *const names[] = {"small", "usual", "large"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *size = (enum work_size)i;
            return true;
        }
    }
    return false;
}

static char *put_text(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len);
    return out + len;
}

static char *put_digits(char *out, uint64_t n, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return out + count;
}

static void init_usual(struct work *work)
{
    const datalyr_member members[WORK_MEMBERS] = {
        {"order_id", datalyr_text(work->order_id)},
        {"revenue", datalyr_number(99.99)},
        {"currency", datalyr_text("USD")},
        {"product_id", datalyr_text("prod_456789")},
        {"product_name", datalyr_text("Ergonomic Office Chair, black")},
        {"quantity", datalyr_integer(2)},
        {"category", datalyr_text("furniture/office")},
        {"coupon", datalyr_text("SPRING2025")},
        {"is_first_purchase", datalyr_boolean(false)},
        {"utm_source", datalyr_text("newsletter")},
        {"utm_campaign", datalyr_text("spring_sale_2025_emea")},
        {"page_url", datalyr_text("https://shop.example.com/checkout/thanks")},
    };

    memcpy(work->members, members, sizeof members);
    work->event.properties = datalyr_object(work->members, WORK_MEMBERS);
}

static void init_large(struct work *work)
{
    for (uint64_t i = 0; i < WORK_LARGE; i++) {
        memcpy(work->names[i], "key_000", 8);
        (void)put_digits(work->names[i] + 4, i, 3);
        work->members[i].name = work->names[i];
        work->members[i].value =
            i % 2 == 0 ? datalyr_text("a value of some thirty characters")
                       : datalyr_integer((int64_t)(i * 1000003));
    }
    work->event.properties = datalyr_object(work->members, WORK_LARGE);
}

void work_init(struct work *work, enum work_size size)
{
    memset(work, 0, sizeof *work);
    work->size = size;
    memcpy(work->user_id, "user_000000000", 15);
    memcpy(work->order_id, "order_000000000", 16);
    work->event.size = sizeof work->event;
    work->event.user_id = work->user_id;
    work->event.event = "purchase";
    if (size == WORK_USUAL) {
        init_usual(work);
    } else if (size == WORK_LARGER) {
        init_large(work);
    }
}

void work_turn(struct work *work, uint64_t n)
{
    (void)put_digits(work->user_id + 5, n % 50021, DIGITS);
    (void)put_digits(work->order_id + 6, n, DIGITS);
    if (work->size == WORK_USUAL) {
        work->members[0].value = datalyr_text(work->order_id);
        work->members[1].value.as.number = (double)(n % 50000 + 1) / 100.0;
    }
}

size_t work_write_json(const struct work *work, uint64_t n, char *out)
{
    uint64_t cents = n % 50000 + 1;
    char *at = put_text(out, "{\"userId\":\"");

    at = put_text(at, work->user_id);
    at = put_text(at, "\",\"event\":\"purchase\",\"properties\":{"
                      "\"order_id\":\"");
    at = put_text(at, work->order_id);
    at = put_text(at, "\",\"revenue\":");
    at = put_digits(at, cents / 100, 3);
    *at++ = '.';
    at = put_digits(at, cents % 100, 2);
    at = put_text(at, ",\"currency\":\"USD\",\"product_id\":\"prod_456789\","
                      "\"product_name\":\"Ergonomic Office Chair, black\","
                      "\"quantity\":2,\"category\":\"furniture/office\","
                      "\"coupon\":\"SPRING2025\",\"is_first_purchase\":false,"
                      "\"utm_source\":\"newsletter\",");
    at = put_text(at, "\"utm_campaign\":\"spring_sale_2025_emea\",\"page_url\":"
                      "\"https://shop.example.com/checkout/thanks\"}}");
    return (size_t)(at - out);
}

static char *put_quoted(char *out, const char *text, size_t len)
{
    *out++ = '"';
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\' || (unsigned char)text[i] < ' ') {
            *out++ = '\\'; /* none of our texts has one */
        }
        *out++ = text[i];
    }
    *out++ = '"';
    return out;
}

static char *put_value(char *out, const datalyr_value *value)
{
    switch ((datalyr_kind)value->kind) {
    case DATALYR_KIND_TEXT:
        return put_quoted(out, value->as.text, value->count);
    case DATALYR_KIND_BOOLEAN:
        return put_text(out, value->as.integer != 0 ? "true" : "false");
    case DATALYR_KIND_INTEGER:
        return out + snprintf(out, 24, "%lld", (long long)value->as.integer);
    case DATALYR_KIND_NUMBER:
        return out + snprintf(out, 32, "%.15g", value->as.number);
    case DATALYR_KIND_NONE:
    case DATALYR_KIND_NULL:
    case DATALYR_KIND_UNSIGNED:
    case DATALYR_KIND_LIST:
    case DATALYR_KIND_OBJECT:
    case DATALYR_KIND_JSON:
    case DATALYR_KIND_BUILDER:
        break;
    }
    return put_text(out, "null"); /* our events have no such */
}

/* An id like a UUIDv7, of time and of a generator that costs nothing. */
static char *put_id(char *out, uint64_t now_ms)
{
    static uint64_t state = 88172645463325252u;
    static const char digits[] = "0123456789abcdef";
    uint64_t bits[2];

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bits[0] = now_ms << 16 | 0x7000 | (state & 0xfff);
    bits[1] = (state & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            *out++ = '-';
        }
        *out++ = digits[bits[i / 16] >> (60 - i % 16 * 4) & 15];
    }
    return out;
}

size_t work_write_same_json(const struct work *work, char *out)
{
    struct timespec now = {0};
    char *at = put_text(out, "{\"userId\":");

    (void)clock_gettime(CLOCK_REALTIME, &now);
    at = put_quoted(at, work->user_id, strlen(work->user_id));
    at = put_text(at, ",\"eventId\":\"");
    at = put_id(at, (uint64_t)now.tv_sec * 1000);
    at = put_text(at, "\",\"event\":\"purchase\",\"properties\":{");
    for (size_t i = 0; i < WORK_MEMBERS; i++) {
        const datalyr_member *member = &work->members[i];

        if (i > 0) {
            *at++ = ',';
        }
        at = put_quoted(at, member->name, strlen(member->name));
        *at++ = ':';
        at = put_value(at, &member->value);
    }
    /* As if the second of the time were cached. */
    at = put_text(at, "},\"context\":{\"library\":\"libdatalyr\",\"version\":"
                      "\"0.1.0\",\"source\":\"api\",\"schema_version\":1},"
                      "\"timestamp\":\"2026-01-01T00:00:00.");
    at = put_digits(at, (uint64_t)now.tv_nsec / 1000000, 3);
    at = put_text(at, "Z\"}");
    return (size_t)(at - out);
}
