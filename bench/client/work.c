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

#include <string.h>

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
