/* SPDX-License-Identifier: MIT */
/*
 * Revenue: what an event is worth, and sums without rounding.
 */
#ifndef DLD_IDENTITY_REVENUE_H
#define DLD_IDENTITY_REVENUE_H

#include "base/buf.h"
#include "event/event.h"

#define DLD_CURRENCIES_MAX 64

/* Millionths of a unit of money: exact for six digits behind the point. */
struct dld_money {
    int64_t micros;
    struct dlr_text currency; /* as the event says; empty: none given */
};

/* False for an event that is worth nothing: neither a sale by its name nor one
 * that says "revenue". */
bool dld_revenue_read(const struct dld_event *event, struct dld_money *money);

/* Sums by currency. All zero is empty. */
struct dld_revenue {
    struct {
        char currency[8]; /* upper case */
        int64_t micros;
        uint64_t events;
    } sums[DLD_CURRENCIES_MAX];
    size_t count;
};

void dld_revenue_add(struct dld_revenue *revenue,
                     const struct dld_money *money);

/* Writes the amount as a JSON number. */
void dld_revenue_put(struct dlr_buf *out, int64_t micros);

#endif
