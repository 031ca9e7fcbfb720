/* SPDX-License-Identifier: MIT */
/*
 * Shop plan: what happens in a small web shop on one day, made up but not
 * random: the same seed and day give the same visitors, clicks and orders.
 */
#ifndef SHOP_PLAN_H
#define SHOP_PLAN_H

#include <datalyr.h>
#include <stddef.h>
#include <stdint.h>

#define SHOP_NO_CUSTOMER 0

enum shop_kind {
    SHOP_PAGE,
    SHOP_CART,
    SHOP_SIGN_UP,
    SHOP_CHECKOUT,
    SHOP_ORDER,
};

struct shop_campaign {
    const char *source; /* NULL: no parameters in the address */
    const char *medium;
    const char *name;
    const char *referrer; /* NULL: typed in, or from a mail program */
};

struct shop_page {
    const char *path;
    const char *title;
    int price_cents; /* 0: not a product */
};

/* Somebody with a browser. A customer number is given by the sign-up. */
struct shop_visitor {
    char anonymous_id[DATALYR_ANONYMOUS_ID_SIZE];
    const struct shop_campaign *campaign;
    uint32_t customer; /* SHOP_NO_CUSTOMER until the sign-up */
};

/* One thing that one visitor did. */
struct shop_action {
    int64_t time_ms;
    uint32_t visitor; /* index into shop_plan.visitors */
    uint32_t number;  /* of this visitor's actions: 0, 1, 2 … */
    enum shop_kind kind;
    const struct shop_page *page; /* seen, put into the cart or ordered */
    uint32_t order;               /* SHOP_ORDER: its number */
    uint8_t quantity;
    bool is_landing;   /* the first page of a visit */
    bool is_signed_in; /* the shop knows the customer */
};

struct shop_plan {
    struct shop_visitor *visitors;
    size_t visitor_count;
    struct shop_action *actions; /* by time */
    size_t action_count;
    size_t action_capacity;
    uint32_t customer_count;
    uint32_t order_count;
    bool is_out_of_memory;
};

/* Makes the day that begins at `day_ms`. shop_plan_clear() also after false,
 * which means out of memory. */
bool shop_plan_make(struct shop_plan *plan, size_t visitor_count, uint64_t seed,
                    int64_t day_ms);
void shop_plan_clear(struct shop_plan *plan);

/* A customer worth following: came by a campaign while the shop still slept,
 * came back, signed up and ordered. SHOP_NO_CUSTOMER if there is none. */
uint32_t shop_plan_find_story(const struct shop_plan *plan, int64_t night_ms);

#endif
